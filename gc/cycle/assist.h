// SPDX-License-Identifier: MIT
// What an allocating mutator does for the cycle: it pays what it owes by marking, and where the
// heap is beyond its bound it leaves the processors to those who can bring it back.
//
// Thread rules: gcAssistAlloc, hold_back by a running mutator, which is `mutator`; the rest from
// any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "gc/watch/stats.h"

namespace greyhound::gc {

class CollectorState;
class CpuLimiter;
class Mutator;

class Assist {
 public:
  // `cycle_wanted`: that one was asked for and has not begun.
  Assist(CollectorState* gc, const CpuLimiter* limiter, const std::atomic<bool>* cycle_wanted)
      : gc_(gc), limiter_(limiter), cycle_wanted_(cycle_wanted) {}
  Assist(const Assist&) = delete;
  Assist& operator=(const Assist&) = delete;

  // Pays the debt of a mutator that is about to allocate `bytes` by taking background credit or
  // marking (rule 7). A safepoint, but not while it marks.
  void gcAssistAlloc(Mutator* mutator, uint64_t bytes);
  // Where the heap is beyond its bound and only the coordinator can go on (there is nothing yet, or
  // no more, that an assist could mark, or roots are being scanned), leaves the processors to it,
  // blocked, until it is the mutators' turn again or Pacer::patience_ns is over. Without this
  // mutators that allocate at full speed overshoot goal and limit without bound where there are
  // more of them than processors. A safepoint.
  void hold_back(Mutator* mutator, uint64_t bytes);

  // It is the mutators' turn: marking begins, a cycle is swept or over. By whoever advances it.
  void let_mutators_go();
  // What assists have marked since the last call.
  MarkCounts take_counts();
  // In a forked child: of those that waited none is here.
  void forget_waiters() { held_back_.store(0, std::memory_order_relaxed); }

 private:
  friend class CollectorFork;
  friend struct AssistTesting;

  // Changes with each let_mutators_go.
  uint32_t turn() const {
    // acquire: partner of let_mutators_go; the phase that made it the mutators' turn is seen then.
    return turn_.load(std::memory_order_acquire);
  }
  // Blocked until turn() is no longer `turn`, or for `patience_ns`.
  void wait_for_turn(Mutator* mutator, uint32_t turn, uint64_t patience_ns);
  bool waits_for_coordinator() const;
  bool assists_allowed() const;
  uint64_t patience_ns(uint64_t bytes) const;
  void merge_counts(Mutator* mutator);

  CollectorState* const gc_;
  const CpuLimiter* const limiter_;
  const std::atomic<bool>* const cycle_wanted_;
  std::atomic<uint32_t> turn_{0};
  std::atomic<uint32_t> held_back_{0};  // mutators in wait_for_turn
  std::mutex counts_mutex_;
  MarkCounts counts_;  // protected by counts_mutex_
};

}  // namespace greyhound::gc
