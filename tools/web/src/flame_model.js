// SPDX-License-Identifier: MIT
// A profile as a tree of calls, and what is counted in it. No drawing here.
//
// The data (tools/pprof/flame_data.cc makes it), with arrays flat where they are long:
//   title, highlight        texts; highlight is a regular expression or ''
//   sample_types            [{ type, unit }]; sample_type: index of the one to begin with
//   tags                    [[key, value]] to begin with
//   profiles                [{ name, time_ns, duration_ns, period, period_type, comments }], one, or before and after
//   frames                  [[function, file]]
//   stacks                  parent, frame, line, parent, frame, line ...: a node's index is its place; the parent's is
//                           lower, or -1; line is in that function, 0 when there are several
//   labels                  [[key, value]]; label_sets: [[label, ...]]
//   samples                 a flat array a profile: node, label set, a value for each sample type, node, ...
//   least_share             what has less of everything was left out; 0: nothing was
//   number_labels           whether labels that are numbers are there
//   most_depth              of deeper stacks the calls in the middle are one; 0: there were none
//   only                    ["bytes=1kB:1MB"]: what was chosen by before, of what the page has no choice for
// Stacks can be tens of thousands of calls deep: nothing here calls itself.
import { CHAINS, MAP_READ, MARKING, classOf } from './flame_classes.js';

export function decode(data) {
  const frames = data.frames.map(([name, file]) => ({ name, file, kind: classOf(name) }));
  const count = data.stacks.length / 3;
  const nodes = new Array(count);
  for (let i = 0; i < count; i++) {
    nodes[i] = { parent: data.stacks[3 * i], frame: frames[data.stacks[3 * i + 1]], line: data.stacks[3 * i + 2] };
  }
  const width = 2 + data.sample_types.length;
  const samples = data.samples.map((flat) => {
    const list = [];
    for (let at = 0; at < flat.length; at += width) {
      list.push({ node: flat[at], labels: data.label_sets[flat[at + 1]], values: flat.slice(at + 2, at + width) });
    }
    return list;
  });
  return { ...data, frames, nodes, samples, isDifference: samples.length === 2, keys: keysOf(data) };
}

function keysOf(data) {
  const keys = new Map();
  data.labels.forEach(([key, value], index) => {
    if (!keys.has(key)) keys.set(key, []);
    keys.get(key).push({ value, index });
  });
  return keys;
}

// The labels, one a key, that a sample must carry: indices into data.labels. -1 for what no sample carries.
function wanted(model, tags) {
  return [...tags].map(([key, value]) => (model.keys.get(key) ?? []).find((label) => label.value === value)?.index ?? -1);
}

function carries(sample, labels) {
  return labels.every((label) => sample.labels.includes(label));
}

// What each value of a label key has of the chosen sample type: [{ value, amount }], the greatest first.
export function amountsByLabel(model, key, type) {
  const amounts = new Map(model.keys.get(key).map(({ index, value }) => [index, { value, amount: 0 }]));
  for (const sample of model.samples.at(-1)) {
    for (const label of sample.labels) if (amounts.has(label)) amounts.get(label).amount += sample.values[type];
  }
  return [...amounts.values()].sort((a, b) => b.amount - a.amount || a.value.localeCompare(b.value, 'en', { numeric: true }));
}

// The calls of one sample type. view: { type, tags: Map, normalise: 'absolute' | 'share', stem: bool, from }. stem: the
// outermost calls that are the same in all of a thread's stacks are one node. from 'runtime': stacks begin at their first
// frame of the runtime, so that what different callers had of it comes together; what has none is root's self.
// A node: { name, frame, line, kind, value, self, before, beforeSelf, children, parent, depth, names }; value is after's
// (or the only profile's), before is scaled when normalised by share. Children are the widest first.
export function buildTree(model, view) {
  const labels = wanted(model, view.tags);
  const after = sums(model, model.samples.at(-1), labels, view.type);
  const before = model.isDifference ? sums(model, model.samples[0], labels, view.type) : null;
  let scale = 1;
  if (before && view.normalise === 'share' && before.all > 0) scale = after.all / before.all;
  const root = node('all', null, null);
  const made = new Array(model.nodes.length);
  for (let i = 0; i < made.length; i++) {
    const value = after.total[i];
    const was = before ? before.total[i] * scale : 0;
    if (value <= 0 && was <= 0) continue;
    const { parent, frame, line } = model.nodes[i];
    const above = parent < 0 ? root : made[parent];
    if (!above) continue;
    const outside = view.from === 'runtime' && above === root && !frame.name.startsWith('runtime.');
    const call = outside ? root : child(above, frame, line);
    call.self += Math.max(after.self[i], 0);
    if (before) call.beforeSelf += Math.max(before.self[i] * scale, 0);
    if (!outside) {
      call.value += Math.max(value, 0);
      call.before += Math.max(was, 0);
    }
    made[i] = call;
  }
  root.value = root.self + sum(root.children, 'value');
  root.before = root.beforeSelf + sum(root.children, 'before');
  each(root, (call) => call.children.sort((a, b) => b.value - a.value || b.before - a.before || (a.name < b.name ? -1 : 1)));
  const tree = { root, unit: model.sample_types[view.type].unit, type: model.sample_types[view.type].type, isDifference: model.isDifference, scale };
  const stems = (view.from === 'runtime' ? [] : root.children).map(stemOf).filter((stem) => stem.length >= LEAST_STEM);
  tree.stemCalls = sum(stems, 'length');
  if (view.stem) for (const stem of stems) collapse(root, stem);
  each(root, (call) => { call.depth = call.parent ? call.parent.depth + 1 : 0; });
  return tree;
}

