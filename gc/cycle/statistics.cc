// SPDX-License-Identifier: MIT
#include "gc/cycle/statistics.h"

#include <algorithm>

#include "gc/cycle/collector.h"
#include "gc/memory/os_memory.h"

namespace greyhound::gc {

void Statistics::add_cycle(const CycleStats& cycle, uint64_t mallocs) {
  std::lock_guard lock(mutex_);
  ++totals_.cycles;
  totals_.forced_cycles += cycle.forced ? 1 : 0;
  totals_.idle_cycles += cycle.idle ? 1 : 0;
  totals_.rounds += cycle.rounds;
  totals_.rounds_per_cycle.add(cycle.rounds);
  totals_.escalations += cycle.escalations;
  totals_.mark.merge(cycle.mark);
  // What was there before and was not found. Never less than before: a cycle's first black objects
  // are counted among the dead until the next one finds them.
  const uint64_t found = std::min(mallocs, cycle.mark.objects_greyed);
  totals_.frees = std::max(totals_.frees, mallocs - found);
  totals_.last_cycle = cycle;
}

void Statistics::add_sweep(uint64_t spans, uint64_t ns, bool limited) {
  std::lock_guard lock(mutex_);
  totals_.sweep_ns += ns;
  totals_.spans_swept += spans;
  totals_.limited_cycles += limited ? 1 : 0;
}

GcStats Statistics::snapshot(Collector* collector) {
  GcStats result;
  {
    std::lock_guard lock(mutex_);
    result = totals_;
  }
  result.memory_source = memory_source();
  const Counters::Values counted = collector->counters.values();
#define GREYHOUND_COUNTER(name, what) result.name = counted.name;
#include "gc/watch/counters.def"
  result.assist_times = collector->counters.assist_times.snapshot();
  result.heap_live = collector->pacer.live();
  result.heap_goal = collector->pacer.goal();
  result.heap_pages_bytes = collector->heap.page_bytes();
  result.heap_resident_bytes = collector->heap.resident_bytes();
  result.metadata_bytes = collector->heap.metadata_bytes() + collector->pool.bytes();
  const CpuTimes taken = collector->cpu.times();
  result.mark_cpu_ns = taken.mark_ns;
  result.assist_ns = taken.assist_ns;
  result.sweep_cpu_ns = taken.sweep_ns;
  result.stalled_handshakes = collector->world.stalled();
  result.missing_workers = collector->team.missing();
  result.holds = collector->world.holds();
  result.time_to_safepoint = collector->world.time_to_safepoint();
  return result;
}

}  // namespace greyhound::gc
