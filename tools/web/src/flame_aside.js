// SPDX-License-Identifier: MIT
// Beside the graph: the kinds of frames with what they have, the chains of calls to look for, and what is to be said
// of map reads.
import { el } from './dom.js';
import { ALL_CLASSES } from './flame_classes.js';
import { formatAmount, formatDelta, formatShare, isTime } from './format.js';
import { findChains, markingUnderReads, sharesByKind } from './flame_model.js';
import { swatch } from './flame_patterns.js';
import { CHANGES } from './flame_words.js';

// Pressing a kind highlights it. `highlight`: { text, found } or null; on.kind(id). `colours`: whether frames are filled
// by 'kind' or by 'change'.
export function legend(prefix, tree, pressed, highlight, on, colours) {
  const shares = sharesByKind(tree);
  const none = { within: 0, inner: 0, withinBefore: 0, innerBefore: 0 };
  const { root, unit } = tree;
  const rows = ALL_CLASSES.map(({ id, name, mark, what }) => {
    const share = shares.get(id) ?? none;
    const button = el('button', { type: 'button', 'aria-pressed': String(pressed.has(id)), 'data-kind': id, title: what, onclick: () => on.kind(id) },
      colours === 'kind' ? swatch(prefix, id) : null, el('span', { class: 'mark', 'aria-hidden': 'true' }, mark), name);
    const inner = tree.isDifference ? formatDelta(share.inner - share.innerBefore, unit) : formatShare(share.inner, root.value);
    return el('tr', { 'data-kind': id },
      el('th', { scope: 'row' }, button),
      el('td', { class: 'number' }, id === 'user' ? '\u2013' : formatShare(share.within, root.value)),
      el('td', { class: 'number' }, inner));
  });
  if (highlight) {
    rows.push(el('tr', { 'data-kind': 'highlight' },
      el('th', { scope: 'row' }, el('span', { class: 'flame-pinned' }, '\u2605 ', el('code', {}, highlight.text))),
      el('td', { class: 'number' }, formatShare(highlight.found.value, root.value)),
      el('td', { class: 'number' }, tree.isDifference ? formatDelta(highlight.found.value - highlight.found.before, unit) : '\u2013')));
  }
  const heads = tree.isDifference ? ['Kind', 'In the stack', 'Change, innermost'] : ['Kind', 'In the stack', 'Innermost'];
  return el('section', { class: 'flame-legend', 'aria-labelledby': `${prefix}-kinds` },
    colours === 'change' ? changes(prefix) : null,
    el('h2', { id: `${prefix}-kinds` }, 'Kinds of frames'),
    el('table', {},
      el('thead', {}, el('tr', {}, ...heads.map((head, at) => el('th', { scope: 'col', class: at > 0 ? 'number' : '' }, head)))),
      el('tbody', {}, ...rows)),
    el('p', { class: 'note' }, tree.isDifference
      ? 'Innermost: by the last frame of a kind in each stack; these changes add up to that of all.'
      : 'Innermost: by the last frame of a kind in each stack; these shares add up to 100 %.'));
}

function changes(prefix) {
  return el('div', { class: 'flame-changes' },
    el('h2', {}, 'Changes'),
    el('dl', {}, ...CHANGES.flatMap(({ ids, mark, name, what }) => [
      el('dt', {}, ...ids.map((id) => swatch(prefix, id)), el('span', { class: 'mark', 'aria-hidden': 'true' }, mark), name),
      el('dd', {}, what)])));
}

// on.chain(found or null): show it, or no chain. `shown`: the id of the chain that is shown.
export function chains(prefix, model, tree, shown, on) {
  const items = findChains(tree).map((found) => {
    const { chain } = found;
    const there = found.value > 0;
    const amount = there ? `${formatShare(found.value, tree.root.value)} \u00b7 ${formatAmount(found.value, tree.unit)}` : 'none';
    const change = tree.isDifference && (there || found.before > 0) ? ` (${formatDelta(found.value - found.before, tree.unit)})` : '';
    const pressed = shown === chain.id;
    return el('li', { 'data-chain': chain.id },
      el('div', { class: 'path' }, ...chain.frames.flatMap((name, at) => (at > 0 ? [' \u2192 ', el('code', {}, name)] : [el('code', {}, name)]))),
      el('div', { class: 'row' },
        el('span', {}, chain.name, ': ', el('strong', {}, amount + change)),
        there ? el('button', { type: 'button', 'aria-pressed': String(pressed), onclick: () => on.chain(pressed ? null : found) }, pressed ? 'Hide' : 'Show',
          el('span', { class: 'visually-hidden' }, ` ${chain.name}`)) : null));
  });
  return el('section', { class: 'flame-chains', 'aria-labelledby': `${prefix}-chains` },
    el('h2', { id: `${prefix}-chains` }, 'What to look for'),
    el('ul', {}, ...items),
    reads(model, tree));
}

function reads(model, tree) {
  const { all, reads: under, contrary, counted } = markingUnderReads(model);
  const what = counted ? 'samples' : 'recorded stacks';
  const number = (value) => formatAmount(value, 'count');
  const verdict = under === 0
    ? `Here no one of ${number(all)} ${what} stands under a map read, so this profile is no evidence.`
    : contrary === 0
    ? `Here: of ${number(all)} ${what}, ${number(under)} stand under a map read, and 0 of those have marking below it.`
    : `Here: of ${number(all)} ${what}, ${number(under)} stand under a map read, and ${number(contrary)} of those have marking below it, which contradicts this.`;
  const time = isTime(tree.unit) || counted;
  return el('div', { class: 'flame-reads', 'data-contrary': contrary },
    el('p', {}, el('strong', {}, 'Marking never stands under ', el('code', {}, 'mapaccess'), '.'),
      ' Reading a map allocates nothing. Marking runs in the background worker, on a stack of its own, and in assists, which begin below ',
      el('code', {}, 'mallocgc'), '; a read reaches neither.'),
    el('p', { class: contrary === 0 ? '' : 'warn' }, verdict),
    time ? null : el('p', { class: 'note' }, 'This profile counts allocations, not time: marking itself shows only in a CPU profile.'));
}
