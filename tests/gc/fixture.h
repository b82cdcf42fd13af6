// SPDX-License-Identifier: MIT
// What the collector's tests stand on. Two fixtures:
//
//   SteppingTest  a collector that advances only when the test says so, with precise roots and two
//                 mutators that the test's one thread plays by turns: for the order of events
//   HeapTest      a collector with its threads and the test's thread attached: for what allocation
//                 and collection do; takes GREYHOUND_DEBUG, so that the gcmodes stage can stress it
//
// Random tests take their seed from GREYHOUND_TEST_SEED, and print it when they fail.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gc/alloc/malloc.h"
#include "gc/alloc/weak_cells.h"
#include "gc/check/testing.h"
#include "gc/cycle/verify.h"
#include "gc/heap/sweep.h"
#include "gc/mutator/ref.h"
#include "gc/weak/weak_cell.h"
#include "runtime/base/type_of.h"
#include "tests/common.h"

namespace greyhound::gc {

#define GREYHOUND_SEEDED(random)                                        \
  const uint64_t random##_seed = test_seed();                           \
  SCOPED_TRACE("GREYHOUND_TEST_SEED=" + std::to_string(random##_seed)); \
  std::mt19937_64 random(random##_seed)

// Nothing collects but what the test asks for, and nothing comes from the environment.
inline Options quiet_options(Mode mode = Mode::kConcurrent) {
  Options options;
  options.mode = mode;
  options.stack_roots = StackRoots::kPrecise;
  options.gc_percent = kGcOff;
  options.reserve = uint64_t{256} << 20;
  options.use_environment = false;
  options.idle_cycle_ms = 0;
  return options;
}

struct Node {
  Ref<Node> next;
  Ref<Node> other;
  uint64_t value = 0;
};

class SteppingTest : public ::testing::Test {
 protected:
  explicit SteppingTest(Options options = quiet_options(Mode::kStepping)) : collector(options) {
    EXPECT_TRUE(collector.start());
    // Spans of its own from the first object on: otherwise the first 32 KiB share spans.
    promote<Node>();
    a = attach("a");
    b = attach("b");
  }

  void TearDown() override {
    finish();
    for (const auto& mutator : mutators_) {
      if (mutator != nullptr) MutatorTesting::hold_back(*mutator, false);
    }
    if (!HasFatalFailure()) verify_heap(&collector, "the end of a test");
  }

  Mutator* attach(const char* name) {
    mutators_.push_back(std::make_unique<Mutator>(&collector, name));
    return mutators_.back().get();
  }
  void detach(Mutator* mutator) {
    for (auto& owned : mutators_) {
      if (owned.get() == mutator) owned.reset();
    }
  }
  template <class T>
  void promote() {
    collector.heap.layouts().try_promote(
        collector.heap.layouts().intern(type_of<T>(), size_to_class(sizeof(T))));
  }

  // --- what a mutator does
  template <class T = Node>
  T* make(Mutator* mutator) {
    ActAs act(*mutator);
    return static_cast<T*>(newobject(type_of<T>()));
  }
  // Allocates though a handshake is pending: the request came after the safepoint was passed.
  template <class T = Node>
  T* make_past_safepoint(Mutator* mutator) {
    ActAs act(*mutator);
    PastSafepoint past(*mutator);
    return static_cast<T*>(newobject(type_of<T>()));
  }
  template <class T>
  void store(Mutator* mutator, Ref<T>& slot, T* target) {
    ActAs act(*mutator);
    slot = target;
  }
  void answer(Mutator* mutator) {
    ActAs act(*mutator);
    mutator->safepoint("test");
  }
  void hold_back(Mutator* mutator) { MutatorTesting::hold_back(*mutator, true); }
  void let_go(Mutator* mutator) { MutatorTesting::hold_back(*mutator, false); }

  // --- what the collector does
  Progress step() { return collector.step(1); }
  // Steps until the phase is `phase`, from a cycle asked for when none runs. False when it waits
  // for a mutator that is held back.
  bool step_to(Phase phase) {
    if (collector.phase() == Phase::kIdle && phase != Phase::kIdle) collector.request_cycle();
    while (collector.phase() != phase) {
      if (step() != Progress::kAdvanced) return false;
    }
    return true;
  }
  // Everybody answers, to the end of the cycle that runs, if any.
  void finish() {
    for (const auto& mutator : mutators_) {
      if (mutator != nullptr) let_go(mutator.get());
    }
    EXPECT_TRUE(step_to(Phase::kIdle));
  }
  void collect() {
    finish();
    EXPECT_TRUE(step_to(Phase::kBarrierOn));
    finish();
  }

  bool marked(const void* object) { return is_marked(collector, object); }
  bool alive(const void* object) { return is_allocated(collector, object); }
  unsigned rounds() { return CollectorTesting::rounds(collector); }

  Collector collector;
  Mutator* a = nullptr;
  Mutator* b = nullptr;

 private:
  std::vector<std::unique_ptr<Mutator>> mutators_;
};

// Calls that are over have left nothing on the stack below the caller's frame, when it returns.
GREYHOUND_NOINLINE inline uintptr_t clear_the_stack_below() {
  volatile uintptr_t words[1024];
  for (auto& word : words) word = 0;
  return words[17];
}

class HeapTest : public ::testing::Test {
 protected:
  explicit HeapTest(Options options = usual_options()) : collector(options) {
    EXPECT_TRUE(collector.start());
    mutator = std::make_unique<Mutator>(&collector, "test");
    mutator->bind();
  }
  ~HeapTest() override { mutator.reset(); }

  template <class T>
  T* make() {
    return static_cast<T*>(newobject(type_of<T>()));
  }

  Collector collector;
  std::unique_ptr<Mutator> mutator;
};

}  // namespace greyhound::gc
