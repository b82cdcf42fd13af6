// SPDX-License-Identifier: MIT
#include "tools/experiments/measured_runtime.h"

namespace greyhound::lab {
namespace {

// The longest hold between two snapshots. Exact when none came before or when it is the longest so
// far; otherwise the upper end of its bucket.
std::optional<uint64_t> longest_hold(const gc::LatencyHistogram& before,
                                     const gc::LatencyHistogram& after) {
  if (after.count == before.count) return std::nullopt;
  if (before.count == 0 || after.max_ns > before.max_ns) return after.max_ns;
  for (size_t i = gc::LatencyHistogram::kBuckets; i-- > 0;) {
    if (after.buckets[i] > before.buckets[i])
      return std::min(after.max_ns, gc::LatencyHistogram::upper_bound(i));
  }
  return std::nullopt;
}

}  // namespace

Measurement MeasuredRuntime::difference(const gc::GcStats& before, const gc::GcStats& after,
                                        uint64_t ops, uint64_t elapsed_ns) {
  Measurement m;
  m.ops = ops;
  m.allocs = after.mallocs - before.mallocs;
  m.bytes = after.alloc_bytes - before.alloc_bytes;
  m.cycles = after.cycles - before.cycles;
  m.objects_greyed = after.mark.objects_greyed - before.mark.objects_greyed;
  m.noscan_greyed = after.mark.noscan_greyed - before.mark.noscan_greyed;
  m.words_scanned = after.mark.words_scanned - before.mark.words_scanned;
  m.pointers_resolved = after.mark.objects_resolved - before.mark.objects_resolved;
  m.mark_cpu_ns = after.mark_cpu_ns - before.mark_cpu_ns + after.assist_ns - before.assist_ns;
  m.barrier_hits = after.barrier_hits - before.barrier_hits;
  m.barrier_shades = after.barrier_shades - before.barrier_shades;
  m.longest_hold_ns = longest_hold(before.holds, after.holds);
  m.ns_per_op = {static_cast<double>(elapsed_ns) / static_cast<double>(ops)};
  if (m.cycles != 0) m.mark_ns = {static_cast<double>(after.last_cycle.mark_ns)};
  return m;
}

}  // namespace greyhound::lab