const LEAST_STEM = 4;

function node(name, frame, parent) {
  return { name, frame, parent, kind: frame?.kind ?? null, names: [name], line: 0, value: 0, self: 0, before: 0, beforeSelf: 0, children: [], byFrame: new Map(), depth: 0 };
}

// The call of `frame` by `above`: one, however many of the profile's stacks come together there.
function child(above, frame, line) {
  let call = above.byFrame.get(frame);
  if (!call) {
    call = Object.assign(node(frame.name, frame, above), { line });
    above.byFrame.set(frame, call);
    above.children.push(call);
  }
  if (call.line !== line) call.line = 0;
  return call;
}

function sums(model, samples, labels, type) {
  const self = new Float64Array(model.nodes.length);
  let all = 0;
  for (const sample of samples) {
    if (!carries(sample, labels)) continue;
    self[sample.node] += sample.values[type];
    all += sample.values[type];
  }
  const total = Float64Array.from(self);
  for (let i = total.length - 1; i >= 0; i--) {
    const { parent } = model.nodes[i];
    if (parent >= 0) total[parent] += total[i];
  }
  return { self, total, all };
}

function sum(list, key) {
  return list.reduce((all, item) => all + item[key], 0);
}

// From the outermost call inwards; a visit that gives false goes no deeper.
export function each(root, visit) {
  const stack = [root];
  while (stack.length > 0) {
    const call = stack.pop();
    if (visit(call) !== false) for (const child of call.children) stack.push(child);
  }
}

// The same, with what `visit(call, state)` makes of what it made of the caller.
function carry(root, state, visit) {
  const stack = [[root, state]];
  while (stack.length > 0) {
    const [call, above] = stack.pop();
    const here = visit(call, above);
    for (let at = call.children.length - 1; at >= 0; at--) stack.push([call.children[at], here]);
  }
}

// The calls that a thread's every stack begins with and that say nothing: main, and who called it.
function stemOf(first) {
  const stem = [];
  for (let at = first; at.children.length === 1 && at.self === 0 && at.beforeSelf === 0; [at] = at.children) stem.push(at);
  return stem;
}

// One node stands for the whole stem; it answers to all of its names.
function collapse(root, stem) {
  const [first, last] = [stem[0], stem.at(-1)];
  const short = node(`${stem.length} calls, ${first.name} to ${last.name}`, last.frame, root);
  Object.assign(short, { value: last.value, before: last.before, children: last.children, names: stem.map((call) => call.name), kind: last.kind });
  for (const child of short.children) child.parent = short;
  root.children[root.children.indexOf(first)] = short;
}

export function pathOf(call) {
  const path = [];
  for (let at = call; at; at = at.parent) path.push(at);
  return path.reverse();
}

// What the calls that match have, each sample once: { value, before, calls: Set, functions: Set }.
export function matching(tree, test) {
  const found = { value: 0, before: 0, calls: new Set(), functions: new Set() };
  carry(tree.root, false, (call, inside) => {
    const names = call.parent ? call.names.filter(test) : [];
    if (names.length > 0) {
      found.calls.add(call);
      for (const name of names) found.functions.add(name);
      if (!inside) {
        found.value += call.value;
        found.before += call.before;
      }
    }
    return inside || names.length > 0;
  });
  return found;
}

// A search text: a regular expression where it is one, else the text itself; null for nothing.
export function testOf(text) {
  if (!text) return null;
  let pattern;
  try {
    pattern = new RegExp(text, 'i');
  } catch {
    pattern = new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  }
  return (name) => pattern.test(name);
}

