// SPDX-License-Identifier: MIT
// The share of the processors that collecting may take. The limiter is given its times, so nothing
// here depends on a clock.
#include "gc/pace/limiter.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr unsigned kCpus = 2;

class LimiterTest : public ::testing::Test {
 protected:
  // `gc` ms of CPU time in a cycle that takes `wall` ms, after the mutators ran alone for `alone`.
  void cycle(uint64_t alone, uint64_t wall, uint64_t gc) {
    start_ = now_ + alone * kMs;
    now_ = start_ + wall * kMs;
    limiter.cycle_ended(start_, now_, gc * kMs);
  }
  // Cycles one after the other, each of which takes nearly all there is, until it is limited.
  int spiral() {
    int cycles = 0;
    for (; !limiter.limiting() && cycles < 1000; ++cycles) cycle(0, 10, 19);
    return cycles;
  }
  uint64_t rest_ms() const { return (limiter.rest_until_ns() - start_) / kMs; }

  uint64_t now_ = 5000 * kMs;
  uint64_t start_ = 0;
  CpuLimiter limiter{kCpus, now_};
};

TEST_F(LimiterTest, AQuarterOfTheProcessorsIsNeverLimited) {
  for (int i = 0; i < 10000; ++i) {
    cycle(10, 10, 10);
    ASSERT_FALSE(limiter.limiting()) << i;
  }
}

TEST_F(LimiterTest, OneLongCycleIsNotASpiral) {
  cycle(0, 900, 1800);
  EXPECT_FALSE(limiter.limiting());
}

TEST_F(LimiterTest, TakingNearlyAllIsLimitedOnceItsCreditIsSpent) {
  // 18 ms a cycle beyond its half, of two seconds.
  EXPECT_EQ(spiral(), 112);
}

TEST_F(LimiterTest, WhileLimitedTheMutatorsGetTheirHalf) {
  spiral();
  cycle(0, 10, 16);
  EXPECT_EQ(rest_ms(), 16u) << "16 of 32 ms on two processors";
}

TEST_F(LimiterTest, StaysLimitedWhileTheRestIsAllThatKeepsItDown) {
  spiral();
  for (int i = 0; i < 1000; ++i) {
    cycle(6, 10, 16);
    ASSERT_TRUE(limiter.limiting()) << i;
  }
}

TEST_F(LimiterTest, EndsWhenCollectingTakesLittleAgain) {
  spiral();
  for (int i = 0; i < 100; ++i) cycle(10, 10, 4);
  EXPECT_FALSE(limiter.limiting());
}

TEST_F(LimiterTest, ForcedCyclesAreNotCounted) {
  for (int i = 0; i < 10000; ++i) {
    now_ += 10 * kMs;
    limiter.forced_cycle_ended(now_);
  }
  EXPECT_FALSE(limiter.limiting());
  EXPECT_EQ(spiral(), 112) << "nor is their time the mutators'";
}

// However wrong a clock is: a collector that was told that its threads' waiting is work slept for
// minutes.
TEST_F(LimiterTest, ARestIsNeverLongerThanItsCycle) {
  spiral();
  cycle(0, 10, 20);
  EXPECT_LE(limiter.rest_until_ns(), now_ + 10 * kMs);
  cycle(0, 10, 1'000'000);
  EXPECT_LE(limiter.rest_until_ns(), now_ + 10 * kMs);
}

TEST_F(LimiterTest, MoreThanThereIsCountsAsAllThereIs) {
  cycle(0, 10, 1'000'000);
  EXPECT_FALSE(limiter.limiting()) << "20 ms of its two seconds' credit";
}

// The limit is beyond reach from the start; gc_percent alone would let the heap grow to 4 MiB.
Options small_heap() {
  Options options = quiet_options();
  options.gc_percent = 100;
  options.memory_limit = uint64_t{1} << 20;
  return options;
}

class LimitedCollectorTest : public HeapTest {
 protected:
  LimitedCollectorTest() : HeapTest(small_heap()) {
    CollectorTesting::limit(collector, UINT64_MAX);
  }
  void allocate(uint64_t bytes) {
    for (uint64_t made = 0; made < bytes; made += sizeof(Node)) make<Node>();
  }
};

TEST_F(LimitedCollectorTest, NoCycleBeginsThatNobodyAskedFor) {
  allocate(uint64_t{3} << 20);
  EXPECT_GT(collector.pacer.live(), 2 * collector.pacer.goal());
  EXPECT_EQ(collector.stats().cycles, 0u);
}

TEST_F(LimitedCollectorTest, ARestEndsWhenTheHeapIsFarBeyondWhatThePercentageAllows) {
  while (collector.stats().cycles == 0) allocate(sizeof(Node));
}

TEST_F(LimitedCollectorTest, AForcedCycleDoesNotWait) {
  allocate(uint64_t{3} << 20);
  collector.collect();
  EXPECT_EQ(collector.stats().cycles, 1u);
  EXPECT_TRUE(collector.stats().last_cycle.forced);
}

TEST_F(LimitedCollectorTest, EndsWhileItRests) {
  allocate(uint64_t{3} << 20);  // asks for a cycle; the destructor must not wait for it
}

}  // namespace
}  // namespace greyhound::gc
