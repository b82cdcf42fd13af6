// SPDX-License-Identifier: MIT
// Go's format, so that programs which read Go's lines can read ours:
//
//   gc 7 @1.204s 3%: 0.004+12+0.003 ms clock, 0.008+0.21/12/0+0.006 ms cpu, 41->43->22 MB, ...
//
//   7                  the cycle
//   @1.204s 3%         since the runtime was made; share of all CPUs' time since then
//   0.004, 12, 0.003   start, marking, end
//   0.21, 12, 0        CPU time of assists, in the background, of idle marking
//   41, 43, 22         live at the start, at the end of marking; marked
//
// Go's first and last columns are its stop-the-world pauses. There is none here: they carry the
// longest that any one mutator was held in the start (H1, H2) and end (H4, H5) handshakes.
#include "gc/watch/gctrace.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>

#include "gc/cycle/collector.h"
#include "gc/watch/log.h"

namespace greyhound::gc {
namespace {

using Number = unsigned long long;

double ms(uint64_t ns) { return static_cast<double>(ns) / 1e6; }
// As Go has it: binary, and cut off.
Number mb(uint64_t bytes) { return bytes >> 20; }

__attribute__((format(printf, 3, 4))) size_t print(char* buffer, size_t size, const char* format,
                                                   ...) {
  va_list arguments;
  va_start(arguments, format);
  const int wanted = std::vsnprintf(buffer, size, format, arguments);
  va_end(arguments);
  return wanted < 0 ? 0 : std::min(static_cast<size_t>(wanted), size - 1);
}

}  // namespace

void format_go_ms(uint64_t ns, char (&out)[32]) {
  if (ns >= 10'000'000) {
    std::snprintf(out, sizeof out, "%llu", static_cast<Number>(ns / 1'000'000));
    return;
  }
  Number digits = ns / 1000;  // thousandths of a millisecond
  if (digits == 0) {
    std::snprintf(out, sizeof out, "0");
    return;
  }
  int decimals = 3;
  Number scale = 1000;
  for (; digits >= 100; digits /= 10, scale /= 10) --decimals;
  std::snprintf(out, sizeof out, "%llu.%0*llu", digits / scale, decimals, digits % scale);
}

size_t format_gctrace(const GcTraceLine& line, char* buffer, size_t size) {
  const CycleStats& cycle = line.cycle;
  char start[32], mark[32], end[32], start_cpu[32], assist[32], background[32], end_cpu[32];
  format_go_ms(cycle.longest_start_hold_ns, start);
  format_go_ms(cycle.mark_ns, mark);
  format_go_ms(cycle.longest_end_hold_ns, end);
  format_go_ms(cycle.longest_start_hold_ns * line.cpus, start_cpu);
  format_go_ms(cycle.assist_ns, assist);
  format_go_ms(cycle.mark_cpu_ns, background);
  format_go_ms(cycle.longest_end_hold_ns * line.cpus, end_cpu);
  const Number since_ms = cycle.start_ns / 1'000'000;
  return print(buffer, size,
               "gc %llu @%llu.%03llus %d%%: %s+%s+%s ms clock, %s+%s/%s/0+%s ms cpu, "
               "%llu->%llu->%llu MB, %llu MB goal, 0 MB stacks, 0 MB globals, %u P%s\n",
               static_cast<Number>(cycle.cycle), since_ms / 1000, since_ms % 1000,
               static_cast<int>(line.cpu_share * 100), start, mark, end, start_cpu, assist,
               background, end_cpu, mb(cycle.heap_before), mb(cycle.heap_at_end),
               mb(cycle.heap_marked), mb(cycle.heap_goal), line.cpus,
               cycle.forced ? " (forced)" : "");
}

size_t format_gctrace_more(const GcTraceLine& line, char* buffer, size_t size) {
  const CycleStats& cycle = line.cycle;
  return print(
      buffer, size,
      "   %u rounds, longest root-scan hold %.3f ms, %llu assists, %llu objects greyed (%llu "
      "noscan), %llu words scanned, %llu barrier hits, %llu shades, %llu map growths (%llu buckets "
      "to evacuate), %.2f MB metadata, %llu MB in spans, %llu MB resident%s\n",
      cycle.rounds, ms(cycle.longest_scan_hold_ns), static_cast<Number>(cycle.assists),
      static_cast<Number>(cycle.mark.objects_greyed), static_cast<Number>(cycle.mark.noscan_greyed),
      static_cast<Number>(cycle.mark.words_scanned), static_cast<Number>(cycle.barrier_hits),
      static_cast<Number>(cycle.barrier_shades), static_cast<Number>(cycle.map_growths),
      static_cast<Number>(cycle.map_growth_buckets),
      static_cast<double>(cycle.metadata_bytes) / (1 << 20), mb(cycle.heap_pages_bytes),
      mb(cycle.heap_resident_bytes), cycle.escalations != 0 ? ", escalated" : "");
}

// Numbers and true/false only: nothing in it needs to be escaped.
size_t format_gctrace_json(const GcTraceLine& line, char* buffer, size_t size) {
  const CycleStats& cycle = line.cycle;
  char goal[32] = "null";
  if (cycle.heap_goal != UINT64_MAX)
    std::snprintf(goal, sizeof goal, "%llu", static_cast<Number>(cycle.heap_goal));
  return print(
      buffer, size,
      "{\"schema_version\":1,\"gc\":%llu,\"forced\":%s,\"start_ns\":%llu,\"cpu_percent\":%.2f,"
      "\"cpus\":%u,"
      "\"clock_ns\":{\"start_handshakes\":%llu,\"mark\":%llu,\"end_handshakes\":%llu},"
      "\"longest_hold_ns\":{\"start\":%llu,\"scan\":%llu,\"end\":%llu},"
      "\"cpu_ns\":{\"assist\":%llu,\"background\":%llu},"
      "\"heap_bytes\":{\"at_start\":%llu,\"at_end\":%llu,\"marked\":%llu,\"goal\":%s,"
      "\"in_spans\":%llu,\"resident\":%llu,\"metadata\":%llu},"
      "\"rounds\":%u,\"escalations\":%u,\"assists\":%llu,"
      "\"mark\":{\"objects\":%llu,\"noscan_objects\":%llu,\"words_scanned\":%llu,"
      "\"words_resolved\":%llu},"
      "\"barrier\":{\"hits\":%llu,\"shades\":%llu},"
      "\"map_growths\":{\"begun\":%llu,\"buckets\":%llu}}\n",
      static_cast<Number>(cycle.cycle), cycle.forced ? "true" : "false",
      static_cast<Number>(cycle.start_ns), line.cpu_share * 100, line.cpus,
      static_cast<Number>(cycle.start_handshakes_ns), static_cast<Number>(cycle.mark_ns),
      static_cast<Number>(cycle.end_handshakes_ns),
      static_cast<Number>(cycle.longest_start_hold_ns),
      static_cast<Number>(cycle.longest_scan_hold_ns),
      static_cast<Number>(cycle.longest_end_hold_ns), static_cast<Number>(cycle.assist_ns),
      static_cast<Number>(cycle.mark_cpu_ns), static_cast<Number>(cycle.heap_before),
      static_cast<Number>(cycle.heap_at_end), static_cast<Number>(cycle.heap_marked), goal,
      static_cast<Number>(cycle.heap_pages_bytes), static_cast<Number>(cycle.heap_resident_bytes),
      static_cast<Number>(cycle.metadata_bytes), cycle.rounds, cycle.escalations,
      static_cast<Number>(cycle.assists), static_cast<Number>(cycle.mark.objects_greyed),
      static_cast<Number>(cycle.mark.noscan_greyed), static_cast<Number>(cycle.mark.words_scanned),
      static_cast<Number>(cycle.mark.objects_resolved), static_cast<Number>(cycle.barrier_hits),
      static_cast<Number>(cycle.barrier_shades), static_cast<Number>(cycle.map_growths),
      static_cast<Number>(cycle.map_growth_buckets));
}

void Cycle::print_trace() const {
  const auto& flags = c_->options().debug;
  if (flags.gctrace != 0) {
    const auto cpus = static_cast<unsigned>(c_->limiter.cpus());
    const auto since_ns = static_cast<double>(monotonic_ns() - c_->made_at_ns());
    const CpuTimes taken = c_->cpu.times();
    const auto spent = static_cast<double>(taken.mark_ns + taken.assist_ns);
    const GcTraceLine line{stats_, std::min(1.0, spent / (since_ns * cpus)), cpus};
    char text[2048];
    size_t length = 0;
    if (flags.gctrace == kGctraceJson) {
      length = format_gctrace_json(line, text, sizeof text);
    } else {
      length = format_gctrace(line, text, sizeof text);
      if (flags.gctrace >= 2)
        length += format_gctrace_more(line, text + length, sizeof text - length);
    }
    std::fwrite(text, 1, length, stderr);  // one, so that lines of several runtimes do not mix
  }
  if (flags.gcpacertrace != 0) {
    const Pacer& pacer = c_->pacer;
    log_trace(c_->options(), "pacer: marked %llu, goal %llu, trigger %llu bytes, gc_percent %lld",
              static_cast<Number>(pacer.survivors()), static_cast<Number>(pacer.goal()),
              static_cast<Number>(pacer.trigger()), static_cast<long long>(pacer.gc_percent()));
  }
}

}  // namespace greyhound::gc
