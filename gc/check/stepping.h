// SPDX-License-Identifier: MIT
// Stepping mode opened for those who show a collector at work, object by object (tools/stage), and
// for tests (gc/check/testing.h): one thread that acts as any of several mutators, decides who
// answers a handshake when, sees what is grey, takes a mutator's barrier away, and asks the oracle
// what marking has missed. The four layers do not include this file outside their tests.
//
// Thread rules: Mode::kStepping; one thread at a time, which also is the one that calls step();
// mutators that are not bound to a thread.
#pragma once

#include <utility>
#include <vector>

#include "gc/cycle/collector.h"
#include "gc/heap/heap.h"
#include "gc/mutator/mutator.h"
#include "runtime/base/check.h"

namespace greyhound::gc {

struct Stepping {
  // While held back, a mutator is not answered for: it acknowledges at a safepoint of its own. To
  // be undone before the mutator is destroyed, which waits to be claimed, and before a step that
  // may end round kMaxRounds, which waits until all are parked.
  static void hold_back(Mutator& mutator, bool held) { mutator.hold_answers_ = held; }
  static bool has_pending(const Mutator& mutator) {
    return mutator.request.load(std::memory_order_seq_cst) != Handshake::kNone;
  }
  static Handshake pending(const Mutator& mutator) {
    return mutator.request.load(std::memory_order_seq_cst);
  }
  // A mutator whose barrier is broken never raises its flag, so its stores shade nothing and a
  // cycle can lose what is alive. Mended, it has its barrier again from the next H1 on.
  static void break_barrier(Mutator& mutator, bool broken) {
    mutator.barrier_broken_ = broken;
    if (broken) mutator.set_shading(false);
  }
  static bool barrier_broken(const Mutator& mutator) { return mutator.barrier_broken_; }
  // Root-scan rounds of the cycle under way, or of the last one.
  static unsigned rounds(const Collector& collector) { return collector.cycle.stats_.rounds; }

  // A cycle was asked for and has not begun.
  static bool wanted(const Collector& collector) {
    return collector.coordinator.wanted_.load(std::memory_order_seq_cst);
  }

  // visit(MarkEntry) for all work that is queued: in the pool, and shaded by a mutator that has not
  // donated it yet. Between steps the markers hold none.
  template <class Visit>
  static void for_each_entry(Collector& collector, Visit visit) {
    for (const WorkBuffer* buffer = collector.pool.full_; buffer != nullptr; buffer = buffer->next)
      visit_entries(buffer, visit);
    collector.world.for_each([&](Mutator* mutator) {
      if (const WorkBuffer* buffer = mutator->shades().buffer(); buffer != nullptr)
        visit_entries(buffer, visit);
    });
  }
  // How many objects `mutator` has shaded and not donated yet.
  static size_t shades(const Mutator& mutator) { return mutator.shades().count(); }
  // visit(from, to) for the slots that `mutator` holds for allocations to come: their allocation
  // bits are set, but nobody has them yet.
  template <class Visit>
  static void for_each_free_run(Mutator& mutator, Visit visit) {
    const auto visit_run = [&](const AllocRun& run) {
      if (run.cur < run.end) visit(run.cur, run.end);
    };
    mutator.allocation().for_each_run(visit_run);
  }

  // What is reachable and unmarked: gccheckmark without the fatal error. Tells something once
  // marking has ended, until H5 begins (Phase::kBarrierOff).
  static std::vector<UnmarkedObject> checkmark(Collector& collector) {
    return collector.cycle.find_unmarked(SIZE_MAX);
  }

 private:
  friend class ActAs;
  static std::atomic<MutatorState>& state(Mutator& mutator) { return mutator.state_; }
  template <class Visit>
  static void visit_entries(const WorkBuffer* buffer, Visit& visit) {
    for (size_t i = 0; i < buffer->count; ++i) visit(buffer->entries[i]);
  }
};

// The calling thread acts as `mutator`, running, until the end of the scope. Neither end is a
// safepoint, so what happens between can be put exactly between a request and its acknowledgement.
// REQUIRES: the mutator is blocked and not bound; stepping mode; one thread.
class ActAs {
 public:
  explicit ActAs(Mutator& mutator)
      : mutator_(mutator), outer_(tls_mutator), outer_attached_(tls_attached) {
    GREYHOUND_CHECK(!mutator.bound() && mutator.state() == MutatorState::kBlocked);
    Stepping::state(mutator).store(MutatorState::kRunning, std::memory_order_seq_cst);
    tls_mutator = tls_attached = &mutator;
  }
  ~ActAs() {
    tls_mutator = outer_;
    tls_attached = outer_attached_;
    Stepping::state(mutator_).store(MutatorState::kBlocked, std::memory_order_seq_cst);
  }
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;

 private:
  Mutator& mutator_;
  MutatorHot* outer_;
  Mutator* outer_attached_;
};

}  // namespace greyhound::gc
