// SPDX-License-Identifier: MIT
// A flame graph with all that is around it, for any page:
//
//   const graph = mountFlameGraph(element, data, options);
//
// `data` is as flame_model.js says. options.heading: show the title as the page's h1; options.shortcuts: '/' anywhere
// on the page goes to the search (true unless it is false). Gives { search(text), zoomTo(names), reset(), destroy() }.
// Nothing but `element` is changed, except that those shortcuts listen on the document.
import { el } from './dom.js';
import { chains, legend } from './flame_aside.js';
import { controls } from './flame_controls.js';
import { FlameDrawing, LEVELS } from './flame_graph.js';
import { buildTree, decode, each, matching, pathOf, testOf } from './flame_model.js';
import { patterns } from './flame_patterns.js';
import { FunctionTable, vanishedSection } from './flame_table.js';
import { MOST_NAMED, changeOf, detailsOf, heading, sentenceOf } from './flame_words.js';
// After the drawing's: it has the last word on d3-flame-graph's own style.
import './flame.css';

const STEPS_SHOWN = 4;

let mounted = 0;

export function mountFlameGraph(element, data, options = {}) {
  return new FlamePage(element, decode(data), options).handle();
}

class FlamePage {
  constructor(element, model, options) {
    this.prefix = `flame${mounted++}`;
    this.model = model;
    this.view = { type: model.sample_type, tags: new Map(model.tags), normalise: 'absolute', stem: true, from: 'outside' };
    this.colours = model.isDifference ? 'change' : 'kind';
    this.searched = '';
    this.highlighted = model.highlight;
    this.pressed = new Set();
    this.chain = null;
    this.build(element, options);
    this.rebuild();
  }

  handle() {
    return {
      search: (text) => this.controls.search(text),
      zoomTo: (names) => this.zoomTo(names),
      reset: () => this.drawing.zoom(this.tree.root),
      destroy: () => this.destroy(),
    };
  }

  build(element, options) {
    const { prefix, model } = this;
    this.controls = controls(prefix, model, this.view, this.highlighted, {
      view: () => this.rebuild(),
      search: (text) => { this.searched = text; this.relook(); },
      found: () => this.visitWidest(this.found),
      highlight: (text) => { this.highlighted = text; this.relook(); },
      colours: (by) => { this.colours = by; this.relook(); },
    });
    this.path = el('ol');
    this.surface = el('div', { class: 'flame-surface' });
    this.details = el('div', { class: 'flame-details', 'data-testid': 'details' });
    this.empty = el('p', { class: 'flame-empty', hidden: true }, 'No samples: nothing of this sample type carries these tags.');
    this.cut = el('p', { class: 'note', hidden: true, 'data-testid': 'cut' }, `Calls more than ${LEVELS} levels below the topmost row are not drawn. Zoom in to see them; the search, the table and the arrow keys lead there, too. All figures count them.`);
    this.aside = el('aside', { 'aria-label': 'Kinds of frames and what to look for' });
    this.live = el('p', { role: 'status', class: 'visually-hidden' });
    this.gone = el('div');
    this.table = new FunctionTable(prefix, { pick: (name) => this.pick(name) });
    const top = options.heading ? heading(model) : null;
    this.element = el(options.heading ? 'main' : 'section', { class: 'flame', 'aria-label': 'Flame graph' },
      patterns(prefix), top, this.controls.element,
      el('div', { class: 'flame-body' },
        el('div', { class: 'flame-main' },
          el('div', {}, el('nav', { class: 'flame-path', 'aria-label': 'Zoomed to' }, this.path), this.empty, this.cut, this.surface, this.details),
          this.table.element),
        this.aside),
      this.live, this.gone);
    element.replaceChildren(this.element);
    this.drawing = new FlameDrawing(this.surface, prefix,
      'Flame graph, callers above what they call. Arrow keys move, Enter zooms, Escape resets.',
      { focus: (call, byKeyboard) => this.focused(call, byKeyboard), hover: (call) => this.detail(call ?? this.drawing.current), zoom: (call) => this.zoomed(call), cut: (cut) => { this.cut.hidden = !cut; } },
      (call) => this.look(call), (call) => sentenceOf(call, this.tree));
    this.slash = (event) => this.controls.shortcut(event);
    if (options.shortcuts !== false) document.addEventListener('keydown', this.slash);
  }

  destroy() {
    document.removeEventListener('keydown', this.slash);
    this.drawing.destroy();
    this.element.remove();
  }

