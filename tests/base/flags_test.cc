// SPDX-License-Identifier: MIT
#include "runtime/base/flags.h"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace greyhound {
namespace {

TEST(DebugFlags, DefaultsAreThoseOfTheTable) {
  DebugFlags flags;
  EXPECT_EQ(flags.gctrace, 0);
  EXPECT_EQ(flags.gcstress, 0);
  EXPECT_FALSE(all_flags().empty());
}

TEST(DebugFlags, EveryRowHasADistinctNameAndAHelpText) {
  std::set<std::string_view> names;
  for (const FlagInfo& flag : all_flags()) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name;
    EXPECT_FALSE(flag.help.empty()) << flag.name;
  }
}

TEST(DebugFlags, TheDocumentationHasTheRowsOfTheTable) {
  std::ifstream page(GREYHOUND_SOURCE_DIR "/docs/embedding.md");
  std::vector<std::string> documented;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) inside = line == "## Debug flags";
    if (inside && line.starts_with("| `")) documented.push_back(line.substr(3, line.find('=') - 3));
  }
  std::vector<std::string> flags;
  for (const FlagInfo& flag : all_flags()) flags.emplace_back(flag.name);
  EXPECT_EQ(documented, flags);
}

TEST(DebugFlags, EveryRowIsUnderstood) {
  for (const FlagInfo& flag : all_flags()) {
    DebugFlags flags;
    EXPECT_TRUE(parse_debug_flags(std::string(flag.name) + "=3", &flags).empty()) << flag.name;
  }
}

TEST(DebugFlags, EntriesAreAppliedInOrderAndSpacesAroundThemDoNotCount) {
  DebugFlags flags;
  EXPECT_TRUE(parse_debug_flags(" gctrace=1 , gcstress = 20,gctrace=2,", &flags).empty());
  EXPECT_EQ(flags.gctrace, 2);
  EXPECT_EQ(flags.gcstress, 20);
}

TEST(DebugFlags, ABareKeyMeansOne) {
  DebugFlags flags;
  EXPECT_TRUE(parse_debug_flags("gccheckmark", &flags).empty());
  EXPECT_EQ(flags.gccheckmark, 1);
}

TEST(DebugFlags, AnUnknownKeyNamesTheNearestAndTheRestStillApplies) {
  DebugFlags flags;
  const auto errors = parse_debug_flags("gctarce=1,clobberfree=1", &flags);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("'gctarce'"), std::string::npos) << errors[0];
  EXPECT_NE(errors[0].find("'gctrace'"), std::string::npos) << errors[0];
  EXPECT_EQ(flags.gctrace, 0);
  EXPECT_EQ(flags.clobberfree, 1);
}

TEST(DebugFlags, AValueThatIsNoWholeNumberIsReportedAndNotApplied) {
  for (const char* text : {"gcstress=", "gcstress=x", "gcstress=1x", "gcstress=-1", "gcstress=1.5",
                           "gcstress=99999999999999999999"}) {
    DebugFlags flags;
    const auto errors = parse_debug_flags(text, &flags);
    ASSERT_EQ(errors.size(), 1u) << text;
    EXPECT_NE(errors[0].find("gcstress"), std::string::npos) << errors[0];
    EXPECT_EQ(flags.gcstress, 0) << text;
  }
}

TEST(DebugFlags, AKeyMayTakeAWord) {
  DebugFlags flags;
  EXPECT_TRUE(parse_debug_flags("gctrace=json,gcstress=2", &flags).empty());
  EXPECT_EQ(flags.gctrace, kGctraceJson);
  EXPECT_EQ(flags.gcstress, 2);
}

TEST(DebugFlags, AWordThatTheKeyDoesNotTakeIsReportedWithThoseItDoes) {
  DebugFlags flags;
  auto errors = parse_debug_flags("gctrace=yaml", &flags);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_NE(errors[0].find("'gctrace=yaml'"), std::string::npos) << errors[0];
  EXPECT_NE(errors[0].find("or 'json'"), std::string::npos) << errors[0];
  errors = parse_debug_flags("gcstress=json", &flags);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].find("or 'json'"), std::string::npos) << errors[0];
  EXPECT_EQ(flags.gctrace, 0);
}

TEST(DebugFlags, NothingIsUnderstoodInNothing) {
  DebugFlags flags;
  EXPECT_TRUE(parse_debug_flags("", &flags).empty());
  EXPECT_TRUE(parse_debug_flags(" , ,", &flags).empty());
}

TEST(ParseBytes, UnderstandsGosSuffixes) {
  const std::pair<const char*, uint64_t> cases[] = {
      {"0", 0},
      {"1073741824", uint64_t{1} << 30},
      {"17B", 17},
      {"64KiB", 64 << 10},
      {"512MiB", 512 << 20},
      {"3GiB", uint64_t{3} << 30},
      {"1TiB", uint64_t{1} << 40},
  };
  for (const auto& [text, expected] : cases) {
    uint64_t bytes = 99;
    EXPECT_TRUE(parse_bytes(text, &bytes)) << text;
    EXPECT_EQ(bytes, expected) << text;
  }
}

TEST(ParseBytes, RefusesTheRestAndLeavesTheResultAlone) {
  for (const char* text : {"", "MiB", "12MB", "1 MiB", "-1", "-1KiB", "1.5GiB", "0x10", "off",
                           "64kib", "1KiBB", "99999999999TiB", "18446744073709551616"}) {
    uint64_t bytes = 99;
    EXPECT_FALSE(parse_bytes(text, &bytes)) << text;
    EXPECT_EQ(bytes, 99u) << text;
  }
}

}  // namespace
}  // namespace greyhound
