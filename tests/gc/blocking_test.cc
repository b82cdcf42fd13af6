// SPDX-License-Identifier: MIT
// Rule 8 with real threads: a blocked thread is answered for, leaving waits for the claim, regions
// nest, and a thread that does not answer is named by the watchdog.
#include <future>
#include <thread>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class BlockingTest : public SteppingTest {};

TEST_F(BlockingTest, BlockedMutatorIsAnsweredFor) {
  Node* object = make(b);
  TestRoot root(*b, object);
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  EXPECT_FALSE(MutatorTesting::has_pending(*b));
  EXPECT_EQ(b->state(), MutatorState::kBlocked) << "the claim was given up";
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  finish();
  EXPECT_TRUE(alive(object)) << "its roots were scanned for it";
}

TEST_F(BlockingTest, AnAnswerForABlockedMutatorIsAWholeOne) {
  TestRoot root(*b, make(b));
  ASSERT_TRUE(step_to(Phase::kAllocBlack));
  Node* next = make(b);
  EXPECT_TRUE(marked(next)) << "its runs were blackened";
  store(b, root.as<Node>()->next, next);
  finish();
  EXPECT_EQ(b->allocation().sweepgen(), collector.heap.sweepgen.load());
  EXPECT_FALSE(b->shading());
}

// From here on: threads.
class BlockingThreads : public HeapTest {
 protected:
  BlockingThreads() : HeapTest(concurrent()) {}
  static Options concurrent() {
    Options options = usual_options();
    options.mode = Mode::kConcurrent;
    return options;
  }
  void wait(std::promise<void>* promise) {
    BlockingScope scope(mutator.get(), "wait");
    promise->get_future().wait();
  }
  void join(std::thread* thread) {
    BlockingScope scope(mutator.get(), "join");
    thread->join();
  }
};

// In a cycle's time somebody else sleeps: the cycle ends all the same.
TEST_F(BlockingThreads, ACycleDoesNotWaitForABlockedThread) {
  std::promise<void> blocked, release;
  std::thread sleeper([&] {
    Mutator other(&collector, "sleeper");
    other.bind();
    {
      BlockingScope scope(&other, "sleeping");
      blocked.set_value();
      release.get_future().wait();
    }
    newobject(type_of<Node>());
  });
  wait(&blocked);
  collector.collect();
  collector.collect();
  release.set_value();
  join(&sleeper);
}

TEST_F(BlockingThreads, WhatABlockedThreadHoldsIsKept) {
  std::promise<void> blocked, release;
  bool intact = false;
  std::thread sleeper([&] {
    Mutator other(&collector, "sleeper");
    other.bind();
    Node* volatile object = static_cast<Node*>(newobject(type_of<Node>()));
    object->value = 4711;
    {
      BlockingScope scope(&other, "sleeping");
      blocked.set_value();
      release.get_future().wait();
    }
    intact = object->value == 4711;
  });
  wait(&blocked);
  for (int i = 0; i < 3; ++i) collector.collect();
  for (int i = 0; i < 100'000; ++i) make<Node>()->value = 1;
  release.set_value();
  join(&sleeper);
  EXPECT_TRUE(intact);
}

TEST_F(BlockingThreads, LeavingBlockingWaitsForClaim) {
  std::promise<void> blocked, leave;
  std::atomic<bool> left{false};
  Mutator* other = nullptr;
  std::thread sleeper([&] {
    Mutator own(&collector, "sleeper");
    own.bind();
    other = &own;
    enter_blocking(&own, "sleeping");
    blocked.set_value();
    leave.get_future().wait();
    leave_blocking(&own);
    left = true;
  });
  wait(&blocked);
  while (!other->try_claim())
    std::this_thread::yield();  // as the collector does before it answers for it
  leave.set_value();
  while (other->state() != MutatorState::kClaimedAwaited) std::this_thread::yield();
  EXPECT_FALSE(left);
  other->release_claim();
  join(&sleeper);
  EXPECT_TRUE(left);
}

TEST_F(BlockingThreads, RegionsNest) {
  BlockingScope outer(mutator.get(), "outer");
  {
    BlockingScope inner(mutator.get(), "inner");
    EXPECT_NE(mutator->state(), MutatorState::kRunning);
  }
  EXPECT_NE(mutator->state(), MutatorState::kRunning) << "still in the outer one";
}

TEST_F(BlockingThreads, ThreadsThatComeAndGoDoNotHoldTheCollectorUp) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!stop.load(std::memory_order_relaxed)) {
        Mutator own(&collector, "passer-by");
        own.bind();
        Node* volatile kept = static_cast<Node*>(newobject(type_of<Node>()));
        kept->value = 9;
        for (int i = 0; i < 200; ++i) newobject(type_of<Node>());
        { BlockingScope scope(&own, "pause"); }
        ASSERT_EQ(kept->value, 9u);
      }
    });
  }
  for (int i = 0; i < 20; ++i) collector.collect();
  stop = true;
  for (std::thread& thread : threads) join(&thread);
}

