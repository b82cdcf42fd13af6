// SPDX-License-Identifier: MIT
// SVG elements by name and attributes, as dom.js has it for HTML, and the patterns that tell things apart without
// colour.
const space = 'http://www.w3.org/2000/svg';

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

let made = 0;

// A pattern of lines; gives its url(). `angle` in degrees.
export function hatch(defs, { paper, line, angle = 45, gap = 6, width = 2 }) {
  const id = `hatch-${++made}`;
  defs.append(svg('pattern', { id, width: gap, height: gap, patternUnits: 'userSpaceOnUse', patternTransform: `rotate(${angle})` },
    svg('rect', { width: gap, height: gap, fill: paper }),
    svg('rect', { width, height: gap, fill: line })));
  return `url(#${id})`;
}

export function arrowHead(defs, color) {
  const id = `arrow-${++made}`;
  defs.append(svg('marker', { id, viewBox: '0 0 10 10', refX: 9, refY: 5, markerWidth: 7, markerHeight: 7, orient: 'auto-start-reverse' },
    svg('path', { d: 'M0 0 L10 5 L0 10 z', fill: color })));
  return `url(#${id})`;
}
