// SPDX-License-Identifier: MIT
#include "gc/watch/stats.h"

#include <algorithm>
#include <bit>

namespace greyhound::gc {

// With shift = 0 for the values below 16, else so many that ns >> shift lies in 8 .. 15.
size_t LatencyHistogram::bucket_of(uint64_t ns) {
  if (ns < 16) return ns;
  const auto shift = static_cast<size_t>(std::bit_width(ns)) - 4;
  return std::min(shift * 8 + (ns >> shift), kBuckets - 1);
}

uint64_t LatencyHistogram::upper_bound(size_t bucket) {
  if (bucket < 16) return bucket;
  if (bucket >= kBuckets - 1) return UINT64_MAX;
  const size_t shift = bucket / 8 - 1;
  return ((uint64_t{bucket - shift * 8} + 1) << shift) - 1;
}

void LatencyHistogram::add(uint64_t ns) {
  ++buckets[bucket_of(ns)];
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
    if (seen > rank) return std::min(max_ns, upper_bound(i));
  }
  return max_ns;
}

void RoundsHistogram::add(unsigned rounds) { ++cycles[std::min(rounds, kMost)]; }

unsigned RoundsHistogram::quantile(double p) const {
  uint64_t count = 0;
  for (const uint64_t with : cycles) count += with;
  uint64_t seen = 0;
  for (unsigned rounds = 0; rounds <= kMost; ++rounds) {
    seen += cycles[rounds];
    if (seen > 0 && static_cast<double>(seen) >= p * static_cast<double>(count)) return rounds;
  }
  return 0;
}

void MarkCounts::merge(const MarkCounts& other) {
  objects_greyed += other.objects_greyed;
  noscan_greyed += other.noscan_greyed;
  bytes_marked += other.bytes_marked;
  words_scanned += other.words_scanned;
  objects_resolved += other.objects_resolved;
}

}  // namespace greyhound::gc
