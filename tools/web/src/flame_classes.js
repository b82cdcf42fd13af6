// SPDX-License-Identifier: MIT
// The kinds of frames that a profile is read for, by the names of functions: Greyhound's, which are Go's, and those
// that only Go has. A frame is of the first kind that matches. Each kind has a colour (flame.css), a pattern
// (flame_patterns.js) and a mark that stands before the name, so that none is told by colour alone.
export const CLASSES = [
  { id: 'boxing', name: 'boxing', mark: '■', what: 'convT…, box: a value becomes an interface’s',
    match: /^runtime\.(convT|convI|box_)/ },
  { id: 'malloc', name: 'malloc', mark: '●', what: 'mallocgc, and what it is made of',
    match: new RegExp('^runtime\\.(mallocgc|newobject|newarray|allocate|refill|nextFree|makeslice|growslice|rawstring|'
      + 'rawbyteslice|makemap|profilealloc|heapBitsSetType|\\(\\*(mcache|mcentral|mheap|pageAlloc)\\)\\.|\\(\\*mspan\\)\\.(?!sweep|markBits)|'
      + 'mheap\\.(allocate|take|publish|new_span|pop)|PageAllocator\\.|mcache\\.|MemProfile\\.)') },
  { id: 'assist', name: 'assist', mark: '+', what: 'gcAssistAlloc: marking that an allocating thread owes',
    match: /^runtime\.(gcAssistAlloc|gcParkAssist)/ },
  { id: 'mark', name: 'mark', mark: '◆', what: 'gcDrain, scanobject, greyobject: finding what is alive',
    match: new RegExp('^runtime\\.(gcDrain|scanobject|scanblock|scanstack|scanframe|scanConservative|greyobject|markroot|'
      + 'gcBgMarkWorker|gcMark(Termination|Done|RootPrepare|TinyAllocs)|tryDeferToSpanScan|scanSpan|Marker\\.|WorkPool\\.|\\(\\*gcWork\\)\\.|'
      + 'MarkTeam\\.|ScannedRoots\\.|Cycle\\.(drain|markroot|gcMarkDone|finish_marking|process_references))') },
  { id: 'barrier', name: 'barrier', mark: '‖', what: 'the write barrier: shading what is stored while a cycle runs',
    match: /^(runtime\.)?(write_barrier|write_pointer|typedmem|gcWriteBarrier|wbBuf|bulkBarrier|wbMove|wbZero|Mutator\.(shade|donate_shades))/ },
  { id: 'evacuate', name: 'evacuate', mark: '→', what: 'evacuate, growWork, hashGrow: a map that grows',
    match: /^runtime\.(evacuate|growWork|hashGrow|advanceEvacuationMark)|^internal\/runtime\/maps\..*(grow|rehash|split)/ },
  { id: 'sweep', name: 'sweep', mark: '~', what: 'making free what no cycle marked',
    match: /^runtime\.(sweep|bgsweep|deductSweepCredit|\(\*(sweepLocked|mspan)\)\.sweep)/ },
];

export const USER = { id: 'user', name: 'user and the rest', mark: '', what: 'everything else: your code, reading and writing maps' };
export const ALL_CLASSES = [...CLASSES, USER];

// As text: "\u25cf malloc"; nothing for user.
export function kindText(kind) {
  return kind && kind !== USER ? `${kind.mark} ${kind.name}` : '';
}

export function classOf(name) {
  return CLASSES.find(({ match }) => match.test(name)) ?? USER;
}

// The chains that the document looks for: functions in this order from the outside in, others may stand between.
export const CHAINS = [
  { id: 'boxing', name: 'boxing allocates', frames: ['convT\u2026 or box', 'mallocgc'],
    match: [/^runtime\.(convT|box_)/, /^runtime\.mallocgc/] },
  { id: 'assist', name: 'marking in an assist', frames: ['mallocgc', 'gcAssistAlloc', 'gcDrain', 'scanobject', 'greyobject'],
    match: [/^runtime\.mallocgc/, /^runtime\.gcAssistAlloc/, /^runtime\.gcDrain/, /^runtime\.scanobject/, /^runtime\.(Marker\.)?greyobject/], optional: 2 },
  { id: 'background', name: 'marking in the background', frames: ['worker', 'gcDrain', 'scanobject', 'greyobject'],
    match: [/^runtime\.(gcBgMarkWorker|Coordinator\.loop)/, /^runtime\.gcDrain/, /^runtime\.scanobject/, /^runtime\.(Marker\.)?greyobject/], optional: 2 },
  { id: 'evacuate', name: 'a write moves old buckets', frames: ['mapassign', 'growWork or hashGrow', 'evacuate'],
    match: [/^runtime\.mapassign/, /^runtime\.(growWork|hashGrow)/, /^runtime\.evacuate/], optional: 1 },
];

export const MAP_READ = /^runtime\.mapaccess/;
export const MARKING = new Set(['mark', 'assist']);
