// SPDX-License-Identifier: MIT
// The graph itself: d3-flame-graph draws it, callers above what they call, and this adds what it lacks: patterns and
// marks, dimming, and a tree to walk through with the keyboard and to hear with a screen reader. Focus stays on the
// drawing; aria-activedescendant says which call it is at, because frames come and go as one zooms.
import flamegraph from 'd3-flame-graph';
import { select } from 'd3-selection';
import { reducedMotion } from './dom.js';
import { fill } from './flame_patterns.js';
import { pathOf } from './flame_model.js';

const SVG = 'http://www.w3.org/2000/svg';
const ROW = 20;
const LEAST_WIDTH = 1.5;  // pixels; narrower frames are not drawn
// Rows that are drawn at a time: d3-flame-graph calls itself for each, and a row is 20 pixels.
export const LEVELS = 250;
const LETTER = 6.7;  // pixels, of the label's fixed-width type (flame.css)

// Draws into `element`. `on`: { focus(call, byKeyboard), hover(call or null), zoom(call), cut(whether calls are deeper
// than what is drawn) }; `look(call)` gives
// { fill, mark, dim, outline }, `describe(call)` a sentence for who cannot see it.
export class FlameDrawing {
  constructor(element, prefix, label, on, look, describe) {
    Object.assign(this, { element, prefix, on, look, describe, tree: null, current: null, zoomed: null });
    const hover = Object.assign(() => {}, {
      show: (_, d) => this.on.hover(d.data.call),
      hide: () => this.on.hover(null),
      destroy: () => {},
    });
    this.chart = flamegraph()
      .inverted(true)
      .cellHeight(ROW)
      .minFrameSize(LEAST_WIDTH)
      .transitionDuration(reducedMotion() ? 0 : 180)
      .tooltip(hover)
      .getName((d) => this.text(d.data.call, (d.x1 - d.x0) * this.width))
      .setColorMapper((d) => fill(prefix, this.look(d.data.call).fill))
      .onClick((d) => this.settle(d.data.call, false));
    this.label = label;
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(element);
  }

  destroy() {
    this.resizing.disconnect();
    this.chart.destroy();
  }

  // Draws another tree; stays at the same place in it where there is one.
  show(tree) {
    const at = this.zoomed ? pathOf(this.zoomed).map((call) => call.name) : [];
    const focused = this.current ? pathOf(this.current).map((call) => call.name) : [];
    this.tree = tree;
    this.draw(tree.root);
    this.deep = this.cut;
    this.current = follow(tree.root, focused);
    this.zoomed = tree.root;
    const place = follow(tree.root, at);
    if (place !== tree.root) this.zoom(place);
    else this.decorate();
  }

  // Draws `base` and the LEVELS below it.
  draw(base) {
    this.base = base;
    this.places = new Map();
    const data = this.datum(base);
    this.width = this.element.clientWidth;
    this.chart.width(this.width).height(null);
    if (this.drawn) this.chart.update(data);
    else select(this.element).datum(data).call(this.chart);
    if (!this.drawn) this.begin();
    this.drawn = true;
    this.index();
    this.trim();
    this.on.cut(this.cut);
  }

  // d3 takes plain objects; each holds the call that it stands for.
  datum(base) {
    const plain = (call) => ({ call, value: call.value, children: [] });
    const top = plain(base);
    this.cut = false;
    const stack = [top];
    while (stack.length > 0) {
      const { call, children } = stack.pop();
      const wide = call.children.filter((child) => child.value > 0);
      if (call.depth - base.depth >= LEVELS) {
        this.cut ||= wide.length > 0;
        continue;
      }
      children.push(...wide.map(plain));
      stack.push(...children);
    }
    return top;
  }

  // What to draw from so that `call` is there with a good part of what it calls.
  baseOf(call) {
    const step = LEVELS / 2;
    const depth = this.deep ? Math.floor(call.depth / step) * step : 0;
    let base = call;
    while (base.depth > depth) base = base.parent;
    return base;
  }

  // d3 leaves room for two rows more than there are.
  trim() {
    let deepest = 0;
    select(this.svg).selectAll('g.frame').each((d) => { deepest = Math.max(deepest, d.depth); });
    this.svg.setAttribute('height', (deepest + 1) * ROW);
  }

  index() {
    select(this.element).datum().each((d) => this.places.set(d.data.call, d));
  }

  begin() {
    this.svg = this.element.querySelector('svg');
    this.svg.querySelector('.title').remove();
    this.svg.setAttribute('role', 'tree');
    this.svg.setAttribute('tabindex', '0');
    this.svg.setAttribute('aria-label', this.label);
    this.outlines = this.svg.appendChild(document.createElementNS(SVG, 'svg'));
    this.outlines.setAttribute('aria-hidden', 'true');
    this.svg.addEventListener('keydown', (event) => this.key(event));
    this.svg.addEventListener('focus', () => this.focus(this.current ?? this.tree.root, true));
    this.svg.addEventListener('blur', () => this.decorate());
  }

  resize() {
    if (!this.drawn || this.element.clientWidth === this.width) return;
    this.width = this.element.clientWidth;
    this.chart.width(this.width).update();
    this.decorate();
  }

  // As much of the name's end as there is room for, at least its last part.
  text(call, width) {
    const { mark } = this.look(call);
    const room = width / LETTER - (mark ? mark.length + 1 : 0) - 1.5;
    let { name } = call;
    for (let short = shorter(name); name.length > room && short; short = shorter(name)) name = short;
    return mark ? `${mark} ${name}` : name;
  }

