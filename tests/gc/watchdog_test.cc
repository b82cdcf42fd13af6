// SPDX-License-Identifier: MIT
// Whom the watchdog blames, from what it saw; and what the kernel says of threads that are known to
// run, to sleep or to be gone.
#include "gc/watch/watchdog.h"

#include <poll.h>
#include <unistd.h>

#include <future>
#include <mutex>
#include <thread>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

constexpr uint64_t kMs = 1'000'000;

TEST(JudgeStall, AThreadThatRanIsMissingASafepoint) {
  EXPECT_EQ(judge_stall({10 * kMs, 'R'}, {110 * kMs, 'R'}, Inside::kProgram), Stall::kRunning);
  EXPECT_EQ(judge_stall({10 * kMs, 'R'}, {60 * kMs, 'S'}, Inside::kProgram), Stall::kRunning);
}

TEST(JudgeStall, AThreadThatGotNoProcessorIsNotToBlame) {
  EXPECT_EQ(judge_stall({10 * kMs, 'R'}, {10 * kMs, 'R'}, Inside::kProgram), Stall::kStarved);
  EXPECT_EQ(judge_stall({10 * kMs, 'R'}, {40 * kMs, 'R'}, Inside::kProgram), Stall::kStarved);
  EXPECT_EQ(judge_stall({10 * kMs, 'S'}, {10 * kMs, 'R'}, Inside::kProgram), Stall::kStarved);
}

TEST(JudgeStall, NorIsOneThatWaitsForAPage) {
  EXPECT_EQ(judge_stall({10 * kMs, 'D'}, {11 * kMs, 'D'}, Inside::kProgram), Stall::kStarved);
}

TEST(JudgeStall, AThreadThatSleepsAllAlongWaitsOutsideABlockingRegion) {
  EXPECT_EQ(judge_stall({10 * kMs, 'S'}, {10 * kMs, 'S'}, Inside::kProgram), Stall::kWaiting);
  EXPECT_EQ(judge_stall({10 * kMs, 'T'}, {10 * kMs, 'T'}, Inside::kProgram), Stall::kWaiting);
}

// Of a lock of the runtime's whose holder lost its processor: with many threads that happens.
TEST(JudgeStall, NorIsOneThatWaitsInsideAnAllocation) {
  EXPECT_EQ(judge_stall({10 * kMs, 'S'}, {10 * kMs, 'S'}, Inside::kAllocation), Stall::kStarved);
}

TEST(JudgeStall, AThreadInItsOwnAnswerMissesNothing) {
  EXPECT_EQ(judge_stall({10 * kMs, 'R'}, {510 * kMs, 'R'}, Inside::kAnswer), Stall::kAnswering);
}

TEST(JudgeStall, UnlessItGetsNoProcessorThere) {
  EXPECT_EQ(judge_stall({10 * kMs, 'R'}, {20 * kMs, 'R'}, Inside::kAnswer), Stall::kStarved);
}

TEST(JudgeStall, WhatIsNotKnownIsNotHeldAgainstTheProgram) {
  EXPECT_EQ(judge_stall({0, '?'}, {0, '?'}, Inside::kProgram), Stall::kStarved);
}

TEST(LookAtThread, SeesTheCpuTimeAndThatItRuns) {
  const ThreadSight first = look_at_thread(gettid());
  EXPECT_EQ(first.state, 'R');
  while (thread_cpu_ns() < first.cpu_ns + kMs) {
  }
  EXPECT_GE(look_at_thread(gettid()).cpu_ns, first.cpu_ns + kMs);
}

TEST(LookAtThread, SeesAThreadThatSleeps) {
  std::promise<pid_t> tid;
  std::promise<void> end;
  std::thread sleeper([&] {
    tid.set_value(gettid());
    end.get_future().wait();
  });
  const pid_t sleeping = tid.get_future().get();
  while (look_at_thread(sleeping).state != 'S') std::this_thread::yield();
  end.set_value();
  sleeper.join();
}

TEST(LookAtThread, OfAThreadThatIsGoneNothingIsKnown) {
  pid_t tid = 0;
  std::thread([&] { tid = gettid(); }).join();
  while (look_at_thread(tid).state != '?') std::this_thread::yield();
  EXPECT_EQ(look_at_thread(tid).cpu_ns, 0u);
}

TEST(InsideTest, AnAllocationIsOneAndWhatItCallsIsNot) {
  struct Seen {
    static void note(void* context, size_t) {
      *static_cast<Inside*>(context) = current_mutator()->inside();
    }
  };
  Inside inside = Inside::kAnswer;
  Options options = quiet_options();
  options.max_heap = uint64_t{1} << 20;
  options.on_out_of_memory = Seen::note;
  options.out_of_memory_context = &inside;
  Collector collector(options);
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "test");
  mutator.bind();
  EXPECT_EQ(mutator.inside(), Inside::kProgram);
  EXPECT_EQ(mallocgc(uint64_t{2} << 20, nullptr), nullptr);
  EXPECT_EQ(inside, Inside::kProgram);
  EXPECT_NE(mallocgc(100, nullptr), nullptr);
  EXPECT_EQ(mutator.inside(), Inside::kProgram);
}

// Messages of one collector, one a line.
struct Messages {
  static void add(void* context, const char* message) {
    auto* self = static_cast<Messages*>(context);
    std::lock_guard lock(self->mutex);
    self->text += std::string(message) + "\n";
  }
  std::string said() {
    std::lock_guard lock(mutex);
    return text;
  }
  std::mutex mutex;
  std::string text;
};

class WatchedTest : public ::testing::Test {
 protected:
  WatchedTest() : collector(options()) { EXPECT_TRUE(collector.start()); }
  Options options() {
    Options options = quiet_options();
    options.stack_roots = StackRoots::kConservative;
    options.log = Messages::add;
    options.log_context = &messages;
    return options;
  }
  // Runs a cycle; `wait` is called until the program is blamed.
  template <class Wait>
  std::string said_while(Wait wait) {
    std::promise<void> ready;
    std::atomic<bool> done{false};
    std::thread watched([&] {
      Mutator mutator(&collector, "watched");
      mutator.bind();
      ready.set_value();
      while (!done.load()) wait();
    });
    ready.get_future().wait();
    collector.request_cycle();
    while (collector.world.stalled() == 0) std::this_thread::yield();
    done = true;
    watched.join();
    collector.collect();
    return messages.said();
  }

  Messages messages;
  Collector collector;
};

TEST_F(WatchedTest, AWaitOutsideABlockingRegionIsToldFromALoop) {
  ::testing::internal::CaptureStderr();
  const std::string said = said_while([] { poll(nullptr, 0, 50); });
  EXPECT_NE(said.find("mutator 'watched'"), std::string::npos) << said;
  EXPECT_NE(said.find("wrap the wait in a blocking region"), std::string::npos) << said;
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "") << "the hook has it";
}

TEST_F(WatchedTest, ALoopIsToldToPoll) {
  const std::string said = said_while([] {
    for (int i = 0; i < 1000; ++i) asm volatile("");
  });
  EXPECT_NE(said.find("call safepoint() in its loop"), std::string::npos) << said;
}

}  // namespace
}  // namespace greyhound::gc
