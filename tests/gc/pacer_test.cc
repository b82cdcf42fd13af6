// SPDX-License-Identifier: MIT
// When a cycle starts and what allocation owes: the promises, not the formulas.
#include "gc/pace/pacer.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace greyhound::gc {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

class PacerTest : public ::testing::Test {
 protected:
  void start(int64_t percent, uint64_t limit = 0) {
    Options options;
    options.gc_percent = percent;
    options.memory_limit = limit;
    pacer.initialise(options);
  }
  // A cycle over `live` bytes that finds `marked` of them, while `meanwhile` more are allocated.
  void cycle(uint64_t marked, uint64_t meanwhile = 0, uint64_t metadata = 0) {
    pacer.begin_cycle();
    if (meanwhile != 0) pacer.allocated(meanwhile, true);
    pacer.end_cycle(marked, metadata);
  }

  Pacer pacer;
};

TEST_F(PacerTest, TheFirstGoalIsFourMiBScaledByThePercentage) {
  start(100);
  EXPECT_EQ(pacer.goal(), 4 * kMiB);
  start(50);
  EXPECT_EQ(pacer.goal(), 2 * kMiB);
  start(400);
  EXPECT_EQ(pacer.goal(), 16 * kMiB);
}

TEST_F(PacerTest, TheGoalIsWhatWasMarkedAndThePercentageMore) {
  start(100);
  pacer.allocated(60 * kMiB, false);
  cycle(40 * kMiB);
  EXPECT_NEAR(static_cast<double>(pacer.goal()), 80.0 * kMiB, 200);
  pacer.set_gc_percent(50);
  EXPECT_NEAR(static_cast<double>(pacer.goal()), 60.0 * kMiB, 200);
  pacer.set_gc_percent(200);
  EXPECT_NEAR(static_cast<double>(pacer.goal()), 120.0 * kMiB, 200);
}

TEST_F(PacerTest, ZeroPercentCollectsAllTheTimeAndStillMakesProgress) {
  start(0);
  pacer.allocated(10 * kMiB, false);
  EXPECT_TRUE(pacer.should_start());
  cycle(10 * kMiB);
  EXPECT_GT(pacer.goal(), 10 * kMiB);
  EXPECT_LT(pacer.goal(), 11 * kMiB);
}

TEST_F(PacerTest, OffNeverStarts) {
  start(kGcOff);
  pacer.allocated(uint64_t{1} << 50, false);
  EXPECT_FALSE(pacer.should_start());
  cycle(uint64_t{1} << 49);
  pacer.allocated(uint64_t{1} << 50, false);
  EXPECT_FALSE(pacer.should_start());
  EXPECT_EQ(pacer.assist_work(1 << 20), 0);
}

TEST_F(PacerTest, StartsBetweenWhatWasMarkedAndTheGoal) {
  start(100);
  pacer.allocated(50 * kMiB, false);
  cycle(50 * kMiB);
  EXPECT_GT(pacer.trigger(), 50 * kMiB);
  EXPECT_LT(pacer.trigger(), pacer.goal());
  EXPECT_FALSE(pacer.should_start());
  pacer.allocated(pacer.trigger() - pacer.live() - 1, false);
  EXPECT_FALSE(pacer.should_start());
  pacer.allocated(1, false);
  EXPECT_TRUE(pacer.should_start());
}

TEST_F(PacerTest, StartsEarlierWhenMuchIsAllocatedWhileMarking) {
  start(100);
  pacer.allocated(50 * kMiB, false);
  cycle(50 * kMiB);
  const uint64_t calm = pacer.goal() - pacer.trigger();
  cycle(50 * kMiB, 20 * kMiB);
  EXPECT_GT(pacer.goal() - pacer.trigger(), calm);
}

TEST_F(PacerTest, NothingStartsACycleWithinACycle) {
  start(100);
  pacer.allocated(100 * kMiB, false);
  EXPECT_TRUE(pacer.should_start());
  pacer.begin_cycle();
  EXPECT_FALSE(pacer.should_start());
  pacer.allocated(100 * kMiB, true);
  pacer.set_gc_percent(10);
  pacer.set_memory_limit(kMiB);
  EXPECT_FALSE(pacer.should_start()) << "the setters do not either";
  pacer.end_cycle(10 * kMiB, 0);
}

