// SPDX-License-Identifier: MIT
// A marker: takes grey work, scans objects, greys what they point to. The coordinator, each worker
// and each assisting mutator has one of its own.
//
//   gcDrain      pops an entry and sends it through a short FIFO, prefetching its mark word and its
//                first line; what comes out of the FIFO is ready to be looked at
//   scanobject   sets the mark (unless it was set), finds the layout, reads the pointer words
//   greyobject   pushes what a pointer word points to
//
// Marking is bound by memory latency: entries are pushed *before* their mark is tested, so that the
// test happens on a line that was asked for kPrefetchDistance entries ago. (An OCaml 5 and a
// CPython marker do the same; see shared figures in docs/performance.md.) An unmarked entry in a
// buffer is grey in Dijkstra's sense: nothing becomes white or black by waiting there.
//
// Invariants:
//  1. Between its first entry and flush() a marker counts as active in the pool (work_pool.h).
//  2. flush() leaves neither the FIFO nor the buffer with an entry.
//
// Thread rules: one thread at a time.
#pragma once

#include <cstddef>

#include "gc/heap.h"
#include "gc/stats.h"
#include "gc/work_pool.h"

namespace greyhound::gc {

class Pacer;

class Marker {
 public:
  Marker(Heap* heap, WorkPool* pool, Pacer* pacer);
  ~Marker();
  Marker(const Marker&) = delete;
  Marker& operator=(const Marker&) = delete;

  // Marks until no marker has work left. REQUIRES: active in the pool; it no longer is on return.
  void gcDrain();
  // Marks until `budget` bytes of objects were greyed or nothing is queued, then puts the rest
  // back. Becomes and ceases to be active itself. Gives the bytes greyed; -1 when it found no work
  // at all.
  int64_t gcDrainN(int64_t budget);
  // The same in objects scanned, for stepping. False when there was nothing to do.
  bool drain_objects(size_t budget);

  // Greys the object that `word` points into, if it is one; for roots. Gives whether a mark was
  // set.
  bool grey_root(uintptr_t word);
  // Puts every entry held back into the pool.
  void flush();

  MarkCounts take_counts();

 private:
  static constexpr size_t kPrefetchDistance = 16;
  static_assert((kPrefetchDistance & (kPrefetchDistance - 1)) == 0);

  void push(MarkEntry entry);
  void push_slow(MarkEntry entry);
  bool pop(MarkEntry* entry);
  // The next entry whose memory has had time to arrive; 0 when the FIFO and the buffer are empty.
  MarkEntry next_entry();
  void prefetch(MarkEntry entry);
  void scanobject(MarkEntry entry);
  void greyobject(uintptr_t word, MarkTag tag);
  uintptr_t claim(MarkEntry entry, mspan** span);
  void scan_small(uintptr_t object, const mspan* span);
  void scan_large(uintptr_t from, const mspan* span, bool whole);
  void scan_words(uintptr_t base, size_t first_word, size_t last_word, const Layout* layout);
  void share();
  void report_work();

  Heap* const heap_;
  WorkPool* const pool_;
  Pacer* const pacer_;
  WorkBuffer* buffer_ = nullptr;
  WorkBuffer* spare_ = nullptr;
  MarkEntry fifo_[kPrefetchDistance] = {};
  size_t fifo_at_ = 0;
  size_t fifo_count_ = 0;
  MarkCounts counts_;
  uint64_t credited_bytes_ = 0;
  uint64_t reports_ = 0;
};

}  // namespace greyhound::gc
