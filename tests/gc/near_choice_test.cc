// SPDX-License-Identifier: MIT
#include "gc/mark/near_choice.h"

#include <gtest/gtest.h>

namespace greyhound::gc {
namespace {

constexpr uint32_t kTrial = 1 + 2 * NearChoice::kTried;
constexpr uint64_t kWork = 256;  // of an interval

// A marker on which an interval takes so much time when near objects are followed, or queued.
struct Simulated {
  uint64_t followed_ns;
  uint64_t queued_ns;
  NearChoice choice{};
  uint64_t now_ns = 0;
  uint64_t work = 0;
  uint64_t looks = 0;  // at the clock

  bool interval() {
    now_ns += choice.follows() ? followed_ns : queued_ns;
    work += kWork;
    return choice.interval_ended(work, [this] {
      ++looks;
      return now_ns;
    });
  }
  void intervals(uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) interval();
  }
  // Of a whole period, how many intervals follow.
  uint32_t followed_of_a_period() {
    uint32_t followed = 0;
    for (uint32_t i = 0; i < NearChoice::kPeriod; ++i) {
      followed += choice.follows() ? 1 : 0;
      interval();
    }
    return followed;
  }
};

TEST(NearChoice, BeginsByFollowing) { EXPECT_TRUE(NearChoice().follows()); }

TEST(NearChoice, KeepsFollowingWhereTheQueueIsADetour) {
  Simulated marker{.followed_ns = 2'000, .queued_ns = 2'400};
  marker.intervals(NearChoice::kPeriod);
  EXPECT_EQ(marker.followed_of_a_period(), NearChoice::kPeriod - NearChoice::kTried);
}

TEST(NearChoice, QueuesWhereFollowingWaitsForMemory) {
  Simulated marker{.followed_ns = 9'000, .queued_ns = 2'400};
  marker.intervals(NearChoice::kPeriod);
  EXPECT_EQ(marker.followed_of_a_period(), 1 + NearChoice::kTried) << "but for the next trial";
}

TEST(NearChoice, AQueueThatIsHardlyFasterIsNotWorthIt) {
  Simulated marker{.followed_ns = 2'500, .queued_ns = 2'400};
  marker.intervals(kTrial);
  EXPECT_TRUE(marker.choice.follows());
}

TEST(NearChoice, ChangesItsMindWithTheHeap) {
  Simulated marker{.followed_ns = 9'000, .queued_ns = 2'400};
  marker.intervals(kTrial);
  ASSERT_FALSE(marker.choice.follows());
  marker.followed_ns = 2'000;
  marker.intervals(NearChoice::kPeriod);
  EXPECT_TRUE(marker.choice.follows());
}

TEST(NearChoice, ComparesTimeForWorkNotForIntervals) {
  Simulated marker{.followed_ns = 4'000, .queued_ns = 4'000};
  marker.intervals(1);
  for (uint32_t i = 0; i < NearChoice::kTried; ++i) {
    marker.work += 3 * kWork;  // following meets larger objects
    marker.interval();
  }
  marker.intervals(NearChoice::kTried);
  EXPECT_TRUE(marker.choice.follows());
}

TEST(NearChoice, LooksAtTheClockThreeTimesAPeriod) {
  Simulated marker{.followed_ns = 2'000, .queued_ns = 2'400};
  marker.intervals(2 * NearChoice::kPeriod);
  EXPECT_EQ(marker.looks, 6u);
}

TEST(NearChoice, WorkThatStandsStillDividesByNothing) {
  NearChoice choice;
  for (uint32_t i = 0; i < kTrial; ++i) choice.interval_ended(0, [] { return uint64_t{5}; });
  EXPECT_TRUE(choice.follows()) << "no time passed either way";
}

}  // namespace
}  // namespace greyhound::gc
