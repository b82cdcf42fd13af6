// SPDX-License-Identifier: MIT
// What a collector's threads count as they go. Sums only grow; a figure of one cycle is the
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
    uint64_t mallocs = 0;
    uint64_t alloc_bytes = 0;
    uint64_t barrier_hits = 0;
    uint64_t barrier_shades = 0;
    uint64_t map_growths = 0;
    uint64_t map_buckets = 0;
    uint64_t assists = 0;
  };

  void add_allocs(uint64_t objects, uint64_t bytes) {
    mallocs.fetch_add(objects, std::memory_order_relaxed);
    alloc_bytes.fetch_add(bytes, std::memory_order_relaxed);
  }
  void add_barriers(uint64_t hits, uint64_t shades) {
    if (hits == 0) return;
    barrier_hits.fetch_add(hits, std::memory_order_relaxed);
    barrier_shades.fetch_add(shades, std::memory_order_relaxed);
  }
  // A map begins to move that many buckets.
  void add_map_growth(uint64_t old_buckets) {
    map_growths.fetch_add(1, std::memory_order_relaxed);
    map_buckets.fetch_add(old_buckets, std::memory_order_relaxed);
  }
  // An assist, or a wait for the collector, which kept an allocation for so long.
  void add_assist(uint64_t ns) {
    assists.fetch_add(1, std::memory_order_relaxed);
    assist_times.add(ns);
  }
  void add_wait(uint64_t ns) { assist_times.add(ns); }

  Values values() const {
    const auto of = [](const std::atomic<uint64_t>& sum) {
      return sum.load(std::memory_order_relaxed);
    };
    return {of(mallocs),     of(alloc_bytes), of(barrier_hits), of(barrier_shades),
            of(map_growths), of(map_buckets), of(assists)};
  }

  std::atomic<uint64_t> mallocs{0};      // objects, as their mutators hand them in
  std::atomic<uint64_t> alloc_bytes{0};  // and their bytes
  std::atomic<uint64_t> barrier_hits{0};
  std::atomic<uint64_t> barrier_shades{0};
  std::atomic<uint64_t> map_growths{0};
  std::atomic<uint64_t> map_buckets{0};
  std::atomic<uint64_t> assists{0};
  SharedHistogram assist_times;
};

}  // namespace greyhound::gc
