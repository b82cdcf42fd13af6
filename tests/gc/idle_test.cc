// SPDX-License-Identifier: MIT
// The cycle that nobody asked for: when all threads have been blocked for a while.
#include <dirent.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class ActivityTest : public SteppingTest {
 protected:
  // World::all_blocked; 0 for no.
  uint64_t activity() {
    uint64_t number = 0;
    return collector.world.all_blocked(&number) ? number + 1 : 0;
  }
};

TEST_F(ActivityTest, OfBlockedMutatorsIsTheSameUntilOneRuns) {
  const uint64_t before = activity();
  ASSERT_NE(before, 0u);
  EXPECT_EQ(activity(), before);
  a->bind();
  a->unbind();
  const uint64_t after = activity();
  EXPECT_NE(after, 0u);
  EXPECT_NE(after, before);
}

TEST_F(ActivityTest, IsUnknownWhileAMutatorRuns) {
  ActAs act(*a);
  EXPECT_EQ(activity(), 0u);
  BlockingScope blocking(a, "test");
  EXPECT_NE(activity(), 0u);
}

TEST_F(ActivityTest, ChangesWhenAMutatorGoesAndAnotherComes) {
  const uint64_t before = activity();
  detach(b);
  b = attach("another");
  EXPECT_NE(activity(), before);
}

Options idle_after(uint64_t ms) {
  Options options = quiet_options();
  options.gc_percent = 1'000'000;  // nothing else begins a cycle
  options.idle_cycle_ms = ms;
  return options;
}

constexpr uint64_t kPeriodMs = 20;

class IdleTest : public HeapTest {
 protected:
  explicit IdleTest(const Options& options = idle_after(kPeriodMs)) : HeapTest(options) {}

  void wait_for_idle_cycle() {
    BlockingScope blocking(mutator.get(), "idle");
    const uint64_t before = idle_cycles();
    while (idle_cycles() == before) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    // It is counted when its marking has ended; what it freed goes back when it has swept.
    const uint64_t counted = collector.stats().cycles;
    while (collector.completed_cycles() < counted)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  void sleep_periods(uint64_t count) {
    BlockingScope blocking(mutator.get(), "idle");
    std::this_thread::sleep_for(std::chrono::milliseconds(kPeriodMs * count));
  }
  uint64_t idle_cycles() { return collector.stats().idle_cycles; }
};

TEST_F(IdleTest, WhatAnIdleProgramDroppedIsFreedAndGoesBackToTheSystem) {
  constexpr uint64_t kBytes = uint64_t{64} << 20;
  for (uint64_t i = 0; i < kBytes / sizeof(Node); ++i) make<Node>();
  const GcStats busy = collector.stats();
  ASSERT_GE(busy.heap_resident_bytes, kBytes);
  ASSERT_EQ(busy.cycles, 0u);
  wait_for_idle_cycle();
  const GcStats idle = collector.stats();
  EXPECT_LE(idle.heap_live, uint64_t{1} << 20);
  EXPECT_LE(idle.heap_resident_bytes, kBytes / 8);
  EXPECT_TRUE(idle.last_cycle.idle);
  EXPECT_FALSE(idle.last_cycle.forced);
  EXPECT_EQ(idle.forced_cycles, 0u);
}

TEST_F(IdleTest, AfterItThereIsNoneUntilSomebodyRan) {
  make<Node>();
  wait_for_idle_cycle();
  const uint64_t before = idle_cycles();
  uint64_t activity = 0, later = 0;
  BlockingScope blocking(mutator.get(), "idle");
  ASSERT_TRUE(collector.world.all_blocked(&activity));
  // Leaving the region above was one more run, so one more cycle may come; then no other.
  std::this_thread::sleep_for(std::chrono::milliseconds(10 * kPeriodMs));
  ASSERT_TRUE(collector.world.all_blocked(&later));
  EXPECT_EQ(activity, later);
  EXPECT_LE(idle_cycles(), before + 1);
}

TEST_F(IdleTest, AThreadThatRunsIsNotWaitedFor) {
  std::this_thread::sleep_for(std::chrono::milliseconds(5 * kPeriodMs));  // attached, not blocked
  EXPECT_EQ(idle_cycles(), 0u);
  EXPECT_EQ(collector.phase(), Phase::kIdle);
}

class NeverIdleTest : public IdleTest {
 protected:
  NeverIdleTest() : IdleTest(off()) {}
  static Options off() {
    Options options = idle_after(kPeriodMs);
    options.gc_percent = kGcOff;
    return options;
  }
};

TEST_F(NeverIdleTest, WithCollectionOffThereIsNone) {
  make<Node>();
  sleep_periods(5);
  EXPECT_EQ(collector.stats().cycles, 0u);
}

// How often this process's other threads gave their processors up: each wake-up ends in that.
uint64_t switches_of_others() {
  uint64_t sum = 0;
  DIR* tasks = opendir("/proc/self/task");
  if (tasks == nullptr) return 0;
  while (const dirent* task = readdir(tasks)) {
    if (task->d_name[0] == '.' || std::to_string(gettid()) == task->d_name) continue;
    std::ifstream status(std::string("/proc/self/task/") + task->d_name + "/status");
    for (std::string line; std::getline(status, line);) {
      constexpr std::string_view kKey = "voluntary_ctxt_switches:";
      if (line.starts_with(kKey)) sum += std::stoull(line.substr(kKey.size()));
    }
  }
  closedir(tasks);
  return sum;
}

TEST_F(IdleTest, AnIdleRuntimeWakesNobodyMoreOftenThanThePeriod) {
  make<Node>();
  wait_for_idle_cycle();
  sleep_periods(3);  // the last cycle there is reason for is over
  const uint64_t cycles = collector.completed_cycles();
  const uint64_t before = switches_of_others();
  const uint64_t start = monotonic_ns();
  BlockingScope blocking(mutator.get(), "idle");
  std::this_thread::sleep_for(std::chrono::milliseconds(20 * kPeriodMs));
  const uint64_t woken = switches_of_others() - before;
  const uint64_t periods = (monotonic_ns() - start) / (kPeriodMs * 1'000'000);
  // One more cycle, as this thread ran in between, and the coordinator's looks.
  const uint64_t more = collector.completed_cycles() - cycles;
  EXPECT_LE(more, 1u);
  EXPECT_LE(woken, periods + 20 * more + 5);
}

class QuietTest : public IdleTest {
 protected:
  QuietTest() : IdleTest(idle_after(0)) {}
};

TEST_F(QuietTest, WithoutAPeriodNobodyIsWokenAtAll) {
#if defined(GREYHOUND_TSAN)
  GTEST_SKIP() << "ThreadSanitizer's own thread wakes ten times a second";
#endif
  sleep_periods(1);  // the threads have begun to wait
  const uint64_t before = switches_of_others();
  sleep_periods(10);
  EXPECT_EQ(switches_of_others(), before);
}

}  // namespace
}  // namespace greyhound::gc