// By kind: `within`, of stacks that have such a frame anywhere, and `inner`, of stacks whose innermost frame of any
// kind but user is of it. What is inner adds up to all.
export function sharesByKind(tree) {
  const shares = new Map();
  const entry = (id) => {
    if (!shares.has(id)) shares.set(id, { within: 0, inner: 0, withinBefore: 0, innerBefore: 0 });
    return shares.get(id);
  };
  carry(tree.root, { above: [], innermost: 'user' }, (call, { above, innermost }) => {
    const id = call.kind?.id ?? 'user';
    const here = id === 'user' ? innermost : id;
    if (call.parent && !above.includes(id)) {
      entry(id).within += call.value;
      entry(id).withinBefore += call.before;
      above = [...above, id];
    }
    entry(here).inner += call.self;
    entry(here).innerBefore += call.beforeSelf;
    return { above, innermost: here };
  });
  return shares;
}

// The stacks that hold a chain's functions in order: { value, before, calls: those functions' frames, deepest }. The
// last `optional` functions may be missing: inlined calls and other runtimes lack some.
export function findChain(tree, chain) {
  const found = { value: 0, before: 0, calls: new Set(), deepest: null };
  const enough = chain.match.length - (chain.optional ?? 0);
  carry(tree.root, [], (call, met) => {
    let next = met;
    if (call.parent && met.length < chain.match.length && call.names.some((name) => chain.match[met.length].test(name))) {
      next = [...met, call];
      if (next.length === enough) {
        found.value += call.value;
        found.before += call.before;
      }
      if (next.length >= enough) {
        for (const frame of next) found.calls.add(frame);
        if (!found.deepest || next.length > found.deepest.length || (next.length === found.deepest.length && call.value > found.deepest.at(-1).value)) {
          found.deepest = next;
        }
      }
    }
    return next;
  });
  return found;
}

export function findChains(tree) {
  return CHAINS.map((chain) => ({ chain, ...findChain(tree, chain) }));
}

// Samples that stand under a map read, and those of them in which something marks below it: of all profiles, whatever
// is filtered. A profile that counts its samples is counted by that, any other by its stacks.
export function markingUnderReads(model) {
  const state = model.nodes.map(() => 0);
  model.nodes.forEach(({ parent, frame }, index) => {
    const above = parent < 0 ? 0 : state[parent];
    if (above === 2 || (above === 1 && MARKING.has(frame.kind.id))) state[index] = 2;
    else state[index] = above === 1 || MAP_READ.test(frame.name) ? 1 : 0;
  });
  const counting = model.sample_types.findIndex(({ type, unit }) => unit === 'count' && type === 'samples');
  const result = { all: 0, reads: 0, contrary: 0, counted: counting >= 0 };
  for (const sample of model.samples.flat()) {
    const amount = counting >= 0 ? sample.values[counting] : 1;
    result.all += amount;
    if (state[sample.node] >= 1) result.reads += amount;
    if (state[sample.node] === 2) result.contrary += amount;
  }
  return result;
}

// By function: { name, kind, file, self, total, beforeSelf, beforeTotal }; a recursive call counts once in total.
export function functionsOf(tree) {
  const rows = new Map();
  const rowOf = (name, { kind, file }) => {
    if (!rows.has(name)) rows.set(name, { name, kind, file, self: 0, total: 0, beforeSelf: 0, beforeTotal: 0 });
    return rows.get(name);
  };
  const open = new Map();  // by name: how many of its calls we are in
  const stack = [[tree.root, false]];
  while (stack.length > 0) {
    const [call, leaving] = stack.pop();
    const names = call.parent ? call.names : [];
    if (leaving) {
      for (const name of names) open.set(name, open.get(name) - 1);
      continue;
    }
    for (const name of names) {
      const row = rowOf(name, call.frame);
      if (name === call.name) {
        row.self += call.self;
        row.beforeSelf += call.beforeSelf;
      }
      const within = open.get(name) ?? 0;
      if (within === 0) {
        row.total += call.value;
        row.beforeTotal += call.before;
      }
      open.set(name, within + 1);
    }
    stack.push([call, true]);
    for (const child of call.children) stack.push([child, false]);
  }
  return [...rows.values()];
}

// Calls that there were before and are no more, each with the greatest part that is gone: their callers remain.
export function vanished(tree) {
  const gone = [];
  each(tree.root, (call) => {
    if (!call.parent || call.value > 0 || call.before <= 0) return true;
    gone.push(call);
    return false;
  });
  return gone.sort((a, b) => b.before - a.before);
}