TEST_F(PacerTest, AfterACycleTheLiveBytesAreTheSurvivors) {
  start(100);
  pacer.allocated(30 * kMiB, false);
  cycle(10 * kMiB, 5 * kMiB);
  EXPECT_EQ(pacer.live(), 15 * kMiB) << "what was allocated black survives";
  EXPECT_EQ(pacer.survivors(), 15 * kMiB);
}

TEST_F(PacerTest, LiveNeverWrapsWhenTailsOfRunsAreReturned) {
  start(100);
  pacer.allocated(16384, false);
  pacer.begin_cycle();
  pacer.blackened(16000);
  pacer.end_cycle(0, 0);
  pacer.returned(16000, true);
  EXPECT_EQ(pacer.live(), 0u);
  EXPECT_FALSE(pacer.should_start());
}

TEST_F(PacerTest, TheGoalForgetsWhatIsKnownToHaveDied) {
  start(100);
  pacer.allocated(60 * kMiB, false);
  cycle(60 * kMiB);
  pacer.died(20 * kMiB);
  EXPECT_NEAR(static_cast<double>(pacer.goal()), 80.0 * kMiB, 200);
  EXPECT_EQ(pacer.live(), 60 * kMiB) << "nothing is freed";
  pacer.died(uint64_t{1} << 40);
  EXPECT_EQ(pacer.goal(), 4 * kMiB);
  pacer.begin_cycle();
  pacer.died(20 * kMiB);
  pacer.end_cycle(60 * kMiB, 0);
  EXPECT_NEAR(static_cast<double>(pacer.goal()), 120.0 * kMiB, 200) << "a cycle finds out itself";
}

TEST_F(PacerTest, MarkingWorkIsReckonedFromTheLastCyclesDensity) {
  start(100);
  pacer.allocated(60 * kMiB, false);
  pacer.begin_cycle();
  pacer.add_credit(6 * kMiB);  // most of the heap has no pointers
  pacer.end_cycle(60 * kMiB, 0);
  pacer.allocated(40 * kMiB, false);
  pacer.begin_cycle();
  // 6 of work are left before 20 more may be allocated, where it was 60 in the first cycle.
  EXPECT_NEAR(static_cast<double>(pacer.assist_work(1 << 20)), 0.3 * kMiB, 0.01 * kMiB);
}

TEST_F(PacerTest, OvershotIsWellBeyondTheGoal) {
  start(100);
  pacer.allocated(60 * kMiB, false);
  cycle(60 * kMiB);
  pacer.allocated(61 * kMiB, false);
  EXPECT_FALSE(pacer.overshot());
  pacer.allocated(8 * kMiB, false);
  EXPECT_TRUE(pacer.overshot());
  pacer.set_gc_percent(kGcOff);
  EXPECT_FALSE(pacer.overshot()) << "there is no goal";
}

TEST_F(PacerTest, PatienceIsNoneWithinTheBoundAndDoublesBeyond) {
  start(100);
  pacer.allocated(64 * kMiB, false);
  cycle(64 * kMiB);
  const uint64_t goal = pacer.goal();
  pacer.allocated(goal + goal / 16 - pacer.live(), false);
  EXPECT_EQ(pacer.patience_ns(false, 0, 1), 0u);
  pacer.allocated(1, false);
  const uint64_t least = pacer.patience_ns(false, 0, 1);
  EXPECT_GT(least, 0u);
  pacer.allocated(goal / 64, false);
  EXPECT_EQ(pacer.patience_ns(false, 0, 1), 2 * least);
  EXPECT_EQ(pacer.patience_ns(false, 0, 0), 2 * least) << "a processor for each";
  EXPECT_EQ(pacer.patience_ns(false, 0, 8), 16 * least) << "eight for each";
  pacer.allocated(goal, false);
  EXPECT_LE(pacer.patience_ns(false, 0, 1), 10'000'000u) << "bounded";
  EXPECT_EQ(pacer.patience_ns(false, 0, 32), 8 * pacer.patience_ns(false, 0, 1));
  EXPECT_LE(pacer.patience_ns(false, 0, 1000), 100'000'000u);
}

TEST_F(PacerTest, WhoeverWantsManyRunsAtOnceWaitsForAllOfThem) {
  start(100);
  pacer.allocated(64 * kMiB, false);
  cycle(64 * kMiB);
  pacer.allocated(pacer.goal() - pacer.live(), false);
  EXPECT_FALSE(pacer.overshot());
  EXPECT_TRUE(pacer.overshot(false, 32 * kMiB)) << "by what is to come";
  pacer.allocated(pacer.goal() / 8, false);
  EXPECT_GT(pacer.patience_ns(false, 1 * kMiB, 1), 8 * pacer.patience_ns(false, 0, 1));
  EXPECT_LE(pacer.patience_ns(false, 1024 * kMiB, 64), 100'000'000u);
}

