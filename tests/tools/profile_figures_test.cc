// SPDX-License-Identifier: MIT
// X11's reading of profiles, on profiles made by hand; and the two sides of X14 in two files.
#include <gtest/gtest.h>

#include <cstdio>

#include "runtime/watch/pprof/profile.h"
#include "runtime/watch/pprof/profile_files.h"
#include "tests/tools/command.h"
#include "tools/experiments/profile_figures.h"
#include "tools/pprof/profile_decode.h"

namespace greyhound::lab {
namespace {

using pprof::Profile;

// Adds a sample whose stack, innermost first, has a location for each name.
void add(Profile* profile, const std::vector<std::string>& stack, std::vector<int64_t> values,
         bool labelled = false) {
  pprof::Sample sample;
  for (const std::string& name : stack) {
    sample.locations.push_back(profile->locations.size());
    profile->locations.push_back({0, {{name, name, "", 1}}});
  }
  sample.values = std::move(values);
  sample.labels.emplace_back("type", "int64_t");
  if (labelled) sample.labels.emplace_back("scenario", "boxed");
  profile->samples.push_back(std::move(sample));
}

Profile heap() {
  Profile profile;
  profile.sample_types = {{"alloc_objects", "count"}, {"inuse_objects", "count"}};
  add(&profile, {"runtime.mallocgc", "runtime.convT2E", "x::write_boxed", "main"}, {90, 4}, true);
  add(&profile, {"x::write_boxed", "main"}, {10, 1});
  add(&profile, {"runtime.mallocgc", "makemap", "main"}, {1000, 1000}, true);
  return profile;
}

TEST(ProfileFigures, HeapCountsAreThoseBelowTheFunction) {
  const ProfileCounts allocated = heap_counts(heap(), "alloc_objects", "write_boxed");
  EXPECT_EQ(allocated.total, 100);
  EXPECT_EQ(allocated.runtime_leaf, 90);
  EXPECT_EQ(allocated.labelled, 90);
  EXPECT_EQ(heap_counts(heap(), "inuse_objects", "write_boxed").total, 5);
  EXPECT_EQ(heap_counts(heap(), "alloc_objects", "read_boxed").total, 0);
}

TEST(ProfileFigures, SampleTypeThatIsNotThereIsAnError) {
  EXPECT_THROW(heap_counts(heap(), "delay", "write_boxed"), std::runtime_error);
  EXPECT_THROW(cpu_counts(heap()), std::runtime_error);
}

TEST(ProfileFigures, MarkingIsToldApartByWhereItStands) {
  Profile profile;
  profile.sample_types = {{"samples", "count"}, {"cpu", "nanoseconds"}};
  add(&profile, {"runtime.greyobject", "runtime.gcDrain", "runtime.Collector.run"}, {1, 1});
  add(&profile,
      {"runtime.scanobject", "runtime.gcDrainN", "runtime.gcAssistAlloc", "runtime.mallocgc",
       "main.write"},
      {1, 10}, true);
  add(&profile, {"runtime.mapaccess2_faststr", "main.read"}, {1, 100}, true);
  add(&profile, {"runtime.gcDrain", "runtime.mapaccess1", "main.read"}, {1, 1000}, true);
  add(&profile, {"main.read"}, {1, 10000});
  const ProfileCounts counts = cpu_counts(profile);
  EXPECT_EQ(counts.total, 11111);
  EXPECT_EQ(counts.mark_in_background, 1);
  EXPECT_EQ(counts.mark_in_assist, 10);
  EXPECT_EQ(counts.mark_in_mapaccess, 1000);
  EXPECT_EQ(counts.in_mapaccess, 1100);
  EXPECT_EQ(counts.labelled, 1110);
}

// So short a profile may have no map read in it.
TEST(ProfileFigures, OnlyACpuProfileHasSharesOfMapReadsBeTheyNone) {
  EXPECT_FALSE(heap_counts(heap(), "alloc_objects", "write_boxed").in_mapaccess);
  Profile profile;
  profile.sample_types = {{"samples", "count"}, {"cpu", "nanoseconds"}};
  add(&profile, {"main.write"}, {1, 10});
  Measurement m;
  m.ops = 1;
  m.profile = cpu_counts(profile);
  EXPECT_EQ(summarise({m}).profile->in_mapaccess, 0);
  m.profile = heap_counts(heap(), "alloc_objects", "write_boxed");
  EXPECT_FALSE(summarise({m}).profile->in_mapaccess);
}

TEST(ProfileFigures, SharesOfNothingAreAbsent) {
  Measurement m;
  m.ops = 4;
  m.profile = ProfileCounts{};
  const Figures none = summarise({m});
  ASSERT_TRUE(none.profile);
  EXPECT_EQ(none.profile->objects_per_op, 0);
  EXPECT_FALSE(none.profile->labelled);
  m.profile = ProfileCounts{.total = 8, .runtime_leaf = 2, .labelled = 8};
  const Figures some = summarise({m});
  EXPECT_EQ(some.profile->objects_per_op, 2);
  EXPECT_EQ(some.profile->runtime_leaf, 0.25);
  EXPECT_EQ(some.profile->labelled, 1);
  m.profile.reset();
  EXPECT_FALSE(summarise({m}).profile);
}

TEST(ProfileFigures, SidesOfAComparisonAreFilesOfTheirOwn) {
  const std::string path = testing::temporary_path(".pb.gz");
  const size_t dot = path.find('.', path.find_last_of('/'));
  const std::string before = path.substr(0, dot) + ".before" + path.substr(dot);
  const std::string after = path.substr(0, dot) + ".after" + path.substr(dot);
  gc::MemRecord record;
  record.size = 16;
  record.allocs = 3;
  record.labels = {{"side", "before"}};
  pprof::write_heap_sides({record, gc::MemRecord{}}, 1, {}, path);
  EXPECT_EQ(pprof::read_file(before).samples.size(), 1u);
  EXPECT_THROW(pprof::read_file(after), pprof::FileError) << "there is no such side";
  record.labels = {{"side", "after"}};
  pprof::write_heap_sides({record}, 1, {}, path);
  EXPECT_EQ(pprof::read_file(after).samples.size(), 1u);
  std::remove(before.c_str());
  std::remove(after.c_str());
}

}  // namespace
}  // namespace greyhound::lab
