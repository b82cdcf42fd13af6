// SPDX-License-Identifier: MIT
// A mutator's allocation cache, Go's mcache: runs of free slots, one for each layout that it
// allocates, with their spans. The fast path (gc/alloc/malloc_inl.h) bumps through a run and knows
// nothing else; a run is black or white as a whole, zeroed, and its allocation bits are set.
//
// Invariants:
//  1. It takes spans of its own sweepgen() only (gc/heap/sweep.h), which is the heap's unless it
//     allocates black.
//  2. While it is black, every slot of a cached run is marked (rule 1 of docs/protocol.md).
//
// Thread rules: the mutator's owner (gc/mutator/mutator.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gc/heap/layout.h"
#include "gc/heap/mspan.h"
#include "gc/mutator/hot.h"
#include "gc/watch/mprof.h"
#include "runtime/base/random.h"

namespace greyhound::gc {

class CollectorState;
class Mutator;

// What is to become of the slots of a run that were not handed out.
enum class Tail : uint8_t {
  kFreed,
  // From H1 until H4 is answered: somebody may be about to mark one.
  kKept,
};

class mcache {
 public:
  mcache(CollectorState* gc, Mutator* owner, McacheHot* hot);
  ~mcache();
  mcache(const mcache&) = delete;
  mcache& operator=(const mcache&) = delete;

  bool black() const { return black_; }
  uint32_t sweepgen() const { return sweepgen_; }
  // As the phase says in which the mutator attaches: it has no runs yet.
  void begin(bool black, uint32_t sweepgen) {
    black_ = black;
    sweepgen_ = sweepgen;
  }

  // The run of a layout that owns spans, and of those that live in shared ones.
  AllocRun* run_for(Layout* layout);
  AllocRun* shared_run(SizeClass size_class) { return &shared_[size_class]; }
  // Finds the next run of free slots for `run`, in its span, else in another. False when there is
  // no memory.
  bool refill(AllocRun* run);

  // H2's answer: what remains of every cached run becomes black.
  void blacken();
  // H5's: every run is given back, and allocation is white, of the heap's generation.
  void whiten();
  // Gives every run back with its span.
  void drop(Tail tail);
  // The next allocation takes the slow path.
  void forget();

  // Adds everything handed out since the last flush to the collector's counts; of a large object,
  // at once.
  void flush_counts();
  void count_large(size_t bytes);

  template <class Visit>
  void for_each_run(Visit visit) {
    visit(hot_->tiny);
    for (size_t c = 1; c < kNumSizeClasses; ++c) {
      visit(hot_->noscan[c]);
      visit(shared_[c]);
    }
    for (AllocRun* run : by_layout_) {
      if (run != nullptr) visit(*run);
    }
  }

  SplitMix64 random;          // the mutator's; hash seeds and sampling
  Sampler sampler{&random};   // for the heap profile
  uint64_t until_stress = 0;  // allocations, under gcstress
  // Where the open tiny block ends, while tiny.end is put at its cursor so that the next tiny
  // object comes by the slow path as well; else 0.
  uintptr_t tiny_block_end = 0;

 private:
  friend struct MutatorTesting;

  mspan* take_span(const AllocRun& run);
  void give_back(AllocRun* run, Tail tail);
  void leave_tiny_block();
  void count(AllocRun* run);

  CollectorState* const gc_;
  Mutator* const owner_;
  McacheHot* const hot_;
  bool black_ = false;
  uint32_t sweepgen_ = 0;
  uint64_t flushed_tiny_ = 0;
  uint64_t counted_objects_ = 0;  // by count, since the last flush
  uint64_t counted_bytes_ = 0;
  std::vector<AllocRun*> by_layout_;  // by layout id; owned
  AllocRun shared_[kNumSizeClasses];
};

}  // namespace greyhound::gc
