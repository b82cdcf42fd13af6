// SPDX-License-Identifier: MIT
// The collector of one runtime, put together: what it shares with its mutators (CollectorState),
// who asks for cycles and drives them (coordinator.h), the cycle (cycle.h), the threads that mark
// beside the driver (mark_team.h), what allocating mutators do for it (assist.h), weak cells and
// finalizers (gc/weak/reference_processor.h), and what happens when the process forks
// (collector_fork.h).
//
// Thread rules: any thread, unless the part says otherwise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/cycle/assist.h"
#include "gc/cycle/collector_fork.h"
#include "gc/cycle/coordinator.h"
#include "gc/cycle/cycle.h"
#include "gc/cycle/mark_team.h"
#include "gc/cycle/statistics.h"
#include "gc/mutator/collector_state.h"
#include "gc/options.h"
#include "gc/pace/limiter.h"
#include "gc/weak/reference_processor.h"

namespace greyhound::gc {

class Collector : public CollectorState {
 public:
  explicit Collector(const Options& options);
  // Fatal when mutators are still attached.
  ~Collector();

  // Reserves the heap and starts the coordinator; false when something for it cannot be had.
  bool start() { return (outcome_ = try_start()) == Start::kStarted; }
  Start outcome() const { return outcome_; }

  // As the coordinator's.
  void collect() { coordinator.collect(); }
  void request_cycle() { coordinator.request_cycle(); }
  Progress step(size_t objects) { return coordinator.step(objects); }

  // Adds the caller's own counts, if it is attached and runs; others' are as of their last refill.
  GcStats stats();
  bool start_trace(const TraceOptions& options) {
    return tracer.start(options, team.threads() - 1);
  }
  uint64_t made_at_ns() const { return made_at_ns_; }

  CpuLimiter limiter;
  ReferenceProcessor references{this};
  CollectorFork fork{this};
  MarkTeam team;
  Coordinator coordinator{this};
  Assist assist{this, &limiter, coordinator.wanted()};
  Cycle cycle{this};
  Statistics statistics;

 private:
  Start try_start();

  Start outcome_ = Start::kStarted;  // of start()
  const uint64_t made_at_ns_;
};

}  // namespace greyhound::gc
