// SPDX-License-Identifier: MIT
// client_golang's names, for dashboards and alerts that were written for Go programs. What Go has
// and Greyhound has not is 0 where it has none (spans and caches of their own: they are part of the
// metadata; stacks: they are the threads' own) and left out where it does not count it.
#include <algorithm>
#include <fstream>
#include <string>

#include "runtime/base/processors.h"
#include "runtime/watch/debughttp/metric_families.h"
#include "runtime/watch/debughttp/metrics.h"

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
  to->counter("go_memstats_frees_total", "Total number of frees.", number(stats.frees));
  to->gauge("go_memstats_heap_objects", "Number of allocated objects.",
            number(stats.mallocs - std::min(stats.mallocs, stats.frees)));
  to->gauge("go_memstats_heap_alloc_bytes", "Number of heap bytes allocated and still in use.",
            number(stats.heap_live));
  to->gauge("go_memstats_heap_inuse_bytes", "Number of heap bytes that are in use.",
            number(stats.heap_pages_bytes));
  to->gauge("go_memstats_heap_idle_bytes", "Number of heap bytes waiting to be used.",
            number(stats.heap_resident_bytes -
                   std::min(stats.heap_resident_bytes, stats.heap_pages_bytes)));
  to->gauge("go_memstats_heap_sys_bytes", "Number of heap bytes obtained from system.",
            number(stats.heap_resident_bytes));
  to->gauge("go_memstats_heap_released_bytes", "Number of heap bytes released to OS.", 0);
  for (const char* name : {"go_memstats_stack_inuse_bytes", "go_memstats_stack_sys_bytes",
                           "go_memstats_mspan_inuse_bytes", "go_memstats_mspan_sys_bytes",
                           "go_memstats_mcache_inuse_bytes", "go_memstats_mcache_sys_bytes",
                           "go_memstats_buck_hash_sys_bytes", "go_memstats_other_sys_bytes"})
    to->gauge(name, "Nothing here: part of other figures, or of what the system counts.", 0);
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
  to.gauge("go_sched_gomaxprocs_threads",
           "Processors that this process may use, by affinity and control group.", processors());
  to.gauge(
      "go_gc_gogc_percent", "Heap size target percentage configured by the user.",
      snapshot.gc_percent < 0 ? 9.223372036854776e18 : static_cast<double>(snapshot.gc_percent));
  to.gauge("go_gc_gomemlimit_bytes", "Go runtime memory limit configured by the user.",
           snapshot.memory_limit == 0 ? 9.223372036854776e18 : number(snapshot.memory_limit));
  to.gauge("go_threads", "Number of OS threads created.", threads_of_process());
  to.gauge("go_info", "Information about the Go environment.", 1,
           {{"version", "greyhound-" GREYHOUND_VERSION}});
  add_memstats(snapshot, &to);
}

}  // namespace greyhound::serve
