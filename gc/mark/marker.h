// SPDX-License-Identifier: MIT
// A marker: takes grey work, scans objects, greys what they point to. The coordinator, each worker
// and each assisting mutator has one of its own.
//
//   gcDrain      takes entries from the buffer in batches, one ahead of the one it works on, and
//                asks for their mark words, first lines and span records then
//   resolve      finds the object behind what may be an interior pointer; marks it at once when it
//                has no pointers, as Go does
//   scanobject   sets the mark (unless it was set), finds the layout, reads the pointer words
//   greyobject   pushes what a pointer word points to
//   scan_near    keeps what points into the same span off the queue, while that is the faster way
//                (near_choice.h)
//
// Marking is bound by memory latency: entries are pushed *before* their mark is tested, so that the
// test happens on a line that was asked for at least kBatch entries ago. (An OCaml 5 and a
// CPython marker do the same.) An unmarked entry in a buffer is grey in Dijkstra's sense: nothing
// becomes white or black by waiting there.
//
// New marks of one bitmap word are gathered and written by one atomic OR. Until then others take
// the objects for white: they may be scanned twice, which is harmless, or ask for one more round.
//
// Invariants:
//  1. Between its first entry and flush() a marker counts as active in the pool (work_pool.h).
//  2. flush() leaves neither the batches nor the buffer with an entry, nor a mark unwritten; a
//     marker that ceases to be active has written its marks.
//
// Thread rules: one thread at a time.
#pragma once

#include <cstddef>

#include "gc/heap/heap.h"
#include "gc/mark/near_choice.h"
#include "gc/mark/work_pool.h"
#include "gc/watch/stats.h"

namespace greyhound::gc {

class Pacer;

class Marker {
 public:
  Marker(mheap* heap, WorkPool* pool, Pacer* pacer);
  ~Marker();
  Marker(const Marker&) = delete;
  Marker& operator=(const Marker&) = delete;

  // Marks until no marker has work left, or until about `objects` are scanned; returns whether it
  // stopped for that. REQUIRES: active in the pool; it no longer is when it returns false.
  bool gcDrain(size_t objects = SIZE_MAX);
  // Marks until `budget` of work (MarkCounts::work()) is done or nothing is queued, then puts the
  // rest back. Becomes and ceases to be active itself. Returns the work done; -1 when it found none
  // at all.
  int64_t gcDrainN(int64_t budget);
  // The same in objects scanned, for stepping. False when there was nothing to do.
  bool drain_objects(size_t budget);

  // Greys the object that `word` points into, if it is one; for roots. Returns whether a mark was
  // set.
  bool grey_root(uintptr_t word);
  // The same for the base of an allocated object.
  bool grey_object(uintptr_t object);
  // Greys what the object refers to, but not the object.
  void grey_fields(uintptr_t object);
  // Puts every entry held back into the pool.
  void flush();

  MarkCounts take_counts();

 private:
  static constexpr size_t kBatch = 16;
  static constexpr size_t kNearCapacity = 128;
  struct Batch {
    MarkEntry entries[kBatch];
    const mspan* spans[kBatch];
    size_t at = 0;
    size_t count = 0;
  };

  // A bitmap word some marks of which are not written yet: what it held when last read, with them.
  // Scanning keeps a copy of its own, which the compiler can hold in registers.
  struct GatheredMarks {
    uint64_t* word = nullptr;
    uint64_t seen = 0;
    uint64_t fresh = 0;
  };

  // An object without pointers, to be marked.
  struct Leaf {
    size_t granule;
    const mspan* span;
  };

  void push(MarkEntry entry);
  void next_buffer();
  void fill(Batch* batch);
  void resolve(const uintptr_t* inside, size_t count, Batch* batch);
  void mark_leaves(const Leaf* leaf, size_t count);
  MarkEntry next_entry(const mspan** span);
  // Scans the entry's object and those near it, at most until_ in all. REQUIRES: until_ != 0.
  void scanobject(MarkEntry entry, const mspan* span);
  void greyobject(uintptr_t word, MarkEntry::Kind kind);
  void greyobject(const uintptr_t* words, uint64_t mask, MarkEntry::Kind kind);
  bool mark(uintptr_t object, GatheredMarks* gathered);
  bool mark_bit(uint64_t* word, size_t granule, GatheredMarks* gathered);
  void write_marks(GatheredMarks* gathered);
  void uncount(const uint64_t* word, uint64_t twice);
  void choose_near();
  void scan_near(uintptr_t object, const mspan* span);
  void scan_small(uintptr_t object, const mspan* span);
  void scan_large(uintptr_t from, const mspan* span, bool whole);
  void scan_words(uintptr_t base, size_t first_word, size_t last_word, const Layout* layout);
  void share();
  void report_work();

  mheap* const heap_;
  WorkPool* const pool_;
  Pacer* const pacer_;
  WorkBuffer* buffer_ = nullptr;
  WorkBuffer* spare_ = nullptr;
  Batch batches_[2];
  Batch* now_ = &batches_[0];
  Batch* next_ = &batches_[1];
  uint32_t near_[kNearCapacity];  // scan_near's stack: offsets of objects in the span at hand
  bool follows_near_ = true;      // scan_near is used
  NearChoice near_choice_;
  GatheredMarks marks_;
  size_t until_ = SIZE_MAX;  // objects that may still be scanned before the caller looks up
  MarkCounts counts_;
  uint64_t credited_work_ = 0;
  uint64_t work_taken_ = 0;  // what take_counts gave
  uint64_t reports_ = 0;
};

}  // namespace greyhound::gc
