// SPDX-License-Identifier: MIT
// Every experiment of the run: what the document says, what was expected and observed, the verdict, charts of its arms
// and a table of their figures.
import { el } from '../dom.js';
import { mountChart } from './chart.js';
import { columnsOf, isTimed } from './figures.js';
import { ns } from './format.js';
import { keep, kept } from './place.js';

// Text with code between backquotes.
function coded(text) {
  return text.split('`').map((part, i) => (i % 2 ? el('code', {}, part) : part));
}

// What charts can show: times where they are compared, else each count on which the verdict rests and which tells the
// arms apart, of the arms that have it. [[unit, arms]] as mountChart takes them.
function chartsOf(experiment) {
  if (isTimed(experiment)) {
    return [['ns per operation', experiment.arms.map((arm) => ({ name: arm.name, ours: arm.ns_per_op, go: arm.go?.ns_per_op ?? null }))]];
  }
  const apart = (arms) => new Set(arms.flatMap(({ ours, go }) => [ours, go]).filter(Boolean).map((bar) => bar.median)).size > 1;
  return columnsOf(experiment).filter((column) => column.decides).map((column) => {
    const bar = (figure) => (figure === null ? null : { median: figure * column.scale });
    return [column.unit, experiment.arms.map((arm) => ({ name: arm.name, ours: bar(column.of(arm)), go: bar(column.ofGo(arm.go)) })).filter(({ ours, go }) => ours || go)];
  }).filter(([, arms]) => apart(arms));
}

// A column is [name, text of an arm's cell]. Go's stands beside ours where there is one, of times and of what decides.
function tableColumns(experiment) {
  const median = (figures) => figures?.ns_per_op?.median ?? null;
  const time = { name: 'ns/op', decides: true, of: median, ofGo: median, text: ns };
  return [...(isTimed(experiment) ? [time] : []), ...columnsOf(experiment)].flatMap(({ name, decides, of, ofGo, text }) => {
    const cell = (figure) => (figure === null ? '' : text(figure));
    const go = decides && experiment.arms.some((arm) => ofGo(arm.go) !== null);
    return [[name, (arm) => cell(of(arm))], ...(go ? [[`Go ${name}`, (arm) => cell(ofGo(arm.go))]] : [])];
  });
}

function tableOf(experiment) {
  const columns = tableColumns(experiment);
  return el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Figures of ${experiment.id}` },
    el('table', { class: 'figures' },
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'arm'), ...columns.map(([name]) => el('th', { scope: 'col' }, name)))),
      el('tbody', {}, ...experiment.arms.map((arm) => el('tr', {}, el('th', { scope: 'row' }, arm.name, arm.role === 'control' ? el('small', {}, ' control') : null),
        ...columns.map(([, cell]) => el('td', {}, cell(arm))))))));
}

function card(experiment, lab) {
  const charts = chartsOf(experiment);
  const drawn = el('div', { class: charts.length > 1 ? 'drawn several' : 'drawn' });
  const source = experiment.arms.find((arm) => arm.go?.source)?.go.source;
  const body = el('div', { class: 'card-body' },
    el('dl', { class: 'verdicts' },
      el('dt', {}, 'claimed'), el('dd', {}, ...coded(experiment.claim)),
      el('dt', {}, 'done'), el('dd', {}, ...coded(experiment.work)),
      el('dt', {}, 'expected'), el('dd', {}, experiment.expected),
      el('dt', {}, 'observed'), el('dd', {}, experiment.observed)),
    drawn, tableOf(experiment),
    experiment.note ? el('p', { class: 'note' }, ...coded(experiment.note)) : null,
    el('p', { class: 'soft' }, `One operation: ${experiment.op}. Go: ${source ?? 'no figures'}. Again: `, el('code', {}, `${lab} --only ${experiment.id}`)));
  const details = el('details', { class: 'card', id: `experiment-${experiment.id}` },
    el('summary', {},
      el('span', { class: `badge ${experiment.holds ? 'holds' : 'fails'}` }, experiment.holds ? '✓ as expected' : '✕ not as expected'),
      el('span', { class: 'card-title' }, el('b', {}, experiment.id), ` ${experiment.title}`),
      el('span', { class: 'card-verdict' }, ...coded(experiment.verdict))),
    body);
  // A chart needs a width, which what is folded up has not.
  const draw = () => {
    if (!details.open || drawn.childElementCount > 0) return;
    for (const [unit, arms] of charts) mountChart(drawn, arms, unit, experiment.title, !isTimed(experiment));
    if (charts.some(([, arms]) => arms.some((arm) => arm.go))) {
      drawn.append(el('p', { class: 'chart-key soft' }, el('span', { class: 'key ours', 'aria-hidden': 'true' }), 'Greyhound ',
        el('span', { class: 'key go', 'aria-hidden': 'true' }), `Go (${source ?? 'recorded'}).${isTimed(experiment) ? ' Whiskers: the middle half of the repetitions.' : ''}`));
    }
  };
  details.addEventListener('toggle', () => {
    draw();
    if (!details.open) printed.delete(details);
    keep({ cards: openCards() });
  });
  cards.set(details, draw);
  return details;
}

// Every card, with what draws its chart; and those that only the printer unfolded, which a reload does not.
const cards = new Map();
const printed = new Set();
const openCards = () => [...cards.keys()].filter((one) => one.open && !printed.has(one)).map((one) => one.id);

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

// Paper has everything on it; afterwards the screen is as it was.
export function unfoldToPrint() {
  for (const details of cards.keys()) {
    if (details.open) continue;
    printed.add(details);
    unfold(details);
  }
}
export function foldAfterPrint() {
  for (const details of printed) unfold(details, false);
  printed.clear();
}

// `lab`: the command that runs experiments as this page's were run, without their names.
export function mountExperiments(element, report, lab) {
  const shown = report.experiments.map((experiment) => card(experiment, lab));
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
}