TEST_F(PacerTest, WhileLimitedTheBoundIsWhatThePercentageAloneAllows) {
  start(100, 8 * kMiB);
  pacer.allocated(160 * kMiB, false);
  cycle(160 * kMiB);
  ASSERT_LE(pacer.goal(), 171 * kMiB) << "the limit is beyond reach";
  EXPECT_NEAR(static_cast<double>(pacer.bound(true)), 320.0 * kMiB, 0.1 * kMiB);
  pacer.allocated(100 * kMiB, false);
  EXPECT_TRUE(pacer.overshot(false));
  EXPECT_FALSE(pacer.overshot(true));
  pacer.allocated(100 * kMiB, false);
  EXPECT_TRUE(pacer.overshot(true));
}

TEST_F(PacerTest, WhileLimitedNoHeapGrowsToMoreThanTwiceWhatLivesForIt) {
  start(kGcOff, 8 * kMiB);
  pacer.allocated(160 * kMiB, false);
  cycle(160 * kMiB);
  EXPECT_NEAR(static_cast<double>(pacer.bound(true)), 320.0 * kMiB, 0.1 * kMiB);
  start(400, 8 * kMiB);
  EXPECT_NEAR(static_cast<double>(pacer.bound(true)), 320.0 * kMiB, 0.1 * kMiB);
}

TEST_F(PacerTest, WithoutALimitTheBoundIsTheGoalAllTheSame) {
  for (const int64_t percent : {0, 50, 100, 400}) {
    start(percent);
    pacer.allocated(60 * kMiB, false);
    cycle(60 * kMiB);
    EXPECT_EQ(pacer.bound(true), pacer.goal()) << percent;
  }
  start(kGcOff);
  EXPECT_EQ(pacer.bound(true), UINT64_MAX);
}

TEST_F(PacerTest, EveryNegativePercentageIsOff) {
  start(-100);
  EXPECT_EQ(pacer.gc_percent(), kGcOff);
  EXPECT_EQ(pacer.goal(), UINT64_MAX);
  pacer.set_gc_percent(100);
  pacer.set_gc_percent(-7);
  EXPECT_EQ(pacer.gc_percent(), kGcOff);
  EXPECT_EQ(pacer.goal(), UINT64_MAX);
}

TEST_F(PacerTest, AMemoryLimitLowersTheGoal) {
  start(100, 64 * kMiB);
  pacer.allocated(50 * kMiB, false);
  cycle(50 * kMiB);
  EXPECT_LE(pacer.goal(), 64 * kMiB);
  EXPECT_GT(pacer.goal(), 50 * kMiB);
}

TEST_F(PacerTest, MetadataCountsAgainstTheLimit) {
  start(100, 64 * kMiB);
  pacer.allocated(40 * kMiB, false);
  cycle(40 * kMiB, 0, 4 * kMiB);
  EXPECT_LE(pacer.goal(), 60 * kMiB);
}

TEST_F(PacerTest, ALimitAloneSetsTheGoal) {
  start(kGcOff, 64 * kMiB);
  EXPECT_EQ(pacer.goal(), 64 * kMiB);
  pacer.allocated(63 * kMiB, false);
  EXPECT_TRUE(pacer.should_start());
}

TEST_F(PacerTest, AnUnreachableLimitStillLetsTheHeapGrow) {
  start(100, 8 * kMiB);
  pacer.allocated(160 * kMiB, false);
  cycle(160 * kMiB);
  EXPECT_GE(pacer.goal(), 170 * kMiB);
  EXPECT_LE(pacer.goal(), 171 * kMiB);
  EXPECT_FALSE(pacer.should_start());
}

TEST_F(PacerTest, AllocationOwesMoreTheNearerTheGoalIs) {
  start(100);
  pacer.allocated(50 * kMiB, false);
  cycle(50 * kMiB);
  pacer.allocated(30 * kMiB, false);
  pacer.begin_cycle();
  const int64_t early = pacer.assist_work(1 << 16);
  pacer.allocated(15 * kMiB, true);
  pacer.revise();
  const int64_t late = pacer.assist_work(1 << 16);
  EXPECT_GT(early, 0);
  EXPECT_GT(late, early);
  pacer.allocated(uint64_t{1} << 40, true);
  pacer.revise();
  EXPECT_LE(pacer.assist_work(1 << 16), int64_t{1} << 30) << "firm, but bounded, beyond the goal";
}

