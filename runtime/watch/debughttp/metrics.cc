// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/metrics.h"

#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/watch/debughttp/metric_families.h"

namespace greyhound::serve {
namespace {

void add_heap(const Snapshot& snapshot, Families* to) {
  const gc::GcStats& stats = snapshot.stats;
  to->counter("greyhound_heap_allocated_bytes_total", "Bytes ever allocated, in slot sizes.",
              number(stats.alloc_bytes));
  to->counter("greyhound_heap_allocated_objects_total", "Objects ever allocated.",
              number(stats.mallocs));
  to->gauge("greyhound_heap_live_bytes", "Bytes marked by the last cycle or allocated since.",
            number(stats.heap_live));
  to->gauge("greyhound_heap_marked_bytes", "Bytes that the cycle that ended last found alive.",
            number(stats.last_cycle.heap_marked));
  if (stats.heap_goal != UINT64_MAX) {
    to->gauge("greyhound_heap_goal_bytes", "Live bytes at which the next cycle is to have ended.",
              number(stats.heap_goal));
  }
  to->gauge("greyhound_heap_spans_bytes", "Bytes of heap pages that belong to spans.",
            number(stats.heap_pages_bytes));
  to->gauge("greyhound_heap_resident_bytes",
            "Bytes of heap pages not returned to the system, free ones included.",
            number(stats.heap_resident_bytes));
  to->gauge("greyhound_heap_max_bytes",
            "Bytes of heap pages beyond which allocation fails, summed over the runtimes.",
            number(snapshot.max_heap));
  to->gauge("greyhound_metadata_bytes", "Bytes that the runtimes use beside their heaps.",
            number(stats.metadata_bytes));
  if (snapshot.memory_limit != 0) {
    to->gauge("greyhound_memory_limit_bytes",
              "The soft limit that the collector works to stay under (GREYHOUND_MEMLIMIT).",
              number(snapshot.memory_limit));
  }
}

void add_cycles(const Snapshot& snapshot, Families* to) {
  const gc::GcStats& stats = snapshot.stats;
  to->counter("greyhound_gc_cycles_total", "Finished cycles by what asked for them.",
              number(stats.cycles - stats.forced_cycles - stats.idle_cycles),
              {{"reason", "pacer"}});
  to->another(number(stats.idle_cycles), {{"reason", "idle"}});
  to->another(number(stats.forced_cycles), {{"reason", "forced"}});
  to->counter("greyhound_gc_rounds_total", "Root-scan rounds of finished cycles.",
              number(stats.rounds));
  to->counter("greyhound_gc_escalations_total",
              "Cycles whose last round held the mutators, as rounds would not become quiet.",
              number(stats.escalations));
  to->counter("greyhound_gc_limited_cycles_total",
              "Cycles after which the CPU limiter was on: the memory limit is beyond reach.",
              number(stats.limited_cycles));
  to->gauge("greyhound_gc_limiter_active", "1 while the CPU limiter holds collecting back.",
            snapshot.limiter_on ? 1 : 0);
  if (snapshot.gc_percent != gc::kGcOff) {
    to->gauge("greyhound_gc_growth_ratio",
              "How much the heap may grow between cycles, as a share of what lives (GREYHOUND_GC / "
              "100).",
              static_cast<double>(snapshot.gc_percent) / 100);
  }
  if (snapshot.last_cycle_end_ns != 0) {
    to->gauge("greyhound_gc_last_cycle_timestamp_seconds",
              "When the last cycle ended, in seconds since 1970.",
              static_cast<double>(snapshot.last_cycle_end_ns) * 1e-9);
  }
  const gc::CycleStats& last = stats.last_cycle;
  constexpr const char* kStage = "stage";
  to->gauge("greyhound_gc_last_cycle_longest_hold_seconds",
            "The longest that any one mutator was held in the last cycle, by handshake.",
            seconds(last.longest_start_hold_ns), {{kStage, "start"}});
  to->another(seconds(last.longest_scan_hold_ns), {{kStage, "scan"}});
  to->another(seconds(last.longest_end_hold_ns), {{kStage, "end"}});
  to->gauge("greyhound_gc_last_cycle_mark_seconds", "How long marking took in the last cycle.",
            seconds(last.mark_ns));
  to->gauge("greyhound_gc_last_cycle_overshoot_bytes",
            "By how much the heap was beyond its goal when the last cycle's marking ended.",
            last.heap_goal == UINT64_MAX || last.heap_at_end < last.heap_goal
                ? 0
                : number(last.heap_at_end - last.heap_goal));
}

void add_work(const gc::GcStats& stats, Families* to) {
  to->counter("greyhound_gc_mark_cpu_seconds_total",
              "CPU time of marking by the coordinator and the workers.",
              seconds(stats.mark_cpu_ns));
  to->counter("greyhound_gc_assist_cpu_seconds_total",
              "CPU time of marking by allocations, waits not included.", seconds(stats.assist_ns));
  to->counter("greyhound_gc_sweep_cpu_seconds_total", "CPU time of sweeping by the coordinator.",
              seconds(stats.sweep_cpu_ns));
  to->counter("greyhound_gc_spans_swept_total", "Spans swept by the coordinator.",
              number(stats.spans_swept));
  to->counter("greyhound_gc_objects_marked_total",
              "Objects found alive, by whether they can hold "
              "pointers.",
              number(stats.mark.objects_greyed - stats.mark.noscan_greyed), {{"kind", "scan"}});
  to->another(number(stats.mark.noscan_greyed), {{"kind", "noscan"}});
  to->counter("greyhound_gc_marked_bytes_total", "Bytes found alive, in slot sizes.",
              number(stats.mark.bytes_marked));
  to->counter("greyhound_gc_words_scanned_total", "Pointer words read by marking.",
              number(stats.mark.words_scanned));
  to->counter("greyhound_barrier_hits_total",
              "Stores that took the write barrier's slow path, as a cycle was marking.",
              number(stats.barrier_hits));
  to->counter("greyhound_barrier_shades_total", "Of them, those that greyed an object.",
              number(stats.barrier_shades));
}

void add_mutators(const Snapshot& snapshot, Families* to) {
  const gc::GcStats& stats = snapshot.stats;
  to->gauge("greyhound_runtimes", "Runtimes that are observed.", number(snapshot.runtimes));
  to->gauge("greyhound_mutators", "Threads attached to them.", number(snapshot.mutators));
  to->histogram("greyhound_mutator_hold_seconds",
                "How long a mutator was held by one handshake. There is no other pause.",
                stats.holds);
  to->gauge("greyhound_mutator_longest_hold_seconds", "The longest of them since the start.",
            seconds(stats.holds.max_ns));
  to->histogram("greyhound_mutator_assist_seconds",
                "How long one allocation was kept by marking, or by waiting for the collector.",
                stats.assist_times);
  to->histogram("greyhound_handshake_answer_seconds",
                "From a handshake's request to a mutator's answer.", stats.time_to_safepoint);
  to->counter("greyhound_handshake_stalls_total",
              "Handshakes that a mutator ran or waited through for 100 ms without answering.",
              number(stats.stalled_handshakes));
}

// The n-th field (from 0) behind the command's name, which may hold anything but ')'.
double stat_field(const std::string& stat, size_t n) {
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string field;
  for (size_t i = 0; i <= n; ++i) fields >> field;
  return field.empty() ? 0 : std::stod(field);
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The soft limit of a row of /proc/self/limits, "Max open files  1024  4096  files"; -1: unlimited,
// or there is no such row.
double limit_of(const std::string& name) {
  std::ifstream file("/proc/self/limits");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    std::istringstream fields(line.substr(name.size()));
    std::string soft;
    fields >> soft;
    return soft == "unlimited" ? -1 : std::stod(soft);
  }
  return -1;
}

double open_files() {
  std::error_code error;
  double count = 0;
  for (std::filesystem::directory_iterator each("/proc/self/fd", error), end; !error && each != end;
       each.increment(error))
    ++count;
  return std::max(0.0, count - 1);  // but for the one that this opened
}

double boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("btime ")) return std::stod(line.substr(6));
  }
  return 0;
}

}  // namespace

