// SPDX-License-Identifier: MIT
// The gctrace lines, in Go's format so that programs which read Go's can read ours:
//
//   gc 7 @1.204s 3%: 0.004+12+0.003 ms clock, 0.008+0.21/12/0+0.006 ms cpu, 41->43->22 MB, 44 MB
//   goal, ...
//      |     |    |      |   |    |                  |   |  |                 |   |   |
//   cycle  since  CPU  start mark end          assist background idle   at start, at end of
//   marking, marked
//        creation share
//
// Go's first and last columns are its stop-the-world pauses. There is none here: they carry the
// longest that any one mutator was held in the start (H1, H2) and end (H4, H5) handshakes.
// gctrace=2 adds a second line with what Go does not have.
#include <algorithm>
#include <cstdio>
#include <thread>

#include "gc/collector.h"

namespace greyhound::gc {
namespace {

double ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }
unsigned long long mb(uint64_t bytes) { return (bytes + (1u << 19)) >> 20; }

// Go prints times with two significant digits and no exponent.
void format_ms(uint64_t ns, char (&out)[32]) {
  const double value = ms(ns);
  const int decimals = value >= 10 ? 0 : value >= 1 ? 1 : value >= 0.1 ? 2 : 3;
  std::snprintf(out, sizeof out, "%.*f", decimals, value);
}

}  // namespace

void Collector::print_trace(const CycleStats& cycle) const {
  const uint64_t now = monotonic_ns() - made_at_ns_;
  const unsigned cpus = std::max(1u, std::thread::hardware_concurrency());
  const double share =
      100.0 *
      static_cast<double>(totals_.mark_cpu_ns + assist_ns_.load(std::memory_order_relaxed)) /
      (static_cast<double>(now) * cpus);
  char start[32], mark[32], end[32], start_cpu[32], assist[32], background[32], end_cpu[32];
  format_ms(cycle.longest_start_hold_ns, start);
  format_ms(cycle.mark_ns, mark);
  format_ms(cycle.longest_end_hold_ns, end);
  format_ms(cycle.longest_start_hold_ns * cpus, start_cpu);
  format_ms(cycle.assist_ns, assist);
  format_ms(cycle.mark_cpu_ns, background);
  format_ms(cycle.longest_end_hold_ns * cpus, end_cpu);
  std::fprintf(stderr,
               "gc %llu @%.3fs %.0f%%: %s+%s+%s ms clock, %s+%s/%s/0+%s ms cpu, %llu->%llu->%llu "
               "MB, %llu MB goal, "
               "0 MB stacks, 0 MB globals, %u P%s\n",
               static_cast<unsigned long long>(cycle.cycle),
               static_cast<double>(cycle.start_ns) / 1e9, share, start, mark, end, start_cpu,
               assist, background, end_cpu, mb(cycle.heap_before), mb(cycle.heap_at_end),
               mb(cycle.heap_marked), mb(cycle.heap_goal == UINT64_MAX ? 0 : cycle.heap_goal), cpus,
               cycle.forced ? " (forced)" : "");
  if (options_.debug.gctrace < 2) return;
  std::fprintf(
      stderr,
      "   %u rounds, longest root-scan hold %.3f ms, %llu objects greyed (%llu noscan), %llu words "
      "scanned, "
      "%llu barrier hits, %llu shades, %.2f MB metadata, %llu MB in spans, %llu MB resident%s\n",
      cycle.rounds, ms(cycle.longest_scan_hold_ns),
      static_cast<unsigned long long>(cycle.mark.objects_greyed),
      static_cast<unsigned long long>(cycle.mark.noscan_greyed),
      static_cast<unsigned long long>(cycle.mark.words_scanned),
      static_cast<unsigned long long>(cycle.barrier_hits),
      static_cast<unsigned long long>(cycle.barrier_shades),
      static_cast<double>(cycle.metadata_bytes) / 1e6, mb(cycle.heap_pages_bytes),
      mb(cycle.heap_resident_bytes), cycle.escalations != 0 ? ", escalated" : "");
}

void Collector::print_pacer_trace() const {
  std::fprintf(stderr, "pacer: marked %llu, goal %llu, trigger %llu bytes, gc_percent %lld\n",
               static_cast<unsigned long long>(pacer.survivors()),
               static_cast<unsigned long long>(pacer.goal()),
               static_cast<unsigned long long>(pacer.trigger()),
               static_cast<long long>(pacer.gc_percent()));
}

}  // namespace greyhound::gc
