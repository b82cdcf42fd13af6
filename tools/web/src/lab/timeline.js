// SPDX-License-Identifier: MIT
// The timeline of a cycle: a lane for each thread, spans of what it did for the collector, nested ones below each other.
// Wheel or buttons zoom, keys move from span to span; the table below has the same in words.
import { el } from '../dom.js';
import { hatch, svg } from './svg.js';

const kinds = {
  gc: ['the cycle and its phases', 0], handshake: ['handshakes and their answers', 90], mark: ['marking', 45], assist: ['assists', 135], sweep: ['sweeping', 0],
  mutator: ['blocked or waiting', 45], map: ['map growth', 90], finalizer: ['finalizers', 135],
};
const rowHeight = 20;
const microseconds = (value) => (value >= 1000 ? `${(value / 1000).toFixed(2)} ms` : `${value.toFixed(value < 10 ? 1 : 0)} µs`);

// Spans of each thread, with the depth at which they nest.
function lanesOf(events) {
  const names = new Map();
  const lanes = new Map();
  for (const event of events) {
    const key = `${event.pid}/${event.tid}`;
    if (event.ph === 'M' && event.name === 'thread_name') names.set(key, event.args.name);
    if (event.ph === 'X') {
      if (!lanes.has(key)) lanes.set(key, []);
      lanes.get(key).push(event);
    }
  }
  return [...lanes].map(([key, spans]) => {
    spans.sort((a, b) => a.ts - b.ts || b.dur - a.dur);
    const ends = [];
    for (const span of spans) {
      while (ends.length > 0 && ends.at(-1) <= span.ts + 1e-9) ends.pop();
      span.depth = ends.length;
      ends.push(span.ts + span.dur);
    }
    return { name: names.get(key) ?? `thread ${key}`, spans, depth: Math.max(...spans.map((span) => span.depth)) + 1 };
  });
}

