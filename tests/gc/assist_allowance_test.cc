// SPDX-License-Identifier: MIT
#include "gc/assist_allowance.h"

#include <gtest/gtest.h>

namespace greyhound::gc {
namespace {

constexpr uint64_t kStart = 1'000'000'000;

TEST(AssistAllowance, AFirstAssistMayTakeTheMost) {
  AssistAllowance allowance;
  EXPECT_EQ(allowance.at(kStart), AssistAllowance::kMostNs);
}

TEST(AssistAllowance, IsThreeFifthsOfWhatTheMutatorRanSince) {
  AssistAllowance allowance;
  allowance.took(static_cast<uint64_t>(allowance.at(kStart)));
  const uint64_t ended = kStart + AssistAllowance::kMostNs;
  EXPECT_EQ(allowance.at(ended), 0);
  EXPECT_EQ(allowance.at(ended + 5'000), 3'000);
  EXPECT_EQ(allowance.at(ended + 5'000), 3'000) << "no time passed";
}

TEST(AssistAllowance, IsSavedUpToTheMost) {
  AssistAllowance allowance;
  allowance.took(static_cast<uint64_t>(allowance.at(kStart)));
  EXPECT_EQ(allowance.at(kStart + 1'000'000'000), AssistAllowance::kMostNs);
}

TEST(AssistAllowance, AnAssistThatTookTooLongIsMadeUpFor) {
  AssistAllowance allowance;
  allowance.at(kStart);
  allowance.took(50'000);
  const uint64_t ended = kStart + 50'000;
  EXPECT_LT(allowance.at(ended + 10'000), 0);
  EXPECT_GT(allowance.at(ended + 60'000), 0);
}

// Whenever it may, it assists for as long as it may: of no long stretch is less than 5/8 its own.
TEST(AssistAllowance, LeavesTheMutatorFiveEighthsOfItsTime) {
  AssistAllowance allowance;
  uint64_t now = kStart;
  allowance.took(static_cast<uint64_t>(allowance.at(now)));
  now += AssistAllowance::kMostNs;
  uint64_t own = 0, assisted = 0;
  for (int refill = 0; refill < 10'000; ++refill) {
    now += 700;
    own += 700;
    const int64_t may = allowance.at(now);
    if (may <= 0) continue;
    const uint64_t takes = 4'000;  // it cannot stop more finely
    allowance.took(takes);
    now += takes;
    assisted += takes;
  }
  EXPECT_GE(static_cast<double>(own) / static_cast<double>(own + assisted), 0.62);
  EXPECT_LE(static_cast<double>(own) / static_cast<double>(own + assisted), 0.64);
}

}  // namespace
}  // namespace greyhound::gc
