// SPDX-License-Identifier: MIT
// What a collector's threads count as they go (counters.def). Sums only grow; a figure of one cycle is the
// difference of two readings.
//
// Thread rules: any thread. Relaxed throughout: a reader sees a slightly old sum.
#pragma once

#include <atomic>
#include <cstdint>

#include "gc/watch/stats.h"

namespace greyhound::gc {

// A LatencyHistogram that many threads add to.
class SharedHistogram {
 public:
  void add(uint64_t ns);
  LatencyHistogram snapshot() const;

 private:
  std::atomic<uint64_t> buckets_[LatencyHistogram::kBuckets] = {};
  std::atomic<uint64_t> sum_{0};
  std::atomic<uint64_t> max_{0};
};

// Raises `maximum` to `value` if that is greater.
void store_max(std::atomic<uint64_t>* maximum, uint64_t value);

struct Counters {
  struct Values {
#define GREYHOUND_COUNTER(name, what) uint64_t name = 0;
#include "gc/watch/counters.def"
  };

  void add_allocs(uint64_t objects, uint64_t bytes) {
    add(&mallocs, objects);
    add(&alloc_bytes, bytes);
  }
  void add_barriers(uint64_t hits, uint64_t shades) {
    if (hits == 0) return;
    add(&barrier_hits, hits);
    add(&barrier_shades, shades);
  }
  // A map begins to move that many buckets.
  void add_map_growth(uint64_t old_buckets) {
    add(&map_growths, 1);
    add(&map_growth_buckets, old_buckets);
  }
  // An assist, or a wait for the collector, which kept an allocation for so long.
  void add_assist(uint64_t ns) {
    add(&assists, 1);
    assist_times.add(ns);
  }
  void add_wait(uint64_t ns) { assist_times.add(ns); }

  Values values() const {
    Values now;
#define GREYHOUND_COUNTER(name, what) now.name = name.load(std::memory_order_relaxed);
#include "gc/watch/counters.def"
    return now;
  }

#define GREYHOUND_COUNTER(name, what) std::atomic<uint64_t> name{0};
#include "gc/watch/counters.def"
  SharedHistogram assist_times;

 private:
  static void add(std::atomic<uint64_t>* sum, uint64_t n) {
    sum->fetch_add(n, std::memory_order_relaxed);
  }
};

}  // namespace greyhound::gc
