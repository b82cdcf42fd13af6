// SPDX-License-Identifier: MIT
// What a collector and its mutators share: the heap and the grey work, the mutators themselves and
// the roots that are nobody's, the word on which rounds are judged, and what is counted and noted.
// Mutators see this much of a collector and no more; gc/cycle/collector.h drives it.
//
// Thread rules: every member by its own; phase and cycle counts from any thread, where what is read
// may be a moment old.
#pragma once

#include <atomic>
#include <cstdint>

#include "gc/heap/heap.h"
#include "gc/mark/round.h"
#include "gc/mark/work_pool.h"
#include "gc/mutator/parked_stacks.h"
#include "gc/mutator/persistent.h"
#include "gc/mutator/process_guard.h"
#include "gc/mutator/world.h"
#include "gc/options.h"
#include "gc/pace/cpu_account.h"
#include "gc/pace/pacer.h"
#include "gc/watch/counters.h"
#include "gc/watch/mprof.h"
#include "gc/watch/phase_log.h"
#include "gc/watch/thread_list.h"
#include "gc/watch/trace_events.h"
#include "gc/watch/wait_profile.h"

namespace greyhound::gc {

class Collector;

class CollectorState {
 public:
  CollectorState(Collector* driver, const Options& options);
  CollectorState(const CollectorState&) = delete;
  CollectorState& operator=(const CollectorState&) = delete;

  const Options& options() const { return options_; }
  Phase phase() const { return phase_.load(std::memory_order_relaxed); }
  uint64_t started_cycles() const { return started_.load(std::memory_order_relaxed); }
  uint64_t completed_cycles() const { return completed_.load(std::memory_order_acquire); }
  // Assists are due: marking runs.
  bool marking() const { return phase() == Phase::kDrain; }
  bool allows_nested_mutators() const { return options_.mode == Mode::kStepping; }
  // Another seed at each call.
  uint64_t next_seed();

  // --- by whoever advances the cycle
  void set_phase(Phase phase) {
    phase_.store(phase, std::memory_order_relaxed);
    phases.note(phase, started_.load(std::memory_order_relaxed));
  }
  // Returns the number of the cycle that begins.
  uint64_t count_started() { return started_.fetch_add(1, std::memory_order_acq_rel) + 1; }
  void count_completed() { completed_.fetch_add(1, std::memory_order_acq_rel); }

  // Who drives it, for the rooms above this one.
  Collector* const driver;
  mheap heap;
  WorkPool pool{&heap.metadata_pages};
  Round round;
  Pacer pacer;
  CpuAccount cpu;
  World world{&heap, &options_};
  PersistentRoots persistents;
  ParkedStacks parked_stacks;
  ProcessGuard process;
  ThreadList threads;
  WaitProfile waits;
  MemProfile mem_profile;
  PhaseLog phases;
  TraceRecorder tracer;
  Counters counters;

 protected:
  ~CollectorState() = default;

 private:
  Options options_;
  std::atomic<Phase> phase_{Phase::kIdle};
  std::atomic<uint64_t> started_{0};    // cycles begun
  std::atomic<uint64_t> completed_{0};  // cycles swept to the end
  std::atomic<uint64_t> seed_;
};

}  // namespace greyhound::gc