export function mountTimeline(element, timeline) {
  const events = timeline.traceEvents;
  const lanes = lanesOf(events);
  const all = lanes.flatMap((lane) => lane.spans);
  const start = Math.min(...all.map((span) => span.ts));
  const end = Math.max(...all.map((span) => span.ts + span.dur));
  let view = [start, end];
  let selected = null;
  const used = [...new Set(all.map((span) => span.cat))].filter((cat) => cat in kinds);

  const picture = svg('svg', { class: 'timeline', role: 'group', 'aria-label': 'Timeline: a lane for each thread', tabindex: 0 });
  const about = el('p', { class: 'event', role: 'status' }, 'Select a span to read what it is. Arrow keys move, + and − zoom, 0 shows all.');
  const draw = () => {
    const width = Math.max(picture.clientWidth, 300);
    const left = Math.min(132, width * 0.3);
    const scale = (time) => left + (time - view[0]) / (view[1] - view[0]) * (width - left - 8);
    const defs = svg('defs');
    const fills = Object.fromEntries(Object.entries(kinds).map(([kind, [, angle]]) =>
      [kind, angle ? hatch(defs, { paper: `var(--span-${kind})`, line: 'var(--hatch)', angle, gap: 6, width: 1.5 }) : `var(--span-${kind})`]));
    const parts = [defs];
    let y = 24;
    const ticks = 5;
    for (let i = 0; i <= ticks; ++i) {
      const time = view[0] + (view[1] - view[0]) * i / ticks;
      parts.push(svg('line', { class: 'tick', x1: scale(time), x2: scale(time), y1: 18, y2: '100%' }),
        svg('text', { class: 'tick-text', x: scale(time), y: 12, 'text-anchor': i === ticks ? 'end' : i === 0 ? 'start' : 'middle' }, microseconds(time - start)));
    }
    for (const lane of lanes) {
      parts.push(svg('text', { class: 'lane-name', x: 0, y: y + 14 }, lane.name));
      for (const span of lane.spans) {
        const x1 = Math.max(scale(span.ts), left);
        const x2 = Math.min(scale(span.ts + span.dur), width);
        if (x2 < left || x1 > width) continue;
        const bar = svg('g', { class: span === selected ? 'span-bar selected' : 'span-bar', onclick: () => choose(span) },
          svg('rect', { x: x1, y: y + span.depth * rowHeight, width: Math.max(x2 - x1, 1.5), height: rowHeight - 3, rx: 2, fill: fills[span.cat] ?? fills.gc }),
          svg('title', {}, tell(lane, span)));
        if (x2 - x1 > span.name.length * 6.4 + 8) bar.append(svg('text', { class: 'span-text', x: x1 + 4, y: y + span.depth * rowHeight + 12.5 }, span.name));
        parts.push(bar);
      }
      y += lane.depth * rowHeight + 8;
      parts.push(svg('line', { class: 'between', x1: 0, x2: width, y1: y - 4, y2: y - 4 }));
    }
    picture.setAttribute('height', y);
    picture.replaceChildren(...parts);
  };
  const tell = (lane, span) => `${lane.name}: ${span.name}, ${microseconds(span.dur)}, from ${microseconds(span.ts - start)}` +
    (span.args ? ` (${Object.entries(span.args).map(([key, value]) => `${key} ${value}`).join(', ')})` : '');
  function choose(span) {
    selected = span;
    about.textContent = tell(lanes.find((lane) => lane.spans.includes(span)), span);
    draw();
  }
  function zoom(factor, at = (view[0] + view[1]) / 2) {
    const span = Math.min((view[1] - view[0]) * factor, end - start);
    const from = Math.min(Math.max(at - (at - view[0]) / (view[1] - view[0]) * span, start), end - span);
    view = [from, from + span];
    draw();
  }
  function shift(share) {
    const by = (view[1] - view[0]) * share;
    const move = Math.min(Math.max(by, start - view[0]), end - view[1]);
    view = [view[0] + move, view[1] + move];
    draw();
  }
  const order = lanes.flatMap((lane) => lane.spans);
  picture.addEventListener('keydown', (key) => {
    const at = order.indexOf(selected);
    const act = {
      ArrowRight: () => choose(order[Math.min(at + 1, order.length - 1)]), ArrowLeft: () => choose(order[Math.max(at - 1, 0)]),
      '+': () => zoom(0.5), '=': () => zoom(0.5), '-': () => zoom(2), 0: () => { view = [start, end]; draw(); },
    }[key.key];
    if (!act) return;
    act();
    key.preventDefault();
  });
  const button = (text, name, action) => el('button', { type: 'button', title: name, 'aria-label': name, onclick: action }, text);
  element.append(
    el('div', { class: 'controls' }, button('+', 'Zoom in', () => zoom(0.5)), button('−', 'Zoom out', () => zoom(2)),
      button('‹', 'Earlier', () => shift(-0.3)), button('›', 'Later', () => shift(0.3)), button('All', 'Show all', () => { view = [start, end]; draw(); }),
      el('ul', { class: 'kinds', 'aria-label': 'Kinds of spans' }, ...used.map((kind) =>
        el('li', {}, el('span', { class: `key span-${kind}`, 'aria-hidden': 'true' }), kinds[kind][0])))),
    picture, about,
    el('details', {}, el('summary', {}, `All ${all.length} spans as a table`), el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Spans' },
      el('table', { class: 'figures' }, el('thead', {}, el('tr', {}, ...['thread', 'span', 'from', 'for'].map((name) => el('th', { scope: 'col' }, name)))),
        el('tbody', {}, ...lanes.flatMap((lane) => lane.spans.slice(0, 200).map((span) => el('tr', {}, el('th', { scope: 'row' }, lane.name), el('td', {}, span.name),
          el('td', {}, microseconds(span.ts - start)), el('td', {}, microseconds(span.dur))))))))));
  draw();
  new ResizeObserver(draw).observe(picture);
}
