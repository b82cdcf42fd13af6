// SPDX-License-Identifier: MIT
// The ledger: a stacked bar and a column of figures for each way to write an entry. The lines of a column add up to its
// total; what is left over is a line like the others.
import { el } from '../dom.js';
import { grouped, ns } from './format.js';
import { hatch, svg } from './svg.js';

export const lines = {
  mutator: ['the map write itself', 'the same loop without a box, with collections off: unboxed, or storing boxes made before'],
  boxing: ['calling convT64', 'the loop that calls convT64, less the one that calls mallocgc itself; collections off'],
  malloc: ['mallocgc for 8 bytes', 'the loop that makes the object by mallocgc itself, less the one that stores boxes made before; collections off, memory used before'],
  assist: ['marking on the writing thread', 'the runtime\u2019s own clock of assists (Go: from its gctrace)'],
  barrier: ['the write barrier while marking', 'pointers that the barrier looked at, times what one costs with marking held on'],
  rest: ['residual', 'the total less all lines above: sweeping, handshakes, caches that marking emptied, and the errors of the other lines; it may be negative'],
};
const patterns = { mutator: [0, 0], boxing: [45, 2], malloc: [0, 2], assist: [135, 2], barrier: [90, 2], rest: [45, 1] };

function bar(column, longest) {
  const picture = svg('svg', { class: 'stack', viewBox: '0 0 1000 34', preserveAspectRatio: 'none', role: 'img', 'aria-label':
    `${column.who}, ${column.name}: ` + column.lines.map((line) => `${line.name} ${line.ns ? ns(line.ns.median) : 'not measured'}`).join(', ') });
  const defs = svg('defs');
  picture.append(defs);
  let at = 0;
  for (const line of column.lines) {
    const width = Math.max(line.ns?.median ?? 0, 0) / longest * 1000;
    const [angle, stroke] = patterns[line.name];
    const color = `var(--line-${line.name})`;
    const fill = stroke ? hatch(defs, { paper: color, line: 'var(--hatch)', angle, gap: 7, width: stroke }) : color;
    picture.append(svg('rect', { x: at, y: 2, width, height: 30, fill }, svg('title', {}, `${line.name}: ${line.ns ? ns(line.ns.median) : '?'} ns`)));
    at += width;
  }
  return picture;
}

function cell(spread) {
  if (!spread) return el('td', { class: 'soft', title: 'not measured on its own: it is in the rest' }, 'in rest');
  const wide = spread.low !== undefined && spread.high - spread.low > 0;
  return el('td', { 'data-ns': spread.median }, ns(spread.median),
    wide ? el('small', { title: `the middle half of the repetitions: ${ns(spread.low)} to ${ns(spread.high)}` }, ` ±${ns((spread.high - spread.low) / 2)}`) : null);
}

export function mountLedger(element, ledger) {
  const { columns } = ledger;
  const longest = Math.max(...columns.map((column) => Math.max(column.total.median,
    column.lines.reduce((sum, line) => sum + Math.max(line.ns?.median ?? 0, 0), 0))));
  const heads = columns.map((column) => el('th', { scope: 'col' }, `${column.name}`, el('small', {}, column.who)));
  const total = (column) => column.lines.reduce((sum, line) => sum + (line.ns?.median ?? 0), 0);
  const table = el('table', { class: 'ledger' },
    el('caption', { class: 'visually-hidden' }, 'Nanoseconds for a write, by what they are spent on'),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'ns per write'), ...heads)),
    el('tbody', {}, ...Object.entries(lines).map(([name, [words, how]], index) =>
      el('tr', { 'data-line': name },
        el('th', { scope: 'row', title: how }, el('span', { class: `key key-${name}`, 'aria-hidden': 'true' }), name, el('small', {}, words)),
        ...columns.map((column) => cell(column.lines[index].ns))))),
    el('tfoot', {},
      el('tr', { 'data-line': 'total' }, el('th', { scope: 'row' }, 'total', el('small', {}, 'the whole loop, the writing thread')), ...columns.map((column) => cell(column.total))),
      el('tr', { class: 'check' }, el('th', { scope: 'row' }, 'sum of the lines'), ...columns.map((column) => el('td', {}, `= ${ns(total(column))}`))),
      el('tr', { class: 'beside' }, el('th', { scope: 'row' }, 'beside it', el('small', {}, 'CPU time of marking on other threads')),
        ...columns.map((column) => el('td', {}, column.marking_ns === null ? 'not known' : ns(column.marking_ns)))),
      el('tr', { class: 'beside' }, el('th', { scope: 'row' }, 'allocations'), ...columns.map((column) => el('td', {}, column.allocs_per_op.toFixed(2)))),
      el('tr', { class: 'beside' }, el('th', { scope: 'row' }, 'GC cycles', el('small', {}, `in ${grouped(ledger.ops)} writes`)), ...columns.map((column) => el('td', {}, String(column.cycles))))));
  element.append(
    el('div', { class: 'bars' }, ...columns.map((column) => el('div', { class: 'bar' },
      el('span', { class: 'bar-name' }, `${column.who}, ${column.name}`), bar(column, longest), el('span', { class: 'bar-total' }, `${ns(column.total.median)} ns`)))),
    el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'The ledger' }, table));
  if (ledger.go_note) element.append(el('p', { class: 'note' }, `No columns of Go\u2019s: ${ledger.go_note}`));
  element.append(
    el('details', {}, el('summary', {}, 'How each line is measured'),
      el('p', {}, `A write is m[k] = v on a map of 16,384 integers, overwritten in turn: map[int]int unboxed, map[int]any boxed. All loops take turns in ${ledger.repetitions} ` +
        `repetitions of ${grouped(ledger.ops)} writes; times are CPU time of the writing thread, figures medians, lines differences within a repetition. ± is half the width of the middle half.`),
      el('dl', {}, ...Object.entries(lines).flatMap(([name, [, how]]) => [el('dt', {}, name), el('dd', {}, how)]))));
}
