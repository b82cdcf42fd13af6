// SPDX-License-Identifier: MIT
// What is said of a call: in the line of details, to a screen reader, and how it changed.
import { el } from './dom.js';
import { USER, kindText } from './flame_classes.js';
import { formatAmount, formatDelta, formatShare } from './format.js';
import { pathOf } from './flame_model.js';

// Of the callers that a tooltip names.
export const MOST_NAMED = 30;
// Changes of less than the first share of the greater side are called none; the others are where a darker fill begins.
const STEPS = [0.02, 0.1, 0.5];

export const CHANGES = [
  { ids: ['grew1', 'grew2', 'grew3'], mark: '\u25b2', name: 'more', what: 'by 2 %, 10 %, 50 % and up' },
  { ids: ['shrank1', 'shrank2', 'shrank3'], mark: '\u25bc', name: 'less', what: 'in the same steps' },
  { ids: ['fresh'], mark: '\u271a', name: 'new', what: 'not there before' },
  { ids: ['same'], mark: '', name: 'as before', what: 'within 2 %' },
];
const [MORE, LESS, NEW, SAME] = CHANGES;

// { id, mark, name } of how a call's total changed; id is what the graph fills it with.
export function changeOf(call) {
  const { value, before } = call;
  const of = ({ ids, mark, name }, step = 0) => ({ id: ids[step], mark, name });
  if (before === 0 && value > 0) return of(NEW);
  const share = Math.abs(value - before) / Math.max(value, before, 1e-9);
  const step = STEPS.filter((least) => share >= least).length;
  return step === 0 ? of(SAME) : of(value > before ? MORE : LESS, step - 1);
}

function relative(value, before) {
  if (before === 0) return 'new';
  const percent = (100 * (value - before)) / before;
  return `${percent >= 0 ? '+' : '\u2212'}${Math.abs(percent).toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`;
}

export function sentenceOf(call, tree) {
  const { unit, root } = tree;
  const parts = [call.name];
  if (call.kind && call.kind !== USER) parts.push(call.kind.name);
  parts.push(`total ${formatAmount(call.value, unit)}, ${formatShare(call.value, root.value)}`);
  if (call.self > 0) parts.push(`self ${formatAmount(call.self, unit)}`);
  if (tree.isDifference) parts.push(`${changeOf(call).name}, total ${formatDelta(call.value - call.before, unit)}, self ${formatDelta(call.self - call.beforeSelf, unit)}`);
  return parts.join('; ');
}

function fact(name, ...values) {
  return el('span', { class: 'fact' }, el('span', { class: 'name' }, name), ' ', ...values);
}

export function detailsOf(call, tree) {
  const { unit, root } = tree;
  const line = [];
  line.push(fact('total', `${formatAmount(call.value, unit)} \u00b7 ${formatShare(call.value, root.value)}`));
  line.push(fact('self', `${formatAmount(call.self, unit)} \u00b7 ${formatShare(call.self, root.value)}`));
  if (tree.isDifference) {
    line.push(fact('before', formatAmount(call.before, unit)));
    line.push(fact('total change', `${formatDelta(call.value - call.before, unit)} (${relative(call.value, call.before)})`));
    line.push(fact('self change', formatDelta(call.self - call.beforeSelf, unit)));
  }
  const place = call.frame && call.frame.file ? `${call.frame.file}${call.line ? `:${call.line}` : ''}` : '';
  const path = pathOf(call).slice(1, -1).slice(-MOST_NAMED).map(({ name }) => name);
  return [
    el('div', { class: 'title' }, el('strong', {}, call.name), el('span', { class: 'kind' }, kindText(call.kind)), el('span', { class: 'place' }, place)),
    el('div', { class: 'facts' }, ...line),
    el('div', { class: 'callers', title: path.join(' \u203a ') || null }, path.length > 0 ? `called by ${path.slice(-4).reverse().join(' \u2039 ')}${path.length > 4 ? ' \u2039 \u2026' : ''}` : 'Click a call, or go there with the arrow keys and press Enter, to zoom.'),
  ];
}

function when(profile) {
  const parts = [];
  if (profile.time_ns > 0) parts.push(`taken ${new Date(profile.time_ns / 1e6).toISOString().slice(0, 19).replace('T', ' ')} UTC`);
  if (profile.duration_ns > 0) parts.push(`over ${formatAmount(profile.duration_ns, 'nanoseconds')}`);
  if (profile.period > 0 && profile.period_type.type) parts.push(`${profile.period === 1 ? 'every' : 'a sample every'} ${periodOf(profile)}`);
  return parts.join(', ');
}

function periodOf({ period, period_type: { type, unit } }) {
  if (type === 'space' && period === 1) return 'object recorded';
  return `${formatAmount(period, unit)}${type === 'cpu' ? ' of CPU time' : type === 'space' ? ' allocated' : ` ${type}`}`;
}

export function heading(model) {
  const files = model.profiles.map((profile, at) => {
    const role = model.isDifference ? `${at === 0 ? 'before' : 'after'}: ` : '';
    const about = when(profile);
    return el('p', { class: 'flame-about' }, role, el('strong', {}, profile.name), about ? ` \u00b7 ${about}` : '');
  });
  const left = shortenings(model).map((text) => el('p', { class: 'flame-about' }, text));
  const comments = [...new Set(model.profiles.flatMap((profile) => profile.comments))].map((text) => el('p', { class: 'flame-about comment' }, text));
  return el('header', { class: 'flame-heading' }, el('h1', {}, model.isDifference ? 'What changed' : 'Flame graph'), ...files, ...comments, ...left);
}

// What the page does not have of the profile.
function shortenings(model) {
  const parts = [];
  if (model.least_share > 0) parts.push(`calls with less than ${formatLeast(model.least_share)} of everything are shown as one`);
  if (model.number_labels === false) parts.push('labels that are numbers are left out');
  if (model.most_depth > 0) parts.push(`of stacks of more than ${model.most_depth} calls those in the middle are shown as one, and not found by the search or the table`);
  const texts = parts.length > 0 ? [`To keep the page small, ${new Intl.ListFormat('en').format(parts)}.`] : [];
  if (model.only?.length > 0) texts.unshift(`Only samples with ${model.only.join(' and ')}.`);
  return texts;
}

function formatLeast(share) {
  return `${Number((100 * share).toPrecision(1))} %`;
}
