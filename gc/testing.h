// SPDX-License-Identifier: MIT
// The collector's internals, opened for tests: what a mutator and the collector hold privately, a
// way to run one thread as any of several mutators, and a way to keep a mutator from being answered
// for, so that a test decides who acknowledges a handshake when. Nothing in the library includes
// this file.
//
// Stepping mode is meant (Mode::kStepping): the mutators are never bound to a thread, the test's
// thread acts as one after the other (ActAs), and the collector advances when the test calls
// step().
#pragma once

#include "gc/collector.h"
#include "gc/heap.h"
#include "gc/mutator.h"
#include "runtime/base/check.h"

namespace greyhound::gc {

struct MutatorTesting {
  // While held back, a blocked mutator is not answered for: it acknowledges at a safepoint of its
  // own. To be undone before the mutator is destroyed, which waits to be claimed.
  static void hold_back(Mutator& mutator, bool held) { mutator.hold_answers_ = held; }
  static size_t shades(const Mutator& mutator) {
    return mutator.shades_ == nullptr ? 0 : mutator.shades_->count;
  }
  static bool has_pending(const Mutator& mutator) {
    return mutator.request.load(std::memory_order_seq_cst) != Handshake::kNone;
  }
  static size_t stack_count(const Mutator& mutator) { return mutator.stacks_.size(); }
  static AllocRun* own_run(Mutator& mutator, uint32_t layout_id) {
    return layout_id < mutator.by_layout_.size() ? mutator.by_layout_[layout_id] : nullptr;
  }
  static void donate_shades(Mutator& mutator) { mutator.donate_shades(); }

 private:
  friend class ActAs;
  static std::atomic<MutatorState>& state(Mutator& mutator) { return mutator.state_; }
};

struct CollectorTesting {
  static const CycleStats& cycle(const Collector& collector) { return collector.cycle_; }
  static unsigned rounds(const Collector& collector) { return collector.cycle_.rounds; }
  static bool round_wanted(const Collector& collector) {
    return collector.round_.load(std::memory_order_seq_cst) == Collector::Round::kAnotherWanted;
  }
  static bool wanted(const Collector& collector) {
    return collector.wanted_.load(std::memory_order_seq_cst);
  }
  // As after cycles that took all the processors: no cycle begins before `until_ns`.
  static void limit(Collector& collector, uint64_t until_ns) {
    collector.limiter.rest_until_ns_.store(until_ns, std::memory_order_relaxed);
  }
  static Marker& marker(Collector& collector) { return *collector.marker_; }
};

// The calling thread acts as `mutator`, running, until the end of the scope. Neither end is a
// safepoint, so what happens between can be put exactly between a request and its acknowledgement.
// REQUIRES: the mutator is blocked and not bound; stepping mode; one thread.
class ActAs {
 public:
  explicit ActAs(Mutator& mutator) : mutator_(mutator), outer_(tls_mutator) {
    CHECK(!mutator.bound() && mutator.state() == MutatorState::kBlocked);
    MutatorTesting::state(mutator).store(MutatorState::kRunning, std::memory_order_seq_cst);
    tls_mutator = &mutator;
  }
  ~ActAs() {
    tls_mutator = outer_;
    MutatorTesting::state(mutator_).store(MutatorState::kBlocked, std::memory_order_seq_cst);
  }
  ActAs(const ActAs&) = delete;
  ActAs& operator=(const ActAs&) = delete;

 private:
  Mutator& mutator_;
  MutatorHot* outer_;
};

// A handshake raised after a mutator looked for one at its safepoint, and before it gets any
// further: the request is hidden until the end of the scope, and then still to be acknowledged.
class PastSafepoint {
 public:
  explicit PastSafepoint(Mutator& mutator) : mutator_(mutator) {
    hidden_ = mutator.request.exchange(Handshake::kNone, std::memory_order_seq_cst);
  }
  ~PastSafepoint() { mutator_.request.store(hidden_, std::memory_order_seq_cst); }
  PastSafepoint(const PastSafepoint&) = delete;
  PastSafepoint& operator=(const PastSafepoint&) = delete;

 private:
  Mutator& mutator_;
  Handshake hidden_;
};

// A precise root of `mutator`: what runtime/handle.h is to embedders.
class TestRoot {
 public:
  explicit TestRoot(Mutator& mutator, const void* target = nullptr) {
    *this = target;
    mutator.add_handle(&slot_);
  }
  ~TestRoot() { Mutator::remove_handle(&slot_); }
  TestRoot(const TestRoot&) = delete;
  TestRoot& operator=(const TestRoot&) = delete;
  TestRoot& operator=(const void* target) {
    slot_.value = reinterpret_cast<uintptr_t>(target);
    return *this;
  }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(slot_.value);
  }

 private:
  HandleSlot slot_;
};

inline uintptr_t address_of(const void* object) { return reinterpret_cast<uintptr_t>(object); }
inline bool is_marked(Collector& collector, const void* object) {
  return collector.heap.marks.test(address_of(object));
}
// Handed out, or waiting in a cached run to be.
inline bool is_allocated(Collector& collector, const void* object) {
  return collector.heap.allocs.test(address_of(object));
}

}  // namespace greyhound::gc
