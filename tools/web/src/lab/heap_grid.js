// SPDX-License-Identifier: MIT
// The heap as spans of slots, an object a cell; edges from and to the one that is selected. A listbox: arrow keys move,
// and what is selected is told in words beside the grid.
import { el } from '../dom.js';
import { bytes } from './format.js';
import { arrowHead, svg } from './svg.js';
import { describe, nameOf } from './tricolor.js';

export function mountHeapGrid() {
  let selected = null;
  let frame = null;
  let before = null;
  const cells = new Map();
  const grid = el('div', { class: 'heap', role: 'listbox', 'aria-label': 'Objects of the heap', tabindex: 0 });
  const lines = svg('svg', { class: 'edges', 'aria-hidden': 'true' });
  const about = el('div', { class: 'about-object', 'aria-live': 'polite' });
  const element = el('div', { class: 'heap-and-about' }, el('div', { class: 'heap-frame' }, grid, lines), about);

  function spansOf() {
    const spans = new Map(Object.keys(frame.heap.spans).map((id) => [id, []]));
    for (const [id, object] of Object.entries(frame.objects)) spans.get(String(object.span)).push([id, object]);
    return [...spans].filter(([, objects]) => objects.length > 0)
      .map(([id, objects]) => [id, objects.sort((a, b) => a[1].slot - b[1].slot)]);
  }

  // `next` to the frame that was drawn before, or not: then nothing is marked as changed.
  function draw(next, follows = true) {
    before = follows ? frame : null;
    frame = next;
    if (selected !== null && !(selected in frame.objects)) selected = null;
    cells.clear();
    grid.replaceChildren(...spansOf().map(([id, objects]) => {
      const span = frame.heap.spans[id];
      return el('div', { class: 'span', role: 'group', 'aria-label': `span ${id}, slots of ${span.slot_bytes} bytes` },
        el('span', { class: 'span-name', 'aria-hidden': 'true' },
          `span ${id} · ${span.slot_bytes} B slots${span.noscan ? ' · no pointers' : ''} · ${objects.length} of ${span.slots}`),
        el('div', { class: 'slots' }, ...slots(objects)));
    }));
    grid.setAttribute('aria-activedescendant', selected === null ? '' : `object-${selected}`);
    drawEdges();
    tell();
  }

  // A freed slot between objects stays as a hole.
  function slots(objects) {
    const out = [];
    let slot = 0;
    for (const [id, object] of objects) {
      for (; slot < object.slot; ++slot) out.push(el('div', { class: 'cell hole', 'aria-hidden': 'true' }));
      slot = object.slot + 1;
      const changed = before && before.objects[id]?.color !== object.color;
      const cell = el('div', {
        class: `cell ${object.color}${object.reachable ? '' : ' dashed'}${changed ? ' changed' : ''}`,
        role: 'option', id: `object-${id}`, 'aria-selected': String(id === selected), 'aria-label': describe(id, object),
        title: describe(id, object), onclick: () => select(id),
      }, object.name ? object.name.slice(0, 6) : id);
      cells.set(id, cell);
      out.push(cell);
    }
    return out;
  }

  function select(id) {
    selected = id;
    for (const [other, cell] of cells) cell.setAttribute('aria-selected', String(other === id));
    grid.setAttribute('aria-activedescendant', id === null ? '' : `object-${id}`);
    drawEdges();
    tell();
  }

  function middle(id) {
    const cell = cells.get(String(id));
    const frameBox = grid.getBoundingClientRect();
    const box = cell.getBoundingClientRect();
    return [box.left - frameBox.left + box.width / 2, box.top - frameBox.top + box.height / 2];
  }
  function drawEdges() {
    lines.replaceChildren();
    if (selected === null || !cells.has(selected)) return;
    const defs = svg('defs');
    lines.append(defs);
    const heads = { from: arrowHead(defs, 'var(--edge-out)'), to: arrowHead(defs, 'var(--edge-in)') };
    const edge = (a, b, kind) => {
      if (!cells.has(String(a)) || !cells.has(String(b)) || String(a) === String(b)) return;
      const [x1, y1] = middle(a);
      const [x2, y2] = middle(b);
      const bend = Math.min(40, Math.hypot(x2 - x1, y2 - y1) / 4);
      lines.append(svg('path', { class: `edge ${kind}`, d: `M${x1} ${y1} Q${(x1 + x2) / 2} ${(y1 + y2) / 2 - bend} ${x2} ${y2}`, 'marker-end': heads[kind] }));
    };
    for (const [, to] of frame.objects[selected].refs ?? []) if (to !== null) edge(selected, to, 'from');
    for (const [id, object] of Object.entries(frame.objects)) {
      if ((object.refs ?? []).some(([, to]) => String(to) === selected)) edge(id, selected, 'to');
    }
  }

  function tell() {
    if (selected === null) {
      about.replaceChildren(el('p', { class: 'soft' }, 'Select an object to see what it refers to and what refers to it.'));
      return;
    }
    const object = frame.objects[selected];
    const link = (id) => el('button', { type: 'button', class: 'link', onclick: () => select(String(id)) }, nameOf(id, frame.objects[id]));
    const out = (object.refs ?? []).map(([field, to]) => el('li', {}, `${field} → `, to === null ? el('strong', {}, 'freed memory') : link(to)));
    const into = Object.entries(frame.objects).filter(([, other]) => (other.refs ?? []).some(([, to]) => String(to) === selected));
    const roots = frame.roots.filter((root) => String(root.to) === selected);
    about.replaceChildren(
      el('h4', {}, nameOf(selected, object)),
      el('p', {}, el('span', { class: `swatch ${object.color}`, 'aria-hidden': 'true' }), `${object.color} · ${object.type} · ${bytes(object.size)}`),
      el('p', { class: 'soft' }, out.length ? 'refers to' : 'has no references'), out.length ? el('ul', {}, ...out) : null,
      el('p', { class: 'soft' }, into.length || roots.length ? 'is referred to by' : 'nothing refers to it'),
      el('ul', {}, ...roots.map((root) => el('li', {}, `root ${root.mutator}.${root.name}`)), ...into.map(([id]) => el('li', {}, link(id)))));
  }

  grid.addEventListener('keydown', (key) => {
    const order = [...cells.keys()];
    const at = order.indexOf(selected);
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key.key];
    if (key.key === 'Escape') select(null);
    else if (key.key === 'Home') select(order[0]);
    else if (key.key === 'End') select(order.at(-1));
    else if (move) select(order[Math.min(Math.max(at + move, 0), order.length - 1)]);
    else return;
    key.preventDefault();
    key.stopPropagation();
  });
  new ResizeObserver(() => frame && drawEdges()).observe(grid);
  return { element, draw, select };
}
