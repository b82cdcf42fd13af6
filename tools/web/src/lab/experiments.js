// SPDX-License-Identifier: MIT
// Every experiment of the run: what the document says, what was expected and observed, the verdict, a chart of its arms
// and a table of their counts.
import { el } from '../dom.js';
import { mountChart } from './chart.js';
import { grouped, ns } from './format.js';
import { keep, kept } from './place.js';

const columns = [
  ['allocs_per_op', 'allocs/op'], ['bytes_per_op', 'B/op'], ['gc_cycles', 'GC cycles'], ['objects_greyed', 'objects greyed'],
  ['words_scanned', 'words scanned'], ['barrier_hits_per_op', 'barrier hits/op'], ['barrier_shades_per_op', 'shaded/op'], ['found_per_op', 'found/op'],
  ['mark_cpu_ms', 'mark CPU ms'],
];

function figure(value) {
  if (value === null || value === undefined) return '';
  return Number.isInteger(value) ? grouped(value) : Math.abs(value) < 0.005 ? '0' : value < 100 ? value.toFixed(2) : grouped(value);
}

// Text with code between backquotes.
function coded(text) {
  return text.split('`').map((part, i) => (i % 2 ? el('code', {}, part) : part));
}

// What a chart can show: times where there are any, else the first count that tells the arms apart.
function chartOf(experiment) {
  const { arms } = experiment;
  if (arms.some((arm) => arm.ns_per_op)) {
    return ['ns per operation', arms.map((arm) => ({ name: arm.name, ours: arm.ns_per_op, go: arm.go?.ns_per_op ?? null }))];
  }
  if (arms.some((arm) => arm.mark_ms)) {
    return ['ms of marking', arms.map((arm) => ({ name: arm.name, ours: arm.mark_ms, go: arm.go?.mark_ms ?? null }))];
  }
  for (const [key, unit] of columns) {
    if (new Set(arms.map((arm) => arm[key])).size > 1) {
      return [unit, arms.map((arm) => ({ name: arm.name, ours: arm[key] === null ? null : { median: arm[key] }, go: arm.go?.[key] == null ? null : { median: arm.go[key] } }))];
    }
  }
  return null;
}

function tableOf(experiment) {
  const there = columns.filter(([key]) => experiment.arms.some((arm) => arm[key] !== null && arm[key] !== undefined));
  const withGo = experiment.arms.some((arm) => arm.go?.ns_per_op);
  return el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Figures of ${experiment.id}` },
    el('table', { class: 'figures' },
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'arm'), el('th', { scope: 'col' }, 'ns/op'), withGo ? el('th', { scope: 'col' }, 'Go ns/op') : null,
        ...there.map(([, name]) => el('th', { scope: 'col' }, name)))),
      el('tbody', {}, ...experiment.arms.map((arm) => el('tr', {}, el('th', { scope: 'row' }, arm.name, arm.role === 'control' ? el('small', {}, ' control') : null),
        el('td', {}, arm.ns_per_op ? ns(arm.ns_per_op.median) : ''),
        withGo ? el('td', {}, arm.go?.ns_per_op ? ns(arm.go.ns_per_op.median) : '') : null,
        ...there.map(([key]) => el('td', {}, figure(arm[key]))))))));
}

function card(experiment, quick, lab) {
  const chart = chartOf(experiment);
  const drawn = el('div', { class: 'drawn' });
  const source = experiment.arms.find((arm) => arm.go?.source)?.go.source;
  const body = el('div', { class: 'card-body' },
    el('dl', { class: 'verdicts' },
      el('dt', {}, 'claimed'), el('dd', {}, ...coded(experiment.claim)),
      el('dt', {}, 'done'), el('dd', {}, ...coded(experiment.work)),
      el('dt', {}, 'expected'), el('dd', {}, experiment.expected),
      el('dt', {}, 'observed'), el('dd', {}, experiment.observed)),
    drawn, tableOf(experiment),
    experiment.note ? el('p', { class: 'note' }, ...coded(experiment.note)) : null,
    el('p', { class: 'soft' }, `One operation: ${experiment.op}. Go: ${source ?? 'no figures'}. Again: `, el('code', {}, `${lab} --only ${experiment.id}${quick ? ' --quick' : ''}`)));
  const details = el('details', { class: 'card', id: `experiment-${experiment.id}` },
    el('summary', {},
      el('span', { class: `badge ${experiment.holds ? 'holds' : 'fails'}` }, experiment.holds ? '✓ as expected' : '✕ not as expected'),
      el('span', { class: 'card-title' }, el('b', {}, experiment.id), ` ${experiment.title}`),
      el('span', { class: 'card-verdict' }, ...coded(experiment.verdict))),
    body);
  // A chart needs a width, which what is folded up has not.
  const draw = () => {
    if (!details.open || drawn.childElementCount > 0 || !chart) return;
    mountChart(drawn, chart[1], chart[0], experiment.title);
    if (chart[1].some((arm) => arm.go)) {
      drawn.append(el('p', { class: 'chart-key soft' }, el('span', { class: 'key ours', 'aria-hidden': 'true' }), 'Greyhound ',
        el('span', { class: 'key go', 'aria-hidden': 'true' }), `Go (${source ?? 'recorded'}). Whiskers: the middle half of the repetitions.`));
    }
  };
  details.addEventListener('toggle', () => {
    draw();
    keep({ cards: openCards() });
  });
  cards.set(details, draw);
  return details;
}

// Every card, with what draws its chart.
const cards = new Map();
const openCards = () => [...cards.keys()].filter((one) => one.open).map((one) => one.id);

// Unfolds at once, chart and all: the event that tells of it comes too late for who wants to scroll there.
function unfold(details, open = true) {
  details.open = open;
  cards.get(details)();
}
// The card that holds `element` is unfolded before somebody is led there.
export function unfoldFor(element) {
  const details = element.closest('details.card');
  if (cards.has(details)) unfold(details);
}

// `lab`: the command as whoever made the page calls it.
export function mountExperiments(element, report, lab) {
  const shown = report.experiments.map((experiment) => card(experiment, report.settings.quick, lab));
  const all = el('button', { type: 'button', onclick: () => {
    const open = !shown.every((one) => one.open);
    for (const one of shown) unfold(one, open);
    all.textContent = open ? 'Fold all up' : 'Unfold all';
  } }, 'Unfold all');
  const held = report.experiments.filter((experiment) => experiment.holds).length;
  element.append(
    el('p', {}, `${held} of ${report.experiments.length} came out as expected. A verdict rests on counts, which repeat from run to run; times are shown with their spread. `, all),
    ...shown);
  const before = kept().cards;
  shown.forEach((one, at) => { if (before ? before.includes(one.id) : at === 0) unfold(one); });
  addEventListener('beforeprint', () => { for (const one of shown) unfold(one); });
}
