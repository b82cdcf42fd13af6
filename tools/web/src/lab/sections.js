// SPDX-License-Identifier: MIT
// The page's sections in their order: what each is called, the words in front of its figure, and what builds it. One
// without data is left out, and the introduction says so.
import { el } from '../dom.js';
import { mountExperiments } from './experiments.js';
import { mountIntroduction } from './introduction.js';
import { mountLedger } from './ledger.js';
import { mountLiveHeap } from './live_heap.js';
import { mountProfiles } from './profiles.js';
import { mountBarrier, mountGrowth, mountHeap, mountLiveStage } from './stage_sections.js';
import { mountTimeline } from './timeline.js';

// A paragraph; `text` in backquotes is code.
function words(...paragraphs) {
  return paragraphs.map((paragraph) => el('p', { class: 'lead' }, ...paragraph.split('`').map((part, i) => (i % 2 ? el('code', {}, part) : part))));
}
function again(command) {
  return el('p', { class: 'again' }, 'Again: ', el('code', {}, command));
}

export function sections(data) {
  const { report, ledger, recordings, timeline, profiles, about } = data;
  const lab = `${about.program} lab`;  // as whoever made the page calls it
  const page = about.command || `${lab} --serve`;
  return [
    { id: 'introduction', level: 1, short: 'What it is', title: 'What garbage collection hides', eager: true,
      build: (body) => mountIntroduction(body, data) },
    { id: 'ledger', short: 'Ledger', title: 'The ledger: what one write costs', eager: true,
      build: ledger.columns.length > 0 ? (body) => {
        body.append(...words(
          'The same statement, `m[k] = v`, with an `int` that is stored as it is and with one that is boxed, because the map holds `any`. Every line is measured; ' +
          'what no line explains is the residual, and it is shown.'));
        mountLedger(body, ledger);
        body.append(again(page));
      } : null },
    { id: 'experiments', short: 'Experiments', title: 'The experiments, claim by claim',
      build: report?.experiments.length > 0 ? (body) => mountExperiments(body, report, about.experiments) : null },
    about.live ? { id: 'live', short: 'Live heap', title: 'The heap that is being measured', build: (body) => mountLiveHeap(body) } : {},
    about.live ? { id: 'stage', short: 'Stage', title: 'A stage: drive a collector yourself',
      build: (body) => {
        body.append(...words(
          'A second runtime, in stepping mode, for you alone: the one that is measured is never touched. Step it event by event, be its mutators, break its barrier.'));
        mountLiveStage(body);
      } } : {},
    { id: 'heap', short: 'Heap', title: 'A cycle, object by object',
      build: (body) => {
        body.append(...words(
          'A small runtime in stepping mode went through one collection; this is what it recorded. Each cell is an object in its slot. The marker takes a grey object, ' +
          'shades what it refers to, and blackens it: grey is the wavefront between what is known and what is not. When no grey is left anywhere, what is white is garbage.',
          'Nothing is stopped for this. Each mutator answers a handshake at a safepoint of its own: H1 switches its barrier on, H2 lets it allocate black, H3 asks for its roots, ' +
          'round after round, until a round finds nothing new.'));
        mountHeap(body, recordings);
        body.append(again(`${lab} --serve`));
      } },
    { id: 'barrier', short: 'Barrier', title: 'Why there is a write barrier: break it',
      build: (body) => {
        body.append(...words(
          'Marking runs while the program does. Here mutator B moves the only pointer to the white `prize` behind `top`, which is black and will not be scanned again. With the barrier, ' +
          'that store shades `prize` first. Break it, so that the flag is never raised, and nothing ever finds `prize`: the collector frees an object that is in use.',
          'Nothing is acted: the barrier\u2019s flag stays down in a real collector, and what you see lost was lost by it and found by checkmark, its oracle.'));
        mountBarrier(body, recordings);
        body.append(again(`${lab} --serve`));
      } },
    { id: 'map', short: 'Map', title: 'Inside a map: buckets, tophash, growth',
      build: (body) => {
        body.append(...words(
          'A `map[string]any` takes 58 entries. A bucket has eight slots; each has a byte of its key\u2019s hash, the tophash, and a lookup compares all eight at once. The low bits of the hash pick the ' +
          'bucket. Beyond 6.5 entries a bucket the table doubles, and every later write moves up to two old buckets (the cursor is `nevacuate`). A read moves nothing and allocates nothing.',
          'So it was in Go up to 1.23; since 1.24 its maps are Swiss tables, with groups of eight control bytes and no old buckets.'));
        mountGrowth(body, recordings);
        body.append(again(`${lab} --serve`));
      } },
    { id: 'timeline', short: 'Timeline', title: 'The timeline of a cycle',
      build: timeline ? (body) => {
        body.append(...words('One collection of a program with two busy threads, thread by thread. The handshakes are the short spans on the mutators\u2019 lanes: that, and assists, is all the collector asks of them; there is no span that stops all.'));
        mountTimeline(body, timeline);
        body.append(again(page));
      } : null },
    { id: 'flame', short: 'Flame graph', title: 'Where time and memory go: flame graphs',
      build: profiles && profiles.length > 0 ? (body) => {
        body.append(...words(
          'Profiles of the ledger\u2019s loops, boxed and unboxed. Look for `runtime.convT64` calling `runtime.mallocgc`, or what was inlined of it: that is boxing. Marking is `runtime.gcDrain`, ' +
          '`runtime.scanobject`, `runtime.greyobject`: on the background worker, and below `mallocgc` where it is an assist. It is never below `mapaccess`: a lookup marks nothing.'));
        mountProfiles(body, profiles);
        body.append(again(page));
      } : null },
    { id: 'again', short: 'Do it again', title: 'Do it again',
      build: (body) => body.append(
        el('dl', { class: 'commands' }, ...[
          [page, 'this page'],
          [`${lab} --list`, 'the experiments'],
          [`${lab} --only X1`, 'one of them, as a table'],
          [`${lab} --json`, 'the figures, for programs'],
          [`${lab} --cpuprofile cpu.pb.gz --heapprofile heap.pb.gz`, 'profiles of the experiments'],
          [`${lab} --trace trace.json`, 'a timeline of the experiments'],
          [`${lab} --serve`, 'this page, live: with a collector to step and to break'],
          [`GREYHOUND_DEBUG=gctrace=1 ${lab} --only X15`, 'a line for each cycle, in Go\u2019s format'],
        ].flatMap(([command, text]) => [el('dt', {}, el('code', {}, command)), el('dd', {}, text)]))) },
  ];
}
