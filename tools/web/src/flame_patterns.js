// SPDX-License-Identifier: MIT
// How frames are filled: a colour and a pattern on it, by kind of frame or by how it changed. The colours are
// flame.css's custom properties, so that they follow light and dark.
const SVG = 'http://www.w3.org/2000/svg';

// What is drawn on each, in a tile of 8 by 8.
const STROKES = {
  user: '',
  boxing: 'M-2 2 2-2M0 8 8 0M6 10 10 6',
  malloc: 'dots',
  assist: 'M4 0V8',
  mark: 'M-2 2 2-2M0 8 8 0M6 10 10 6M-2 6 2 10M0 0 8 8M6-2 10 2',
  barrier: 'M0 2H8M0 6H8',
  evacuate: 'M-2 6 2 10M0 0 8 8M6-2 10 2',
  sweep: 'M0 4Q2 1 4 4T8 4',
  same: '',
  grew1: 'M-2 2 2-2M0 8 8 0M6 10 10 6',
  grew2: 'M-2 2 2-2M0 8 8 0M6 10 10 6',
  grew3: 'M-2 2 2-2M0 8 8 0M6 10 10 6',
  shrank1: 'M-2 6 2 10M0 0 8 8M6-2 10 2',
  shrank2: 'M-2 6 2 10M0 0 8 8M6-2 10 2',
  shrank3: 'M-2 6 2 10M0 0 8 8M6-2 10 2',
  fresh: 'dots',
};

function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// An element to put into the page once; fill(id) is then what to fill with.
export function patterns(prefix) {
  const tiles = Object.entries(STROKES).map(([id, strokes]) => {
    const tile = svg('pattern', { id: `${prefix}-${id}`, width: 8, height: 8, patternUnits: 'userSpaceOnUse' },
      svg('rect', { width: 8, height: 8, style: `fill: var(--fill-${id})` }));
    if (strokes === 'dots') {
      for (const [x, y] of [[2, 2], [6, 6]]) tile.append(svg('circle', { cx: x, cy: y, r: 1.1, style: 'fill: var(--fill-stroke)' }));
    } else if (strokes) {
      tile.append(svg('path', { d: strokes, style: 'fill: none; stroke: var(--fill-stroke); stroke-width: 1' }));
    }
    return tile;
  });
  return svg('svg', { class: 'flame-patterns', width: 0, height: 0, 'aria-hidden': 'true' }, svg('defs', {}, ...tiles));
}

export function fill(prefix, id) {
  return `url(#${prefix}-${id})`;
}

// A sample of it for a legend.
export function swatch(prefix, id) {
  return svg('svg', { class: 'flame-swatch', width: 24, height: 16, 'aria-hidden': 'true' },
    svg('rect', { x: 0.5, y: 0.5, width: 23, height: 15, rx: 2, fill: fill(prefix, id) }));
}