  // Another tree: sample type, tags or normalisation changed.
  rebuild() {
    this.tree = buildTree(this.model, this.view);
    this.controls.tree(this.tree);
    this.chain = null;
    const nothing = this.tree.root.value === 0;
    this.empty.hidden = !nothing;
    this.surface.classList.toggle('nothing', nothing);
    this.details.hidden = nothing;
    this.find();
    this.drawing.show(this.tree);
    this.zoomed(this.drawing.zoomed);
    this.detail(this.drawing.current);
    this.drawAside();
    this.table.show(this.tree);
    this.gone.replaceChildren(...(this.tree.isDifference ? [vanishedSection(this.prefix, this.tree)] : []));
  }

  // The same tree, other emphasis.
  relook() {
    this.find();
    this.drawing.decorate();
    this.drawAside();
  }

  find() {
    const test = testOf(this.searched);
    this.found = test ? matching(this.tree, test) : null;
    const pinned = testOf(this.highlighted);
    this.pinned = pinned ? matching(this.tree, pinned) : null;
    this.controls.result(this.found, this.tree);
  }

  drawAside() {
    const { prefix, tree } = this;
    const focus = document.activeElement?.closest?.('[data-kind], [data-chain]');
    this.aside.replaceChildren(
      legend(prefix, tree, this.pressed, this.pinned && { text: this.highlighted, found: this.pinned }, { kind: (id) => this.press(id) }, this.colours),
      chains(prefix, this.model, tree, this.chain?.chain.id, { chain: (found) => this.showChain(found) }));
    // Redrawn under the reader's fingers: the focus stays where it was.
    if (focus) {
      const { kind, chain } = focus.dataset;
      this.aside.querySelector(kind ? `button[data-kind="${kind}"]` : `[data-chain="${chain}"] button`)?.focus();
    }
  }

  press(id) {
    if (!this.pressed.delete(id)) this.pressed.add(id);
    this.relook();
  }

  showChain(found) {
    this.chain = found;
    this.relook();
    if (!found) return;
    const names = found.deepest.map((call) => call.name).join(', then ');
    this.live.textContent = `Shown: ${names}`;
    this.drawing.zoom(this.tree.root);
    this.drawing.current = found.deepest.at(-1);
    this.drawing.decorate();
    this.detail(this.drawing.current);
  }

  look(call) {
    const kind = call.kind?.id ?? 'user';
    const pinned = Boolean(this.pinned?.calls.has(call));
    const asked = [
      this.found && this.found.calls.has(call),
      this.chain && this.chain.calls.has(call),
      this.pressed.size > 0 ? this.pressed.has(kind) : null,
    ].filter((answer) => answer !== null);
    const change = this.colours === 'change' ? changeOf(call) : null;
    const mark = change ? change.mark : call.kind?.mark ?? '';
    return {
      fill: change ? change.id : kind,
      mark: `${pinned ? '\u2605' : ''}${mark}`,
      dim: asked.length > 0 && !asked.some(Boolean),
      outline: pinned || Boolean(this.found?.calls.has(call)) || Boolean(this.chain?.calls.has(call)),
    };
  }

  focused(call, byKeyboard) {
    this.detail(call);
    if (byKeyboard) this.live.textContent = sentenceOf(call, this.tree);
  }

  detail(call) {
    this.details.replaceChildren(...detailsOf(call, this.tree));
  }

  // The path to what fills the width: the outermost, and the last few.
  zoomed(call) {
    const path = pathOf(call);
    const first = Math.max(1, path.length - STEPS_SHOWN);
    const link = (step) => el('li', {}, el('button', { type: 'button', title: step.name, onclick: () => this.drawing.zoom(step) }, step.name));
    const items = path.slice(first, -1).map(link);
    if (first > 1) items.unshift(el('li', { title: path.slice(Math.max(1, first - MOST_NAMED), first).map(({ name }) => name).join(' \u203a ') }, `\u2026 ${first - 1} more`));
    if (path.length > 1) items.unshift(link(path[0]));
    items.push(el('li', {}, el('span', { 'aria-current': 'location' }, call.name)));
    if (path.length > 1) items.push(el('li', { class: 'reset' }, el('button', { type: 'button', onclick: () => this.drawing.zoom(this.tree.root) }, 'Reset zoom')));
    this.path.replaceChildren(...items);
  }

  zoomTo(names) {
    let at = this.tree.root;
    for (const name of names) {
      const next = at.children.find((child) => child.names.includes(name));
      if (!next) break;
      at = next;
    }
    this.drawing.zoom(at);
  }

  visitWidest(found) {
    let widest = null;
    for (const call of found?.calls ?? []) if (!widest || call.value > widest.value) widest = call;
    if (widest && widest.value > 0) this.drawing.visit(widest);
  }

  // From the table: where the function has most.
  pick(name) {
    let widest = null;
    each(this.tree.root, (call) => { if (call.names.includes(name) && (!widest || call.value > widest.value)) widest = call; });
    if (widest && widest.value > 0) this.drawing.visit(widest);
    else this.live.textContent = `${name} has no width in the graph`;
  }
}
