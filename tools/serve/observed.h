// SPDX-License-Identifier: MIT
// The runtimes that a debug server shows, as one: counts are sums over those that are there and
// those that were, so that a counter never goes back; sizes are sums over those that are there.
// The lab makes a runtime for each repetition, hence "were".
//
// Thread rules: any thread. remove() waits until nobody looks at the runtime, and while it waits
// the calling thread's mutator is blocked, as a reader may wait for a collection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gc/mprof.h"
#include "gc/stats.h"
#include "runtime/runtime.h"

namespace greyhound::serve {

// A mutator, as of a moment ago.
struct MutatorState {
  std::string name;
  std::string state;           // running or blocked
  std::string last_safepoint;  // "mallocgc", or what it blocks for
  uint64_t mallocs = 0;        // as of its last refill
};

// The runtimes at one moment.
struct Snapshot {
  gc::GcStats stats;  // summed; last_cycle is of the cycle that ended last
  uint64_t runtimes = 0;
  uint64_t mutators = 0;
  uint64_t last_cycle_end_ns = 0;  // since 1970; 0: none yet
  uint64_t memory_limit = 0;       // soft, summed over those that have one; 0: none has
  uint64_t max_heap = 0;           // hard, summed
  int64_t gc_percent = 0;          // of the runtime made last; -1: off
  bool limiter_on = false;         // of any
  std::string phase;               // of the runtime made last; empty without one
};

struct HeapRecords {
  std::vector<gc::MemRecord> records;
  uint64_t rate = 0;  // 0: no runtime samples
};

class Observed {
 public:
  Observed() = default;
  Observed(const Observed&) = delete;
  Observed& operator=(const Observed&) = delete;

  void add(runtime::Runtime& runtime);
  // Before the runtime is destroyed. What it counted stays in the sums; what lived in it is freed.
  void remove(runtime::Runtime& runtime);

  Snapshot snapshot();
  std::vector<MutatorState> mutators();
  HeapRecords heap_records();
  // A whole collection of each; returns when they are swept.
  void collect();

 private:
  struct Entry;
  std::vector<std::shared_ptr<Entry>> entries();

  std::mutex mutex_;  // of what follows, held for copies only
  std::vector<std::shared_ptr<Entry>> entries_;
  gc::GcStats gone_;                         // counts of the runtimes that were
  std::vector<gc::MemRecord> gone_records_;  // likewise
};

}  // namespace greyhound::serve
