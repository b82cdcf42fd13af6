// SPDX-License-Identifier: MIT
// What is chosen above the graph: sample type, tags, search, highlight, and of a difference how it is compared.
import { el } from './dom.js';
import { formatAmount, formatShare } from './format.js';
import { amountsByLabel } from './flame_model.js';

function field(prefix, id, label, input, ...more) {
  input.id = `${prefix}-${id}`;
  return el('div', { class: `flame-field ${id}` }, el('label', { for: input.id }, label), input, ...more);
}

function choice(entries, chosen, change) {
  const select = el('select', { onchange: () => change(select.value) }, ...entries.map(([value, text]) => el('option', { value, selected: value === chosen }, text)));
  return select;
}

// Writes what is chosen into `view` and tells `on`: view(), search(text), found(), highlight(text), colours(by).
// Gives { element, search(text), result(found, tree), tree(tree), shortcut(event) }.
export function controls(prefix, model, view, highlighted, on) {
  const types = model.sample_types.map(({ type, unit }, at) => [String(at), unit === 'count' || type === unit ? type : `${type} (${unit})`]);
  const typeField = field(prefix, 'type', 'Show', choice(types, String(view.type), (value) => {
    view.type = Number(value);
    tags();
    on.view();
  }));

  const tagFields = el('div', { class: 'flame-tags', role: 'group', 'aria-label': 'Only samples with these tags' });
  function tags() {
    const all = model.samples.at(-1).reduce((sum, sample) => sum + sample.values[view.type], 0);
    const keys = [...new Set([...model.keys.keys(), ...view.tags.keys()])].sort();
    tagFields.replaceChildren(...keys.map((key, at) => {
      const values = model.keys.has(key) ? amountsByLabel(model, key, view.type) : [];
      const entries = [['any', 'any'], ...values.map(({ value, amount }) => [`=${value}`, `${value} \u2013 ${formatShare(amount, all)}`])];
      const chosen = view.tags.has(key) ? `=${view.tags.get(key)}` : 'any';
      if (!entries.some(([value]) => value === chosen)) entries.push([chosen, `${chosen.slice(1)} \u2013 none`]);
      return field(prefix, `tag${at}`, key, choice(entries, chosen, (value) => {
        if (value === 'any') view.tags.delete(key);
        else view.tags.set(key, value.slice(1));
        on.view();
      }));
    }));
  }
  tags();

  const result = el('output', { class: 'flame-result', for: `${prefix}-search` });
  const search = el('input', { type: 'search', placeholder: 'name or regex', autocomplete: 'off', spellcheck: 'false', oninput: () => on.search(search.value.trim()) });
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Enter') on.found();
    else if (event.key === 'Escape' && search.value) set('');
    else return;
    event.preventDefault();
  });
  function set(text) {
    search.value = text;
    on.search(text.trim());
  }

  const highlight = el('input', { type: 'text', value: highlighted, placeholder: 'regex', autocomplete: 'off', spellcheck: 'false', oninput: () => on.highlight(highlight.value.trim()) });

  const stem = el('input', { type: 'checkbox', onchange: () => { view.stem = !stem.checked; on.view(); } });
  const stemLabel = el('label', { class: 'flame-check', hidden: true }, stem, el('span'));

  const from = field(prefix, 'from', 'Begin at', choice([['outside', 'outermost call'], ['runtime', 'first runtime frame']], view.from, (value) => {
    view.from = value;
    on.view();
  }));

  const compare = model.isDifference ? [
    field(prefix, 'normalise', 'Compare', choice([['absolute', 'amounts'], ['share', 'shares of all']], view.normalise, (value) => {
      view.normalise = value;
      on.view();
    })),
    field(prefix, 'colours', 'Colour by', choice([['change', 'change'], ['kind', 'kind of frame']], 'change', on.colours)),
  ] : [];

  const keys = el('details', { class: 'flame-keys' }, el('summary', {}, 'Keys'), el('dl', {}, ...[
    ['/', 'search; Enter there goes to the widest match'], ['Tab', 'to the graph'],
    ['\u2191 \u2193', 'caller, widest call'], ['\u2190 \u2192', 'neighbour in the same row'],
    ['Home End', 'outermost, innermost'], ['Enter', 'zoom'], ['Backspace', 'zoom out by one'], ['Escape', 'reset'],
  ].flatMap(([key, does]) => [el('dt', {}, ...key.split(' ').map((name) => el('kbd', {}, name))), el('dd', {}, does)])));

  const element = el('div', { class: 'flame-controls', role: 'search', 'aria-label': 'What the graph shows' },
    el('div', { class: 'flame-row' }, typeField, from, ...compare, field(prefix, 'search', 'Search', search, result), field(prefix, 'highlight', 'Highlight', highlight), keys),
    el('div', { class: 'flame-row' }, tagFields, stemLabel));

  return {
    element,
    search: set,
    result(found, tree) {
      const share = found && `${formatShare(found.value, tree.root.value)} matched`;
      result.textContent = !found ? '' : found.calls.size === 0 ? 'no match'
        : `${share} \u00b7 ${formatAmount(found.value, tree.unit)} \u00b7 ${found.functions.size} ${found.functions.size === 1 ? 'function' : 'functions'}`;
    },
    tree({ stemCalls }) {
      stemLabel.hidden = stemCalls === 0;
      stemLabel.lastChild.textContent = `show the ${stemCalls} outermost calls one by one`;
    },
    shortcut(event) {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.('input, select, textarea')) return;
      event.preventDefault();
      search.focus();
      search.select();
    },
  };
}
