// SPDX-License-Identifier: MIT
// The counts of an experiment's arms: what each is called here, which count of a verdict it is, where an arm has it, and
// how it is written. One that was not measured is null, and not shown.
import { grouped } from './format.js';

function plain(value) {
  if (Number.isInteger(value) || value >= 100) return grouped(value);
  return value < 0.005 ? '< 0.01' : value.toFixed(2);
}
function percent(value) {
  return value !== 0 && value < 0.005 ? '< 1 %' : `${(100 * value).toFixed(0)} %`;
}

// Of a heap profile nothing is said of map reads.
const isCpu = (profile) => profile.in_mapaccess !== null;
const ofHeap = (key) => ({ profile }) => (profile && !isCpu(profile) ? profile[key] : null);
const ofCpu = (key) => ({ profile }) => (profile && isCpu(profile) ? profile[key] : null);
const ofAny = (key) => ({ profile }) => (profile ? profile[key] : null);

// `count`: as the schema calls it where a verdict may rest on it.
function number(name, count, of, more = {}) {
  return { name, count, of, text: plain, unit: name, scale: 1, ...more };
}
function share(name, count, of, unit) {
  return { name, count, of, text: percent, unit: `${name}: ${unit}`, scale: 100 };
}
// Ours only: Go's functions that mark have other names in other releases, and its profiler's rate finds few of them.
function marking(name, count, key) {
  return { ...share(name, count, ofCpu(key), '% of CPU time'), oursOnly: true };
}
const arms = (key) => (arm) => arm[key] ?? null;

const columns = [
  number('allocs/op', 'allocations per op', arms('allocs_per_op')),
  number('B/op', 'bytes per op', arms('bytes_per_op')),
  number('allocating calls', 'calls that reach an allocation', arms('alloc_calls')),
  number('by pointer', 'calls through a pointer', arms('pointer_calls'), { unit: 'calls by pointer' }),
  number('objects/op', 'objects in the profile per op', ofHeap('objects_per_op'), { unit: 'objects in the profile per operation' }),
  share('runtime leaf', 'share with a runtime frame innermost', ofHeap('runtime_leaf'), '% of the objects'),
  share('labels', 'share with labels', ofAny('labelled'), '% of the profile'),
  marking('mark bg.', 'share of marking in the background', 'mark_in_background'),
  marking('mark assist', 'share of marking in assists', 'mark_in_assist'),
  marking('mark map', 'share of marking below mapaccess', 'mark_in_mapaccess'),
  number('GC cycles', 'GC cycles', arms('gc_cycles')),
  number('objects greyed', 'objects greyed per entry', arms('objects_greyed')),
  number('words scanned', 'words scanned per entry', arms('words_scanned')),
  number('barrier hits/op', 'barrier hits per op', arms('barrier_hits_per_op')),
  number('shaded/op', 'barrier shades per op', arms('barrier_shades_per_op')),
  number('found/op', 'found per op', arms('found_per_op')),
  number('mark CPU ms', null, arms('mark_cpu_ms'), { time: true }),
];

// Times of an experiment that compares none are by-products: how long a profiler took, or reading code.
export const isTimed = (experiment) => experiment.times.length > 0;

// The columns that some arm of the experiment has, those first on which its verdict rests; ofGo(figures) as of().
export function columnsOf(experiment) {
  const decide = new Set(experiment.signs.map((sign) => sign.count));
  const there = columns
    .filter((column) => (isTimed(experiment) || !column.time) && experiment.arms.some((arm) => column.of(arm) !== null))
    .map((column) => ({ ...column, decides: decide.has(column.count), ofGo: (figures) => (figures && !column.oursOnly ? column.of(figures) : null) }));
  return [...there.filter((column) => column.decides), ...there.filter((column) => !column.decides)];
}