void add_greyhound_metrics(const Snapshot& snapshot, std::vector<prometheus::MetricFamily>* list) {
  Families to(list);
  to.gauge("greyhound_info", "The version of Greyhound; always 1.", 1,
           {{"version", GREYHOUND_VERSION}});
  add_heap(snapshot, &to);
  add_cycles(snapshot, &to);
  add_work(snapshot.stats, &to);
  add_mutators(snapshot, &to);
}

void add_process_metrics(std::vector<prometheus::MetricFamily>* list) {
  Families to(list);
  const std::string stat = first_line("/proc/self/stat");
  if (stat.empty()) return;
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  to.counter("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
             (stat_field(stat, 11) + stat_field(stat, 12)) / ticks);
  to.gauge("process_threads", "Number of OS threads of this process.", stat_field(stat, 17));
  to.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.",
           boot_time() + stat_field(stat, 19) / ticks);
  to.gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stat_field(stat, 20));
  to.gauge("process_virtual_memory_max_bytes",
           "Maximum amount of virtual memory available in bytes; -1: unlimited.",
           limit_of("Max address space"));
  to.gauge("process_open_fds", "Number of open file descriptors.", open_files());
  to.gauge("process_max_fds", "Maximum number of open file descriptors; -1: unlimited.",
           limit_of("Max open files"));
  to.gauge("process_resident_memory_bytes", "Resident memory size in bytes.",
           stat_field(stat, 21) * page);
}

std::string format_metrics(const Snapshot& snapshot, bool go_names) {
  std::vector<prometheus::MetricFamily> families;
  add_greyhound_metrics(snapshot, &families);
  add_process_metrics(&families);
  if (go_names) add_go_metrics(snapshot, &families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace greyhound::serve
