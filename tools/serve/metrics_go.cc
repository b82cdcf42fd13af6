// SPDX-License-Identifier: MIT
// client_golang's names, for dashboards and alerts that were written for Go programs. Only what has
// a counterpart here: what Go counts and Greyhound does not (frees, live objects, stacks) is left
// out rather than shown as 0.
#include <algorithm>
#include <fstream>
#include <string>

#include "tools/serve/metric_families.h"
#include "tools/serve/metrics.h"

namespace greyhound::serve {
namespace {

double threads_of_process() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("Threads:")) return std::stod(line.substr(8));
  }
  return 0;
}

void add_memstats(const Snapshot& snapshot, Families* to) {
  const gc::GcStats& stats = snapshot.stats;
  to->gauge("go_memstats_alloc_bytes", "Number of bytes allocated and still in use.",
            number(stats.heap_live));
  to->counter("go_memstats_alloc_bytes_total", "Total number of bytes allocated, even if freed.",
              number(stats.alloc_bytes));
  to->counter("go_memstats_mallocs_total", "Total number of mallocs.", number(stats.mallocs));
  to->gauge("go_memstats_heap_alloc_bytes", "Number of heap bytes allocated and still in use.",
            number(stats.heap_live));
  to->gauge("go_memstats_heap_inuse_bytes", "Number of heap bytes that are in use.",
            number(stats.heap_pages_bytes));
  to->gauge("go_memstats_heap_idle_bytes", "Number of heap bytes waiting to be used.",
            number(stats.heap_resident_bytes -
                   std::min(stats.heap_resident_bytes, stats.heap_pages_bytes)));
  to->gauge("go_memstats_heap_sys_bytes", "Number of heap bytes obtained from system.",
            number(stats.heap_resident_bytes));
  to->gauge("go_memstats_gc_sys_bytes",
            "Number of bytes used for garbage collection system metadata.",
            number(stats.metadata_bytes));
  to->gauge("go_memstats_sys_bytes", "Number of bytes obtained from system.",
            number(stats.heap_resident_bytes + stats.metadata_bytes));
  if (stats.heap_goal != UINT64_MAX) {
    to->gauge("go_memstats_next_gc_bytes",
              "Number of heap bytes when next garbage collection will take place.",
              number(stats.heap_goal));
  }
  to->gauge("go_memstats_last_gc_time_seconds",
            "Number of seconds since 1970 of last garbage collection.",
            static_cast<double>(snapshot.last_cycle_end_ns) * 1e-9);
}

}  // namespace

void add_go_metrics(const Snapshot& snapshot, std::vector<prometheus::MetricFamily>* list) {
  Families to(list);
  to.summary("go_gc_duration_seconds",
             "How long a mutator was held by one handshake: what stands for Go's pauses.",
             snapshot.stats.holds);
  to.gauge("go_goroutines", "Number of attached mutators.", number(snapshot.mutators));
  to.gauge("go_threads", "Number of OS threads created.", threads_of_process());
  to.gauge("go_info", "Information about the Go environment.", 1,
           {{"version", "greyhound-" GREYHOUND_VERSION}});
  add_memstats(snapshot, &to);
}

}  // namespace greyhound::serve