  // After d3 drew: what it knows nothing of. Also when only the look changed.
  decorate() {
    const { prefix } = this;
    const self = this;
    const active = document.activeElement === this.svg;
    const outlines = [];
    select(this.svg).selectAll('g.frame').each(function frame(d) {
      const { call } = d.data;
      const look = self.look(call);
      const focused = call === self.current;
      this.classList.toggle('dim', Boolean(look.dim));
      this.classList.toggle('outline', Boolean(look.outline));
      if (look.outline) outlines.push(self.outline(d, 'asked', 2));
      if (focused && active) outlines.push(self.outline(d, 'current', 3));
      this.classList.toggle('root', !call.parent);
      this.id = `${prefix}-call-${d.id}`;
      this.setAttribute('role', 'treeitem');
      this.setAttribute('aria-level', call.depth + 1);
      this.setAttribute('aria-selected', String(call === self.zoomed));
      this.setAttribute('aria-label', self.describe(call));
      this.querySelector('rect').setAttribute('fill', fill(prefix, look.fill));
      this.querySelector('foreignObject').setAttribute('aria-hidden', 'true');
      this.querySelector('.d3-flame-graph-label').textContent = self.text(call, Number(this.getAttribute('width')));
    });
    this.svg.append(this.outlines);
    this.outlines.replaceChildren(...outlines);
    const place = this.places.get(this.current);
    const id = place ? `${prefix}-call-${place.id}` : null;
    if (id && document.getElementById(id)) this.svg.setAttribute('aria-activedescendant', id);
    else this.svg.removeAttribute('aria-activedescendant');
  }

  // Above all frames, within the one that it is of: a neighbour's edge would cover a stroke of the frame's own.
  outline(d, kind, stroke) {
    const rect = document.createElementNS(SVG, 'rect');
    const width = (d.x1 - d.x0) * this.width;
    const place = { x: d.x0 * this.width + stroke / 2, y: d.depth * ROW + stroke / 2, width: Math.max(width - stroke, 0), height: ROW - stroke };
    for (const [key, value] of Object.entries(place)) rect.setAttribute(key, value);
    rect.setAttribute('class', kind);
    rect.setAttribute('stroke-width', stroke);
    return rect;
  }

  zoom(call) {
    const base = this.baseOf(call);
    if (base !== this.base) this.draw(base);
    const place = this.places.get(call);
    if (place) this.chart.zoomTo(place);
  }

  settle(call, byKeyboard) {
    // A click on what is drawn near the end: there may be more below it.
    if (this.baseOf(call) !== this.base) {
      this.zoom(call);
      return;
    }
    this.zoomed = call;
    this.current = call;
    this.decorate();
    this.on.zoom(call);
    this.on.focus(call, byKeyboard);
  }

  focus(call, byKeyboard) {
    this.current = call;
    this.decorate();
    if (byKeyboard) this.keepInView();
    this.on.focus(call, byKeyboard);
  }

  // To a call anywhere: out of the zoom when it is not within, with the keyboard's focus.
  visit(call) {
    const zoomed = pathOf(call).includes(this.zoomed) ? this.zoomed : this.tree.root;
    if (zoomed !== this.zoomed) this.zoom(zoomed);
    this.reach(call);
    this.current = call;
    this.svg.focus({ preventScroll: true });
    this.focus(call, true);
  }

  // Draws from elsewhere where `call` is not drawn.
  reach(call) {
    if (!this.places.has(call)) this.zoom(this.baseOf(call));
  }

  keepInView() {
    const frame = document.getElementById(this.svg.getAttribute('aria-activedescendant'));
    frame?.scrollIntoView({ block: 'nearest', behavior: reducedMotion() ? 'auto' : 'smooth' });
  }

  drawnWithin(call) {
    const place = this.places.get(call);
    return place && document.getElementById(`${this.prefix}-call-${place.id}`) !== null;
  }

  // The drawn calls of one row, from the left.
  row(depth) {
    const row = [];
    select(this.svg).selectAll('g.frame').each((d) => { if (d.data.call.depth === depth && d.value > 0) row.push(d); });
    return row.sort((a, b) => a.x0 - b.x0).map((d) => d.data.call);
  }

  beside(step) {
    const row = this.row(this.current.depth);
    return row[row.indexOf(this.current) + step];
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.current ?? this.tree.root;
    const moves = {
      ArrowDown: () => at.children.find((child) => this.drawnWithin(child) || (child.value > 0 && !this.places.has(child))),
      ArrowUp: () => at.parent,
      ArrowLeft: () => this.beside(-1),
      ArrowRight: () => this.beside(1),
      Home: () => this.tree.root,
      End: () => widest(at, (call) => this.drawnWithin(call)),
    };
    if (moves[event.key]) {
      const next = moves[event.key]();
      if (next) {
        this.reach(next);
        this.focus(next, true);
      }
    } else if (event.key === 'Enter' || event.key === ' ') {
      this.zoom(at);
    } else if (event.key === 'Escape') {
      this.zoom(this.tree.root);
    } else if (event.key === 'Backspace') {
      this.zoom(this.zoomed.parent ?? this.tree.root);
    } else {
      return;
    }
    event.preventDefault();
  }
}

// Without the outermost scope: "runtime.mallocgc" gives "mallocgc"; '' when there is none. What stands in brackets
// is no scope.
function shorter(name) {
  const end = /^[^(<{]*?(::|\.|\/)(?=.)/.exec(name);
  return end ? name.slice(end[0].length) : '';
}

function widest(call, drawn) {
  let at = call;
  for (let next = at; next; next = at.children.find(drawn)) at = next;
  return at;
}

// The call that these names lead to, as far as they do.
function follow(root, names) {
  let at = root;
  for (const name of names.slice(1)) {
    const next = at.children.find((child) => child.name === name && child.value > 0);
    if (!next) break;
    at = next;
  }
  return at;
}