// Handshakes follow each other closely while threads enter and leave blocking: an answer that a
// thread gives for itself on the way in must not be the last look at its requests.
TEST_F(BlockingThreads, NoRequestIsLostBetweenEnteringAndTheNextHandshake) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      Mutator own(&collector, "flicker");
      own.bind();
      while (!stop.load(std::memory_order_relaxed)) {
        BlockingScope scope(&own, "flicker");
      }
    });
  }
  for (int i = 0; i < 200; ++i) collector.collect();
  stop = true;
  for (std::thread& thread : threads) join(&thread);
}

class WatchdogTest : public HeapTest {
 protected:
  WatchdogTest() : HeapTest(plain()) {}
  static Options plain() {
    Options options = quiet_options();
    options.stack_roots = StackRoots::kConservative;
    return options;
  }
};

TEST_F(WatchdogTest, AThreadThatDoesNotAnswerIsNamedWithItsLastSafepoint) {
  ::testing::internal::CaptureStderr();
  const uint64_t before = collector.stats().stalled_handshakes;
  std::atomic<bool> stop{false};
  std::promise<void> ready;
  std::thread stubborn([&] {
    Mutator own(&collector, "stubborn");
    own.bind();
    { BlockingScope scope(&own, "the last place it was seen"); }
    ready.set_value();
    // A loop without a safepoint, until the collector has complained.
    while (!stop.load(std::memory_order_relaxed)) std::this_thread::yield();
  });
  ready.get_future().wait();
  collector.request_cycle();
  {
    BlockingScope scope(mutator.get(), "waiting for the watchdog");
    while (collector.world.stalled() == before) std::this_thread::yield();
    stop = true;
    stubborn.join();
  }
  collector.collect();
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("'stubborn'"), std::string::npos) << said;
  EXPECT_NE(said.find("the last place it was seen"), std::string::npos) << said;
  EXPECT_NE(said.find("barrier-on (H1)"), std::string::npos) << said;
  EXPECT_EQ(said.find("'test'"), std::string::npos)
      << "the blocked thread is not to blame: " << said;
  EXPECT_GE(collector.stats().stalled_handshakes, before + 1);
}

class UnbindTest : public SteppingTest {
 protected:
  UnbindTest() : SteppingTest(conservative()) {}
  static Options conservative() {
    Options options = quiet_options(Mode::kStepping);
    options.stack_roots = StackRoots::kConservative;
    return options;
  }
  // The other thread answers when it comes to it.
  void step_until(Phase phase) {
    while (collector.phase() != phase) {
      if (step() != Progress::kAdvanced) std::this_thread::yield();
    }
  }
};

// As for a detach: with no barrier in between it may have gone to one that has answered already.
TEST_F(UnbindTest, WhatTheThreadHeldIsKeptForWhoeverGotIt) {
  std::atomic<bool> answers{true};
  std::promise<Node*> made;
  std::promise<void> silent, leave, left;
  std::thread thread([&] {
    Mutator c(&collector, "c");
    c.bind();
    Node* volatile object = static_cast<Node*>(newobject(type_of<Node>()));
    made.set_value(static_cast<Node*>(object));
    while (answers) {
      c.safepoint("test");
      std::this_thread::yield();
    }
    silent.set_value();
    leave.get_future().wait();
    c.unbind();
    left.set_value();
  });
  Node* object = made.get_future().get();
  TestRoot received(*a);
  collector.request_cycle();
  step_until(Phase::kDrain);
  answers = false;
  silent.get_future().wait();
  step_until(Phase::kScanRoots);  // a has answered
  received = object;
  leave.set_value();
  left.get_future().wait();
  finish();
  EXPECT_TRUE(alive(object));
  thread.join();
}

// Two threads that attach crosswise would otherwise wait for each other's runtime for ever.
TEST(AttachTo, AHeldRuntimeDoesNotHoldTheThreadsOwn) {
  Collector own(quiet_options());
  Collector held(quiet_options());
  ASSERT_TRUE(own.start());
  ASSERT_TRUE(held.start());
  held.world.park_all();
  std::promise<void> running;
  std::thread thread([&] {
    Mutator here(&own, "here");
    here.bind();
    running.set_value();
    Mutator there(&held, "there");
    there.bind();
    there.unbind();
  });
  running.get_future().wait();
  own.world.park_all();  // has to wait for `here`
  own.world.release_all();
  EXPECT_EQ(held.world.count(), 0u);
  held.world.release_all();
  thread.join();
}

}  // namespace
}  // namespace greyhound::gc
