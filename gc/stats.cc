// SPDX-License-Identifier: MIT
#include "gc/stats.h"

#include <time.h>

#include <algorithm>
#include <bit>

namespace greyhound::gc {
namespace {

uint64_t read_clock(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace

uint64_t monotonic_ns() { return read_clock(CLOCK_MONOTONIC); }
uint64_t thread_cpu_ns() { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

void LatencyHistogram::add(uint64_t ns) {
  const size_t bucket = ns == 0 ? 0 : static_cast<size_t>(std::bit_width(ns) - 1);
  ++buckets[std::min(bucket, kBuckets - 1)];
  ++count;
  sum_ns += ns;
  max_ns = std::max(max_ns, ns);
}

void LatencyHistogram::merge(const LatencyHistogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) buckets[i] += other.buckets[i];
  count += other.count;
  sum_ns += other.sum_ns;
  max_ns = std::max(max_ns, other.max_ns);
}

uint64_t LatencyHistogram::quantile(double p) const {
  const auto rank = static_cast<uint64_t>(p * static_cast<double>(count));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets[i];
    if (seen > rank) return std::min(max_ns, uint64_t{2} << i);
  }
  return max_ns;
}

void MarkCounts::merge(const MarkCounts& other) {
  objects_greyed += other.objects_greyed;
  noscan_greyed += other.noscan_greyed;
  bytes_marked += other.bytes_marked;
  words_scanned += other.words_scanned;
  objects_resolved += other.objects_resolved;
}

}  // namespace greyhound::gc
