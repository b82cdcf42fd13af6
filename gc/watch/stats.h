// SPDX-License-Identifier: MIT
// What the collector counts. GcStats is a snapshot by value: Collector::stats() takes it
// on any thread, and adds the caller's own counts if that is attached; those of other threads are
// as of their last refill. Times are nanoseconds, sizes bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "runtime/base/system.h"

namespace greyhound::gc {

// Latencies in eight buckets an octave, each at most an eighth wide, so that two quantiles can be
// compared; below 16 ns every value has its own. What is longer than 2^40 ns goes into the last.
struct LatencyHistogram {
  static constexpr size_t kBuckets = 304;
  static size_t bucket_of(uint64_t ns);
  // The greatest value that belongs to `bucket`.
  static uint64_t upper_bound(size_t bucket);

  uint64_t buckets[kBuckets] = {};
  uint64_t count = 0;
  uint64_t sum_ns = 0;
  uint64_t max_ns = 0;

  void add(uint64_t ns);
  void merge(const LatencyHistogram& other);
  // An upper bound of the p-quantile (0..1), exact to its bucket and never above max_ns.
  uint64_t quantile(double p) const;
};

// Finished cycles by how many root-scan rounds they took until one was quiet.
struct RoundsHistogram {
  static constexpr unsigned kMost = 31;  // more count as so many
  uint64_t cycles[kMost + 1] = {};

  void add(unsigned rounds);
  // The least number of rounds that at least a share p (0..1) of the cycles did not exceed; 0
  // without cycles.
  unsigned quantile(double p) const;
};

// The counts of marking, kept per marker and added up.
struct MarkCounts {
  uint64_t objects_greyed = 0;    // marks newly set
  uint64_t noscan_greyed = 0;     // of them, without pointers
  uint64_t bytes_marked = 0;      // slot sizes of the objects greyed
  uint64_t words_scanned = 0;     // pointer words read
  uint64_t objects_resolved = 0;  // interior or ambiguous words resolved by findObject
  void merge(const MarkCounts& other);
  // What the pacer reckons with, in bytes: a granule for each object greyed and each pointer word
  // read. The bytes of objects without pointers cost nothing to mark, so they do not count.
  uint64_t work() const { return objects_greyed * 16 + words_scanned * 8; }
};

// One finished cycle.
struct CycleStats {
  uint64_t cycle = 0;
  bool forced = false;  // the program asked for it
  bool idle = false;    // nobody did, for Options::idle_cycle_ms
  unsigned rounds = 0;
  unsigned escalations = 0;
  uint64_t start_ns = 0;  // since the heap was made
  uint64_t start_handshakes_ns = 0;
  uint64_t mark_ns = 0;
  uint64_t end_handshakes_ns = 0;
  uint64_t longest_start_hold_ns = 0;  // of any one mutator, in H1 and H2
  uint64_t longest_scan_hold_ns = 0;   // in any H3
  uint64_t longest_end_hold_ns = 0;    // in H4 and H5
  uint64_t mark_cpu_ns = 0;            // CPU time of coordinator and workers (cpu_account.h)
  uint64_t assist_ns = 0;              // and of assists
  uint64_t heap_before = 0;            // live bytes when it began
  uint64_t heap_at_end = 0;            // when marking ended
  uint64_t heap_marked = 0;
  uint64_t heap_goal = 0;
  uint64_t metadata_bytes = 0;       // off the heap, at the end of marking
  uint64_t heap_pages_bytes = 0;     // pages in spans when marking ended
  uint64_t heap_resident_bytes = 0;  // and free ones that are not returned
  uint64_t barrier_hits = 0;
  uint64_t barrier_shades = 0;
  uint64_t assists = 0;
  uint64_t map_growths = 0;  // since the end of the cycle before, and the buckets that they move
  uint64_t map_growth_buckets = 0;
  MarkCounts mark;
};

struct GcStats {
  // Where the process's heaps come from: "mimalloc 2.0.9", or "system" where that cannot be loaded.
  const char* memory_source = "";
  uint64_t cycles = 0;
  uint64_t forced_cycles = 0;
  uint64_t idle_cycles = 0;
  uint64_t rounds = 0;
  uint64_t escalations = 0;
  uint64_t limited_cycles = 0;  // after which the CPU limiter was on (limiter.h)

#define GREYHOUND_COUNTER(name, what) uint64_t name = 0;
#include "gc/watch/counters.def"
  uint64_t frees = 0;      // objects found dead by finished cycles; tiny ones as they are allocated
  uint64_t heap_live = 0;  // marked last, and allocated since
  uint64_t heap_goal = 0;
  uint64_t heap_pages_bytes = 0;     // pages in spans
  uint64_t heap_resident_bytes = 0;  // pages in spans, and free ones not yet returned
  uint64_t metadata_bytes = 0;

  uint64_t assist_ns = 0;  // CPU time, as the next two: cpu_account.h
  uint64_t mark_cpu_ns = 0;
  uint64_t sweep_cpu_ns = 0;
  uint64_t sweep_ns = 0;  // by the coordinator, wall clock
  uint64_t spans_swept = 0;
  uint64_t stalled_handshakes = 0;  // watchdog reports
  uint64_t missing_workers = 0;     // marking workers that could not be started, when last tried

  // How long a mutator was held in an acknowledgement (its own, or one made for it while it waited
  // to leave `blocking`).
  LatencyHistogram holds;
  // From a handshake's request to each acknowledgement.
  LatencyHistogram time_to_safepoint;
  // How long an allocation was kept by one assist, or by one wait for the collector; wall clock.
  LatencyHistogram assist_times;
  RoundsHistogram rounds_per_cycle;

  MarkCounts mark;
  CycleStats last_cycle;
};

using greyhound::monotonic_ns;
using greyhound::thread_cpu_ns;

}  // namespace greyhound::gc
