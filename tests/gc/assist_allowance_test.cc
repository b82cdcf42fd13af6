// SPDX-License-Identifier: MIT
#include "gc/pace/assist_allowance.h"

#include <gtest/gtest.h>

namespace greyhound::gc {
namespace {

constexpr uint64_t kStart = 1'000'000'000;

class AllowanceTest : public ::testing::Test {
 protected:
  AllowanceTest() { assist(static_cast<uint64_t>(allowed())); }

  int64_t allowed() { return allowance.at(cpu, wall); }
  // The mutator runs for so long, or stands in line for a processor.
  void run(uint64_t ns) {
    cpu += ns;
    wall += ns;
  }
  void stand_in_line(uint64_t ns) { wall += ns; }
  // It assists, and stands in line in the middle.
  void assist(uint64_t ns, uint64_t in_line = 0) {
    allowance.took(ns, ns + in_line);
    run(ns);
    wall += in_line;
  }

  uint64_t cpu = kStart, wall = 5 * kStart;
  AssistAllowance allowance;
};

TEST(AssistAllowance, AFirstAssistMayTakeTheMost) {
  AssistAllowance allowance;
  EXPECT_TRUE(allowance.may_be_at(kStart));
  EXPECT_EQ(allowance.at(kStart, kStart), AssistAllowance::kMostNs);
}

TEST_F(AllowanceTest, IsThreeFifthsOfWhatTheMutatorRanSince) {
  EXPECT_EQ(allowed(), 0);
  run(5'000);
  EXPECT_EQ(allowed(), 3'000);
  EXPECT_EQ(allowed(), 3'000) << "no time passed";
}

TEST_F(AllowanceTest, IsSavedUpToTheMost) {
  run(1'000'000'000);
  EXPECT_EQ(allowed(), AssistAllowance::kMostNs);
  run(uint64_t{1} << 62);
  EXPECT_EQ(allowed(), AssistAllowance::kMostNs);
}

TEST_F(AllowanceTest, AnAssistThatTookTooLongIsMadeUpFor) {
  assist(30'000);
  run(10'000);
  EXPECT_LT(allowed(), 0);
  run(50'000);
  EXPECT_GT(allowed(), 0);
}

// What one of many threads on few processors sees most of.
TEST_F(AllowanceTest, StandingInLineEarnsNothing) {
  stand_in_line(100'000'000);
  EXPECT_TRUE(allowance.may_be_at(wall)) << "the wall clock cannot tell";
  EXPECT_EQ(allowed(), 0);
  EXPECT_FALSE(allowance.may_be_at(wall)) << "and is not asked twice";
}

TEST_F(AllowanceTest, StandingInLineInTheMiddleOfAnAssistCostsNothing) {
  run(10'000);
  allowed();
  assist(1'000, 100'000'000);
  EXPECT_EQ(allowed(), 5'000);
}

TEST_F(AllowanceTest, TheWallClockAloneSaysNoWhenTooLittleTimePassed) {
  assist(30'000);
  stand_in_line(10'000);
  EXPECT_FALSE(allowance.may_be_at(wall));
}

// Whenever it may, it assists for as long as it may: of no long stretch is less than 5/8 its own,
// however much of it the thread spends in line.
TEST_F(AllowanceTest, LeavesTheMutatorFiveEighthsOfItsTime) {
  uint64_t own = 0, assisted = 0;
  for (int refill = 0; refill < 10'000; ++refill) {
    run(700);
    own += 700;
    if (refill % 100 == 0) stand_in_line(3'000'000);
    if (!allowance.may_be_at(wall) || allowed() <= 0) continue;
    const uint64_t takes = 4'000;  // it cannot stop more finely
    assist(takes, refill % 70 == 0 ? 3'000'000 : 0);
    assisted += takes;
  }
  EXPECT_GE(static_cast<double>(own) / static_cast<double>(own + assisted), 0.62);
  EXPECT_LE(static_cast<double>(own) / static_cast<double>(own + assisted), 0.64);
}

}  // namespace
}  // namespace greyhound::gc
