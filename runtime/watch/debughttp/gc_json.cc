// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/gc_json.h"

#include <nlohmann/json.hpp>

namespace greyhound::serve {
namespace {

using Json = nlohmann::ordered_json;

Json goal_json(uint64_t goal) { return goal == UINT64_MAX ? Json(nullptr) : Json(goal); }

Json latencies_json(const gc::LatencyHistogram& latencies) {
  return {{"count", latencies.count},
          {"sum_ns", latencies.sum_ns},
          {"p50_ns", latencies.quantile(0.5)},
          {"p99_ns", latencies.quantile(0.99)},
          {"max_ns", latencies.max_ns}};
}

Json mark_json(const gc::MarkCounts& mark) {
  return {{"objects", mark.objects_greyed},
          {"noscan_objects", mark.noscan_greyed},
          {"bytes", mark.bytes_marked},
          {"words_scanned", mark.words_scanned}};
}

Json heap_json(const gc::GcStats& stats) {
  return {{"live_bytes", stats.heap_live},
          {"goal_bytes", goal_json(stats.heap_goal)},
          {"marked_bytes", stats.last_cycle.heap_marked},
          {"spans_bytes", stats.heap_pages_bytes},
          {"resident_bytes", stats.heap_resident_bytes},
          {"metadata_bytes", stats.metadata_bytes},
          {"allocated_bytes", stats.alloc_bytes},
          {"allocated_objects", stats.mallocs}};
}

Json cycle_json(const gc::CycleStats& cycle) {
  return {{"cycle", cycle.cycle},
          {"forced", cycle.forced},
          {"rounds", cycle.rounds},
          {"mark_ns", cycle.mark_ns},
          {"mark_cpu_ns", cycle.mark_cpu_ns},
          {"assist_ns", cycle.assist_ns},
          {"longest_start_hold_ns", cycle.longest_start_hold_ns},
          {"longest_scan_hold_ns", cycle.longest_scan_hold_ns},
          {"longest_end_hold_ns", cycle.longest_end_hold_ns},
          {"heap_before_bytes", cycle.heap_before},
          {"heap_at_end_bytes", cycle.heap_at_end},
          {"heap_marked_bytes", cycle.heap_marked},
          {"heap_goal_bytes", goal_json(cycle.heap_goal)},
          {"barrier_hits", cycle.barrier_hits},
          {"mark", mark_json(cycle.mark)}};
}

}  // namespace

std::string gc_json(const Snapshot& snapshot) {
  const gc::GcStats& stats = snapshot.stats;
  const Json json = {
      {"schema_version", 1},
      {"runtimes", snapshot.runtimes},
      {"mutators", snapshot.mutators},
      {"phase", snapshot.phase},
      {"cycles", stats.cycles},
      {"forced_cycles", stats.forced_cycles},
      {"idle_cycles", stats.idle_cycles},
      {"rounds", stats.rounds},
      {"escalations", stats.escalations},
      {"limiter_active", snapshot.limiter_on},
      {"memory_limit_bytes",
       snapshot.memory_limit == 0 ? Json(nullptr) : Json(snapshot.memory_limit)},
      {"heap", heap_json(stats)},
      {"mark", mark_json(stats.mark)},
      {"mark_cpu_ns", stats.mark_cpu_ns},
      {"sweep_cpu_ns", stats.sweep_cpu_ns},
      {"barrier_hits", stats.barrier_hits},
      {"barrier_shades", stats.barrier_shades},
      {"holds", latencies_json(stats.holds)},
      {"handshake_answers", latencies_json(stats.time_to_safepoint)},
      {"assists", latencies_json(stats.assist_times)},
      {"last_cycle", stats.last_cycle.cycle == 0 ? Json(nullptr) : cycle_json(stats.last_cycle)}};
  return json.dump();
}

}  // namespace greyhound::serve
