// SPDX-License-Identifier: MIT
#include "gc/watch/counters.h"

namespace greyhound::gc {

void store_max(std::atomic<uint64_t>* maximum, uint64_t value) {
  uint64_t seen = maximum->load(std::memory_order_relaxed);
  while (seen < value && !maximum->compare_exchange_weak(seen, value, std::memory_order_relaxed)) {
  }
}

void SharedHistogram::add(uint64_t ns) {
  buckets_[LatencyHistogram::bucket_of(ns)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(ns, std::memory_order_relaxed);
  store_max(&max_, ns);
}

LatencyHistogram SharedHistogram::snapshot() const {
  LatencyHistogram result;
  for (size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
    result.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    result.count += result.buckets[i];
  }
  result.sum_ns = sum_.load(std::memory_order_relaxed);
  result.max_ns = max_.load(std::memory_order_relaxed);
  return result;
}

}  // namespace greyhound::gc
