// SPDX-License-Identifier: MIT
// The oracles themselves: gccheckmark and verifyheap say what is wrong when something is.
#include "gc/cycle/verify.h"

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class OracleDeathTest : public SteppingTest {
 protected:
  OracleDeathTest() : SteppingTest(checking()) { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  static Options checking() {
    Options options = quiet_options(Mode::kStepping);
    options.debug.gccheckmark = 1;
    options.debug.verifyheap = 1;
    return options;
  }
  void clear_mark(const void* object) {
    collector.heap.marks.clear_slots(address_of(object), address_of(object) + kGranule, kGranule,
                                     true);
  }
  void set_mark(const void* object) { collector.heap.marks.test_and_set(address_of(object)); }
};

TEST_F(OracleDeathTest, ASoundHeapPassesBoth) {
  TestRoot root(*a, make(a));
  store(a, root.as<Node>()->next, make(a));
  collect();
  collect();
}

TEST_F(OracleDeathTest, CheckmarkFindsAnUnmarkedObjectAndItsParent) {
  TestRoot root(*a, make(a));
  Node* child = make(a);
  store(a, root.as<Node>()->next, child);
  const auto lose_a_mark = [&] {
    step_to(Phase::kScanRoots);
    step();  // the root is grey
    step_to(Phase::kScanRoots);
    clear_mark(child);
    step_to(Phase::kIdle);
  };
  EXPECT_EXIT(
      lose_a_mark(), ::testing::ExitedWithCode(2),
      "checkmark at the end of marking of cycle 1: an object is reachable from a field but not "
      "marked: 0x.* is slot .*Node, allocated, not marked; the field is in 0x.* is slot");
}

TEST_F(OracleDeathTest, VerifyFindsMarksLeftBetweenCycles) {
  Node* node = make(a);
  const auto leave_a_mark = [&] {
    set_mark(node);
    verify_heap(&collector, "now");
  };
  EXPECT_EXIT(leave_a_mark(), ::testing::ExitedWithCode(2),
              "verifyheap at now: span .* has mark bits outside a cycle");
}

TEST_F(OracleDeathTest, VerifyFindsAnAllocationBitOffASlotsBase) {
  auto* object = make<std::array<uint64_t, 6>>(a);
  const auto move_a_bit = [&] {
    collector.heap.allocs.set_slots(address_of(object) + 16, address_of(object) + 32, 16, true);
    verify_heap(&collector, "now");
  };
  EXPECT_EXIT(move_a_bit(), ::testing::ExitedWithCode(2), "is not at the base of a slot");
}

TEST_F(OracleDeathTest, VerifyFindsASpanThatWasNotSwept) {
  Node* node = make(a);
  const auto age_a_span = [&] {
    --collector.heap.span_of(address_of(node))->sweepgen;
    verify_heap(&collector, "now");
  };
  EXPECT_EXIT(age_a_span(), ::testing::ExitedWithCode(2), "was not swept");
}

TEST_F(OracleDeathTest, AFatalErrorInACycleNamesThePhase) {
  Options options = quiet_options();
  options.debug.verifyheap = 1;
  const auto fail_in_a_cycle = [&] {
    Collector checked(options);
    checked.start();
    Mutator mutator(&checked, "test");
    mutator.bind();
    checked.heap.marks.test_and_set(address_of(newobject(type_of<Node>())));
    checked.collect();
  };
  EXPECT_EXIT(fail_in_a_cycle(), ::testing::ExitedWithCode(2),
              "collector phase idle, 0 cycles completed");
}

class NoMutatorDeathTest : public ::testing::Test {
 protected:
  NoMutatorDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(NoMutatorDeathTest, AllocatingWithoutAMutatorSaysWhatToDo) {
  EXPECT_EXIT(mallocgc(16, nullptr), ::testing::ExitedWithCode(2),
              "this thread has no mutator: attach it");
}

TEST_F(NoMutatorDeathTest, StoringAReferenceWithoutAMutatorSaysWhatToDo) {
  Node target, holder;
  EXPECT_EXIT(holder.next = &target, ::testing::ExitedWithCode(2),
              "this thread has no mutator: attach it");
}

TEST_F(NoMutatorDeathTest, BindingTwiceSaysWhatToDo) {
  Collector collector(quiet_options());
  ASSERT_TRUE(collector.start());
  const auto twice = [&] {
    Mutator mutator(&collector, "twice");
    mutator.bind();
    mutator.bind();
  };
  EXPECT_EXIT(twice(), ::testing::ExitedWithCode(2),
              "'twice' is already bound to a thread; attach each thread once");
}

}  // namespace
}  // namespace greyhound::gc
