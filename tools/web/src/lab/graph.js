// SPDX-License-Identifier: MIT
// A few objects as a graph: layers by distance from the roots in the first frame, so that nothing moves while it is
// replayed; from left to right, or on a narrow window from top to bottom, so that all of it is on the screen in letters
// that can be read. Colours are fills with patterns and words.
import { arrowHead, hatch, svg } from './svg.js';

const gap = { x: 118, y: 92 };
const narrow = matchMedia('(max-width: 40rem)');

export function mountGraph(label) {
  const picture = svg('svg', { class: 'graph', role: 'img', 'aria-label': label });
  let places = new Map();
  let down = false;
  let again = () => {};
  const at = (layer, beside) => (down ? [80 + beside * gap.x, 70 + layer * gap.y] : [70 + layer * gap.x, 90 + beside * gap.y]);

  function layOut(frame) {
    places = new Map();
    down = narrow.matches;
    const layers = [];
    let layer = [...new Set(frame.roots.map((root) => root.to))].filter((id) => id !== null);
    const seen = new Set(layer);
    while (layer.length > 0) {
      layers.push(layer);
      const next = [];
      for (const id of layer) {
        for (const [, to] of frame.objects[id].refs ?? []) {
          if (to !== null && !seen.has(to)) { seen.add(to); next.push(to); }
        }
      }
      layer = next;
    }
    layers.forEach((ids, x) => ids.forEach((id, y) => places.set(String(id), at(x, y))));
  }
  function placeOf(id) {
    if (!places.has(String(id))) places.set(String(id), at(places.size % 7, 1 + Math.floor(places.size / 7)));
    return places.get(String(id));
  }

  function draw(frame, first) {
    again = () => { places = new Map(); draw(frame, first); };
    if (first && places.size === 0) layOut(first);
    const defs = svg('defs');
    const head = arrowHead(defs, 'currentColor');
    const bad = arrowHead(defs, 'var(--warn)');
    const fills = {
      white: 'var(--tri-white)',
      grey: hatch(defs, { paper: 'var(--tri-grey)', line: 'var(--tri-grey-line)' }),
      black: 'var(--tri-black)',
    };
    const parts = [];
    const lost = new Map(frame.lost.map((entry) => [String(entry.object), entry]));
    for (const id of lost.keys()) if (!(id in frame.objects)) placeOf(id);
    const arrow = (from, to, field, wrong) => {
      const [x1, y1] = placeOf(from);
      const [x2, y2] = placeOf(to);
      const far = down ? Math.abs(y2 - y1) > gap.y * 1.5 : Math.abs(x2 - x1) > gap.x * 1.5;
      const length = Math.hypot(x2 - x1, y2 - y1) || 1;
      const [dx, dy] = [(x2 - x1) / length, (y2 - y1) / length];
      const [rise, aside] = !far ? [0, 0] : down ? [0, 90] : [70, 0];
      const start = !far ? [x1 + dx * 26, y1 + dy * 26] : down ? [x1 + 24, y1 + 10] : [x1 + 10, y1 - 24];
      const end = !far ? [x2 - dx * 28, y2 - dy * 28] : down ? [x2 + 26, y2 - 10] : [x2 - 10, y2 - 26];
      parts.push(svg('path', {
        class: wrong ? 'arrow wrong' : 'arrow', 'marker-end': wrong ? bad : head,
        d: `M${start} Q${(x1 + x2) / 2 + aside} ${(start[1] + end[1]) / 2 - rise} ${end}`,
      }), svg('text', { class: 'field', x: (x1 + x2) / 2 + aside / 2 + (!down ? 0 : far ? 42 : 22), y: (start[1] + end[1]) / 2 - rise / 2 - (down ? -4 : 6) }, field));
    };
    for (const [id, object] of Object.entries(frame.objects)) {
      for (const [field, to] of object.refs ?? []) {
        if (to !== null) arrow(id, to, field, false);
        else {
          const gone = frame.lost.find((entry) => String(entry.parent) === id && entry.field === field);
          if (gone) arrow(id, gone.object, `${field}: freed!`, true);
        }
      }
    }
    const node = (id, name, color, text, extra) => {
      const [x, y] = placeOf(id);
      parts.push(svg('g', { class: `node ${extra}` },
        svg('circle', { cx: x, cy: y, r: 24, fill: color === 'freed' ? 'none' : fills[color], class: color === 'freed' ? 'freed' : '' }),
        svg('text', { class: `inside ${color}`, x, y: y + 4 }, name),
        down ? svg('text', { class: 'under beside', x: x - 30, y: y + 4 }, text) : svg('text', { class: 'under', x, y: y + 40 }, text)));
    };
    for (const [id, object] of Object.entries(frame.objects)) {
      const isLost = lost.has(id);
      node(id, object.name ?? `#${id}`, object.color, isLost ? `${object.color}: lost` : object.color + (object.reachable ? '' : ', garbage'), isLost ? 'lost' : '');
    }
    for (const [id, entry] of lost) {
      if (!(id in frame.objects)) node(id, entry.name || `#${id}`, 'freed', 'freed', 'lost');
    }
    const tags = new Map();
    for (const root of frame.roots) {
      if (root.to === null) continue;
      tags.set(root.to, [...(tags.get(root.to) ?? []), `${root.mutator}.${root.name}`]);
    }
    for (const [id, names] of tags) {
      const [x, y] = placeOf(id);
      parts.push(down ? svg('text', { class: 'root beside', x: x - 30, y: y - 12 }, names.join('  ')) : svg('text', { class: 'root', x, y: y - 34 }, names.join('  ')));
    }
    const xs = [...places.values()].map(([x]) => x);
    const ys = [...places.values()].map(([, y]) => y);
    // Words stand beside the objects there, on their left.
    if (down) picture.setAttribute('viewBox', `-70 0 ${Math.max(...xs, 80) + 200} ${Math.max(...ys, 90) + 50}`);
    else picture.setAttribute('viewBox', `0 0 ${Math.max(...xs, 300) + 70} ${Math.max(...ys, 90) + 60}`);
    picture.classList.toggle('down', down);
    picture.setAttribute('aria-label', `${label}. ` + Object.entries(frame.objects).map(([id, object]) =>
      `${object.name ?? id} ${object.color}`).join(', ') + (frame.lost.length ? `. Lost: ${frame.lost.map((entry) => entry.name).join(', ')}` : ''));
    picture.replaceChildren(defs, ...parts);
  }
  narrow.addEventListener('change', () => again());
  return { element: picture, draw, forget: () => { places = new Map(); } };
}
