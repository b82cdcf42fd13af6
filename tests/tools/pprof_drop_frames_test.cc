// SPDX-License-Identifier: MIT
// Frames that a profile itself wants left out.
#include "tools/pprof/drop_frames.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/tools/raw_profile.h"
#include "tests/tools/small_profile.h"

namespace greyhound::pprof {
namespace {

using testing::folded;
using testing::RawProfile;

// Of the stacks main;app;operator new(unsigned long);malloc and malloc;app.
std::string stacks_without(const std::string& drop, const std::string& keep = "") {
  RawProfile raw("space", "bytes");
  raw.add_number(7, raw.text(drop)).add_number(8, raw.text(keep));
  raw.stack({"main", "app", "operator new(unsigned long)", "malloc"}, {100});
  raw.stack({"malloc", "app"}, {20});
  return folded(raw.unpacked());
}

TEST(DropFrames, WhatMatchesAndAllThatItCallsGo) {
  EXPECT_EQ(stacks_without(""), "main;app;operator new(unsigned long);malloc 100\nmalloc;app 20\n");
  EXPECT_EQ(stacks_without("malloc|calloc|operator new.*"), "main;app 100\nmalloc;app 20\n");
  EXPECT_EQ(stacks_without("app"), "main 100\nmalloc 20\n");
  EXPECT_EQ(stacks_without("ap"), stacks_without("")) << "the whole name is to match";
}

TEST(DropFrames, WhatIsToBeKeptIsKept) {
  EXPECT_EQ(stacks_without("malloc|operator new.*", "operator new.*"),
            "main;app;operator new(unsigned long) 100\nmalloc;app 20\n");
}

TEST(DropFrames, NoStackLosesEverything) {
  EXPECT_EQ(stacks_without("main|app|malloc|operator new"), stacks_without(""));
}

TEST(DropFrames, ParametersAreNoPartOfAName) {
  EXPECT_EQ(stacks_without("operator new"), "main;app 100\nmalloc;app 20\n");
}

TEST(DropFrames, OfALocationWhatIsInlinedIntoItGoes) {
  RawProfile raw("space", "bytes");
  raw.add_number(7, raw.text("drop"));
  raw.function(1, "main").function(2, "inner").function(3, "drop").function(4, "outer");
  raw.location(1, {1}).location(2, {2, 3, 4}).location(3, {2, 3});
  raw.sample({2, 1}, {5}).sample({1, 3, 1}, {7});
  EXPECT_EQ(folded(raw.unpacked()), "main 7\nmain;outer 5\n");
}

TEST(DropFrames, ExpressionsThatAreNoneDropNothingAndAreSaid) {
  for (const std::string& bad :
       {std::string("a("), std::string(10'000, '('), std::string(100'000, 'a'),
        std::string("(a{1000}){1000}"), std::string("(){33000}"),
        // Sub-searches in sub-searches, for each character.
        std::string("(?:(?=(?:(?=(?:(?=.*).)*).)*).)*")}) {
    EXPECT_EQ(stacks_without(bad), stacks_without(""));
    Profile profile;
    drop_frames(&profile, bad, "");
    ASSERT_EQ(profile.comments.size(), 1u);
    EXPECT_NE(profile.comments[0].find("no regular expression"), std::string::npos);
    EXPECT_EQ(profile.all_frames, profile.comments[0]);
  }
}

// A frame without a name is named by its file: nothing that anybody could want to drop.
TEST(DropFrames, FramesWithoutANameMatchNothing) {
  for (const std::string& drop :
       {std::string(".*tcmalloc.*"), std::string(".?"), std::string("<unknown>")}) {
    RawProfile raw("space", "bytes");
    raw.add_number(7, raw.text(drop));
    raw.mapping(1, "/usr/lib/libtcmalloc.so.4").function(1, "main").function(2, "");
    raw.location(1, {1}).location(2, {}, 0x1000, 1).location(3, {2}, 0x2000);
    raw.sample({3, 2, 1}, {5});
    EXPECT_EQ(folded(raw.unpacked()), "main;[libtcmalloc.so.4];<unknown> 5\n") << drop;
  }
}

TEST(DropFrames, AllNamesTogetherAreWorkedOnForALimitedTime) {
  Profile profile = testing::small_profile();
  for (int i = 0; i < 100; ++i)
    profile.locations.push_back(
        {0, {testing::frame(std::to_string(i) + std::string(100'000, 'a'))}});
  const Profile before = profile;
  drop_frames(&profile, "main|.(a*){1000}", "");
  EXPECT_NE(profile.all_frames.find("takes too long to match; all frames are shown"),
            std::string::npos);
  for (size_t i = 0; i < before.locations.size(); ++i)
    EXPECT_EQ(profile.locations[i].frames, before.locations[i].frames);
}

// Neither goes back over what it has seen, nor deeper with each character.
TEST(DropFrames, NoNameAndNoPatternTakeForever) {
  RawProfile raw("space", "bytes");
  raw.add_number(7, raw.text("(a*)*b|(x|x)*y"));
  const std::string as(1'000'000, 'a'), xs(100, 'x');
  raw.stack({"main", as}, {1}).stack({"main", xs}, {2}).stack({"main", xs + "y"}, {4});
  EXPECT_EQ(folded(raw.unpacked()), "main 4\nmain;" + as + " 1\nmain;" + xs + " 2\n");
}

}  // namespace
}  // namespace greyhound::pprof
