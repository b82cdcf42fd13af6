// SPDX-License-Identifier: MIT
// Words past an object's end in registers and on a thread's own stack.
#include "tests/gc/root_resolver.h"

namespace greyhound::gc {
namespace {

class StackWords : public RootResolverTest {
 protected:
  StackWords() : RootResolverTest(conservative()) {}
  static Options conservative() {
    Options options = quiet_options(Mode::kStepping);
    options.stack_roots = StackRoots::kConservative;
    return options;
  }
};

GREYHOUND_NOINLINE uintptr_t hidden_end(size_t bytes) {
  return ~(address_of(mallocgc(bytes, nullptr)) + bytes);
}

TEST_F(StackWords, ARegisterThatPointsPastTheEndKeepsTheObject) {
  Mutator c(&collector, "c");
  c.bind();
  const uintptr_t hidden = hidden_end(1024);
  clear_the_stack_below();
  Collector* volatile target = &collector;
  uintptr_t end = ~hidden;
  asm volatile("" : "+b"(end));
  target->collect();
  asm volatile("" : "+b"(end));
  EXPECT_TRUE(lives(~hidden - 1024));
  c.unbind();
}

TEST_F(StackWords, AStackWordThatPointsPastTheEndKeepsTheObject) {
  Mutator c(&collector, "c");
  c.bind();
  const uintptr_t hidden = hidden_end(1024);
  clear_the_stack_below();
  volatile uintptr_t end = ~hidden;
  collector.collect();
  EXPECT_TRUE(lives(~hidden - 1024));
  EXPECT_EQ(end, ~hidden);
  c.unbind();
}

// The same for a thread that unbinds.
TEST_F(StackWords, WhatAThreadThatUnbindsPointsPastIsKeptForWhoeverGotIt) {
  constexpr size_t kBytes = 8 * kPageSize;
  TestRoot received(*a);
  uintptr_t hidden = 0;
  {
    Mutator c(&collector, "c");
    c.bind();
    hidden = hidden_end(kBytes);
    clear_the_stack_below();
    volatile uintptr_t end = ~hidden;
    ASSERT_TRUE(step_to(Phase::kDrain));
    hold_back(&c);
    ASSERT_TRUE(step_to(Phase::kScanRoots));  // a has answered
    received = reinterpret_cast<void*>(~hidden - kBytes);
    let_go(&c);
    c.unbind();
    EXPECT_EQ(end, ~hidden);
  }
  finish();
  EXPECT_TRUE(lives(~hidden - kBytes));
}

}  // namespace
}  // namespace greyhound::gc