TEST_F(PacerTest, WhatAllocationOwesStaysTheSameWhileAllGoesAsPlanned) {
  start(100);
  pacer.allocated(50 * kMiB, false);
  cycle(50 * kMiB, 20 * kMiB);
  pacer.allocated(pacer.trigger() - pacer.live(), false);
  pacer.begin_cycle();
  const auto owed = [&] { return static_cast<double>(pacer.assist_work(1 << 16)); };
  const double first = owed();
  // A tenth of the work for every tenth of the way, to the very end.
  const uint64_t way = pacer.goal() - pacer.live();
  for (int tenth = 0; tenth < 10; ++tenth) {
    pacer.add_credit(static_cast<int64_t>(first / (1 << 16) * static_cast<double>(way / 10)));
    pacer.allocated(way / 10, true);
    pacer.revise();
    EXPECT_NEAR(owed() / first, 1, 0.05) << tenth;
  }
}

TEST_F(PacerTest, MoreToMarkThanExpectedMayBeAllThereIs) {
  start(100);
  pacer.allocated(100 * kMiB, false);
  cycle(20 * kMiB);
  pacer.allocated(15 * kMiB, false);
  pacer.begin_cycle();
  pacer.add_credit(21 * kMiB);
  pacer.revise();
  const int64_t by_chance = pacer.assist_work(1 << 16);
  pacer.add_credit(3 * kMiB);
  pacer.revise();
  EXPECT_GT(pacer.assist_work(1 << 16), 2 * by_chance);
}

TEST_F(PacerTest, TheRunwayShrinksSlowlyAndGrowsAtOnce) {
  start(100);
  pacer.allocated(50 * kMiB, false);
  cycle(50 * kMiB, 20 * kMiB);
  // In proportion: the goal is another after every cycle.
  const auto runway = [&] {
    return static_cast<double>(pacer.goal() - pacer.trigger()) / static_cast<double>(pacer.goal());
  };
  const double longest = runway();
  cycle(50 * kMiB, 5 * kMiB);
  EXPECT_LT(runway(), longest);
  EXPECT_GT(runway(), 0.9 * longest);
  for (int i = 0; i < 30; ++i) cycle(50 * kMiB, 5 * kMiB);
  EXPECT_LT(runway(), 0.5 * longest);
  cycle(50 * kMiB, 20 * kMiB);
  EXPECT_NEAR(runway() / longest, 1, 0.2);
}

TEST_F(PacerTest, AllocationOwesLessWhenWorkIsDone) {
  start(100);
  pacer.allocated(50 * kMiB, false);
  cycle(50 * kMiB);
  pacer.allocated(30 * kMiB, false);
  pacer.begin_cycle();
  const int64_t before = pacer.assist_work(1 << 16);
  pacer.add_credit(40 * kMiB);
  pacer.revise();
  EXPECT_LT(pacer.assist_work(1 << 16), before);
}

TEST_F(PacerTest, CreditIsTakenOnceAndNoMoreThanThereIs) {
  start(100);
  EXPECT_EQ(pacer.take_credit(100), 0);
  pacer.add_credit(250);
  EXPECT_EQ(pacer.take_credit(100), 100);
  EXPECT_EQ(pacer.take_credit(100), 100);
  EXPECT_EQ(pacer.take_credit(100), 50);
  EXPECT_EQ(pacer.take_credit(100), 0);
}

TEST_F(PacerTest, ManyTakersShareTheCredit) {
  start(100);
  pacer.add_credit(100'000);
  std::atomic<int64_t> taken{0};
  std::vector<std::thread> takers;
  for (int i = 0; i < 4; ++i) {
    takers.emplace_back([&] {
      while (const int64_t got = pacer.take_credit(7)) taken.fetch_add(got);
    });
  }
  for (std::thread& taker : takers) taker.join();
  EXPECT_EQ(taken.load(), 100'000);
}

TEST_F(PacerTest, AHugePercentageDoesNotOverflow) {
  start(INT64_MAX);
  EXPECT_GE(pacer.goal(), 4 * kMiB);
  pacer.allocated(uint64_t{64} << 30, false);
  cycle(uint64_t{64} << 30);
  EXPECT_GE(pacer.goal(), uint64_t{64} << 30);
  EXPECT_LE(pacer.trigger(), pacer.goal());
}

}  // namespace
}  // namespace greyhound::gc
