// SPDX-License-Identifier: MIT
// The sums of finished cycles, and the snapshot that Runtime::stats() returns.
//
// Thread rules: any thread.
#pragma once

#include <cstdint>
#include <mutex>

#include "gc/watch/stats.h"

namespace greyhound::gc {

class Collector;

class Statistics {
 public:
  // A cycle is over but for its sweep; `mallocs`: objects ever allocated when its allocation became
  // black.
  void add_cycle(const CycleStats& cycle, uint64_t mallocs);
  // So is its sweep. `limited`: the CPU limiter is on.
  void add_sweep(uint64_t spans, uint64_t ns, bool limited);
  GcStats snapshot(Collector* collector);

 private:
  friend class CollectorFork;

  std::mutex mutex_;
  GcStats totals_;  // protected by mutex_
};

}  // namespace greyhound::gc
