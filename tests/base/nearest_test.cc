// SPDX-License-Identifier: MIT
#include "runtime/base/nearest.h"

#include <gtest/gtest.h>

#include <array>

namespace greyhound {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"gctrace", "gcstress", "gccheckmark", "seed"};

TEST(Nearest, AnExactNameIsItsOwnNearest) {
  for (std::string_view name : kNames) EXPECT_EQ(nearest(name, kNames), name);
}

TEST(Nearest, OneEditAwayIsFound) {
  EXPECT_EQ(nearest("gctrac", kNames), "gctrace");      // deletion
  EXPECT_EQ(nearest("gcstreess", kNames), "gcstress");  // insertion
  EXPECT_EQ(nearest("gcchackmark", kNames), "gccheckmark");
  EXPECT_EQ(nearest("deed", kNames), "seed");
}

TEST(Nearest, OfEqualDistancesTheFirstWins) {
  constexpr std::array<std::string_view, 2> twins = {"ab", "ac"};
  EXPECT_EQ(nearest("ad", twins), "ab");
}

TEST(Nearest, AnEmptyNameIsNearestToTheShortest) { EXPECT_EQ(nearest("", kNames), "seed"); }

TEST(Nearest, WithoutCandidatesThereIsNone) { EXPECT_EQ(nearest("seed", {}), ""); }

}  // namespace
}  // namespace greyhound
