// SPDX-License-Identifier: MIT
// Tables: of functions, sorted by any column, and of what vanished. They say all that the drawing does, for who
// does not look at drawings.
import { el } from './dom.js';
import { kindText } from './flame_classes.js';
import { formatAmount, formatDelta, formatShare } from './format.js';
import { functionsOf, pathOf, vanished } from './flame_model.js';

const SHOWN_AT_FIRST = 25;

function columnsOf(tree) {
  const { unit, root } = tree;
  const amount = (key) => (row) => formatAmount(row[key], unit);
  const share = (key) => (row) => formatShare(row[key], root.value);
  const delta = (key) => (row) => formatDelta(row[key], unit);
  const columns = [
    { id: 'name', title: 'Function', text: true },
    { id: 'kind', title: 'Kind', text: true },
    { id: 'self', title: 'Self', show: amount('self') },
    { id: 'selfShare', title: 'Self %', of: 'self', show: share('self') },
    { id: 'total', title: 'Total', show: amount('total') },
    { id: 'totalShare', title: 'Total %', of: 'total', show: share('total') },
  ];
  if (!tree.isDifference) return columns;
  return columns.filter(({ id }) => !id.endsWith('Share')).concat([
    { id: 'selfDelta', title: 'Self change', show: delta('selfDelta') },
    { id: 'totalDelta', title: 'Total change', show: delta('totalDelta') },
  ]);
}

// on.pick(name): a function was chosen.
export class FunctionTable {
  constructor(prefix, on) {
    this.on = on;
    this.sort = { id: null, down: true };
    this.all = false;
    this.body = el('tbody');
    this.head = el('tr');
    this.more = el('button', { type: 'button', class: 'flame-more', onclick: () => this.showAll() });
    this.element = el('section', { class: 'flame-functions', 'aria-labelledby': `${prefix}-functions` },
      el('h2', { id: `${prefix}-functions` }, 'Functions'),
      el('div', { class: 'flame-scroll', tabindex: '0', role: 'region', 'aria-labelledby': `${prefix}-functions` },
        el('table', {}, el('thead', {}, this.head), this.body)),
      this.more);
  }

  show(tree) {
    this.columns = columnsOf(tree);
    if (!this.columns.some(({ id }) => id === this.sort.id)) this.sort = { id: tree.isDifference ? 'selfDelta' : 'self', down: true };
    this.rows = functionsOf(tree).map((row) => ({ ...row, selfDelta: row.self - row.beforeSelf, totalDelta: row.total - row.beforeTotal }));
    this.head.replaceChildren(...this.columns.map((column) => this.header(column)));
    this.draw();
  }

  header(column) {
    const button = el('button', { type: 'button', onclick: () => this.sortBy(column) }, column.title, el('span', { class: 'flame-arrow', 'aria-hidden': 'true' }));
    return el('th', { scope: 'col', 'data-column': column.id, class: column.text ? '' : 'number' }, button);
  }

  sortBy(column) {
    const again = this.sort.id === column.id;
    this.sort = { id: column.id, down: again ? !this.sort.down : !column.text };
    this.draw();
  }

  showAll() {
    this.all = true;
    this.draw();
  }

  draw() {
    const { id, down } = this.sort;
    const column = this.columns.find((candidate) => candidate.id === id);
    const key = column.of ?? id;
    // Changes by their amount, whichever way: what changed most stands first.
    const value = (row) => (id === 'kind' ? row.kind.name : id.endsWith('Delta') ? Math.abs(row[key]) : row[key]);
    const order = column.text ? (a, b) => value(a).localeCompare(value(b)) : (a, b) => value(a) - value(b);
    this.rows.sort((a, b) => (down ? order(b, a) : order(a, b)) || b.total - a.total || (a.name < b.name ? -1 : 1));
    for (const th of this.head.children) {
      const sorted = th.dataset.column === id;
      if (sorted) th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      else th.removeAttribute('aria-sort');
      th.querySelector('.flame-arrow').textContent = sorted ? (down ? ' \u25be' : ' \u25b4') : '';
    }
    const rows = this.all ? this.rows : this.rows.slice(0, SHOWN_AT_FIRST);
    this.body.replaceChildren(...rows.map((row) => this.row(row)));
    this.more.textContent = `Show all ${this.rows.length} functions`;
    this.more.hidden = rows.length === this.rows.length;
  }

  row(row) {
    return el('tr', {}, ...this.columns.map((column) => {
      if (column.id === 'name') {
        const button = el('button', { type: 'button', class: 'flame-name', title: row.file || null, onclick: () => this.on.pick(row.name) }, row.name);
        return el('th', { scope: 'row' }, button);
      }
      if (column.id === 'kind') return el('td', { class: 'kind' }, kindText(row.kind));
      return el('td', { class: 'number' }, column.show(row));
    }));
  }
}

const MOST_VANISHED = 50;

// The stacks of the profile before that the one after has nothing of.
export function vanishedSection(prefix, tree) {
  const gone = vanished(tree);
  const all = gone.reduce((sum, call) => sum + call.before, 0);
  const rows = gone.slice(0, MOST_VANISHED).map((call) => {
    const names = pathOf(call).slice(1).map(({ name }) => name);
    const callers = names.slice(0, -1).slice(-3);
    return el('tr', {},
      el('th', { scope: 'row' }, el('span', { class: 'callers' }, callers.map((name) => `${name} \u203a `).join('')), names.at(-1)),
      el('td', { class: 'kind' }, kindText(call.kind)),
      el('td', { class: 'number' }, formatAmount(call.before, tree.unit)),
      el('td', { class: 'number' }, formatShare(call.before, tree.root.before)));
  });
  const summary = gone.length === 0
    ? 'Nothing: every call of before is there after.'
    : `${formatAmount(all, tree.unit)}, ${formatShare(all, tree.root.before)} of before, in ${gone.length} calls that are no more${gone.length > MOST_VANISHED ? `; the ${MOST_VANISHED} largest` : ''}. They have no width in the graph.`;
  const head = ['Last callers and call', 'Kind', 'Before', 'Before %'].map((title, at) => el('th', { scope: 'col', class: at > 1 ? 'number' : '' }, title));
  return el('section', { class: 'flame-vanished', 'aria-labelledby': `${prefix}-vanished` },
    el('h2', { id: `${prefix}-vanished` }, 'Vanished'),
    el('p', {}, summary),
    rows.length === 0 ? null : el('div', { class: 'flame-scroll', tabindex: '0', role: 'region', 'aria-labelledby': `${prefix}-vanished` },
      el('table', {}, el('thead', {}, el('tr', {}, ...head)), el('tbody', {}, ...rows))));
}
