// SPDX-License-Identifier: MIT
// The collector's internals, opened for tests: what a mutator and the collector hold privately,
// beside what gc/check/stepping.h opens for everybody who steps a collector. Nothing but tests
// includes this file.
//
// Stepping mode is meant (Mode::kStepping): the mutators are never bound to a thread, the test's
// thread acts as one after the other (ActAs), and the collector advances when the test calls
// step().
#pragma once

#include "gc/check/stepping.h"
#include "gc/cycle/collector.h"
#include "gc/heap/heap.h"
#include "gc/mutator/mutator.h"
#include "runtime/base/check.h"

namespace greyhound::gc {

struct MutatorTesting {
  static void hold_back(Mutator& mutator, bool held) { Stepping::hold_back(mutator, held); }
  static size_t shades(const Mutator& mutator) { return Stepping::shades(mutator); }
  static bool has_pending(const Mutator& mutator) { return Stepping::has_pending(mutator); }
  static size_t root_word_capacity(const Mutator& mutator) {
    return mutator.roots_.words().capacity();
  }
  static void donate_shades(Mutator& mutator) { mutator.shades().donate(); }
};

struct CollectorTesting {
  static const CycleStats& cycle(const Collector& collector) { return collector.cycle.stats_; }
  static unsigned rounds(const Collector& collector) { return collector.cycle.stats_.rounds; }
  static bool round_wanted(const Collector& collector) { return collector.round.another_wanted(); }
  static bool wanted(const Collector& collector) {
    return collector.coordinator.wanted()->load(std::memory_order_seq_cst);
  }
  // As after cycles that took all the processors: no cycle begins before `until_ns`.
  static void limit(Collector& collector, uint64_t until_ns) {
    collector.limiter.rest_until_ns_.store(until_ns, std::memory_order_relaxed);
  }
  static size_t root_word_capacity(const Collector& collector) {
    return collector.cycle.roots_.capacity();
  }
  static Marker& marker(Collector& collector) { return collector.team.marker(); }
};

struct AssistTesting {
  static uint32_t turn(const Collector& collector) { return collector.assist.turn(); }
  static void wait_for_turn(Collector& collector, Mutator* mutator, uint32_t turn, uint64_t ns) {
    collector.assist.wait_for_turn(mutator, turn, ns);
  }
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
