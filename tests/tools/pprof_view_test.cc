// SPDX-License-Identifier: MIT
// Profiles as text: what is counted where, in which units, and which samples.
#include "tools/pprof/view.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/tools/raw_profile.h"
#include "tests/tools/small_profile.h"
#include "tools/pprof/profile_decode.h"
#include "tools/pprof/text_report.h"

namespace greyhound::pprof {
namespace {

using testing::error_of;
using testing::folded;
using testing::RawProfile;
using testing::small_profile;

StackView view_of_raw(const RawProfile& raw, const ViewOptions& options = {}) {
  return view_of(decode(raw.unpacked()), options);
}

TEST(Views, InlinedCallsAreCalls) {
  const StackView view = view_of(small_profile(), {});
  EXPECT_EQ(view.type.type, "alloc_space");
  EXPECT_EQ(view.total(), 2112);
  EXPECT_EQ(format_folded(view), "main 64\nmain;outer;inner 2048\n");
}

TEST(Views, FlatAndCumulative) {
  const std::vector<FunctionTotals> rows =
      functions_of(view_of(small_profile(), {"alloc_objects", {}}));
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].name, "inner");
  EXPECT_EQ(rows[0].flat, 2);
  EXPECT_EQ(rows[1].name, "main");
  EXPECT_EQ(rows[1].flat, 1);
  EXPECT_EQ(rows[1].cumulative, 3);
  EXPECT_EQ(rows[2].flat, 0);
}

TEST(Views, RecursionCountsOnce) {
  Profile profile = small_profile();
  profile.samples = {{{1, 1, 1}, {1, 8}, {}, {}}};
  EXPECT_EQ(functions_of(view_of(profile, {})).front().cumulative, 8);
}

TEST(Views, TagsChooseSamples) {
  EXPECT_EQ(view_of(small_profile(), {"", {{"arm", "boxed"}}}).total(), 2048);
  EXPECT_EQ(view_of(small_profile(), {"", {{"arm", "unboxed"}}}).total(), 0);
}

TEST(Views, DifferenceIsAfterLessBefore) {
  Profile after = small_profile();
  after.samples[1].values = {3, 192};
  const StackView view = difference(view_of(small_profile(), {}), view_of(after, {}));
  EXPECT_EQ(format_folded(view), "main 64 192\nmain;outer;inner 2048 2048\n");
  ASSERT_EQ(functions_of(view).size(), 1u);
  EXPECT_EQ(functions_of(view).front().flat, 128);
  EXPECT_THROW(difference(view_of(after, {"alloc_objects", {}}), view_of(after, {})),
               std::runtime_error);
}

TEST(Views, ValuesHaveUnits) {
  EXPECT_EQ(format_value(1536, "bytes"), "1.50 KiB");
  EXPECT_EQ(format_value(12, "bytes"), "12 B");
  EXPECT_EQ(format_value(-(int64_t{3} << 20), "bytes"), "-3.00 MiB");
  EXPECT_EQ(format_value(2'500'000, "nanoseconds"), "2.50 ms");
  EXPECT_EQ(format_value(42, "count"), "42");
}

TEST(Views, UnitsAreThoseThatProfilesName) {
  EXPECT_EQ(format_value(12, "seconds"), "12.00 s");
  EXPECT_EQ(format_value(12'345'678, "microseconds"), "12.35 s");
  EXPECT_EQ(format_value(12, "us"), "12.00 \u00b5s");
  EXPECT_EQ(format_value(-12'345, "milliseconds"), "-12.35 s");
  EXPECT_EQ(format_value(2048, "kilobytes"), "2.00 MiB");
  EXPECT_EQ(format_value(3, "MB"), "3.00 MiB");
  EXPECT_EQ(format_value(0, "seconds"), "0 ns");
  EXPECT_EQ(format_value(INT64_MIN, "bytes"), "-8192.00 PiB");
  EXPECT_EQ(format_value(7, "instructions"), "7");
  RawProfile raw("work", "instructions");
  raw.stack({"main"}, {1234});
  EXPECT_TRUE(format_top(view_of_raw(raw), 0).starts_with("work: 1234 instructions in all;"));
}

TEST(Views, ASampleTypeIsNamedSoThatItIsOne) {
  RawProfile raw(RawProfile::Pairs{{"wall", "count"}, {"wall", "nanoseconds"}, {"space", "bytes"}});
  raw.stack({"main"}, {3, 30, 300});
  const auto total = [&](const std::string& name) { return view_of_raw(raw, {name, {}}).total(); };
  EXPECT_EQ(total(""), 300) << "the last";
  EXPECT_EQ(total("wall/count"), 3);
  EXPECT_EQ(total("wall/nanoseconds"), 30);
  EXPECT_EQ(total("1"), 30);
  EXPECT_EQ(total("inuse_space"), 300) << "older profiles have no inuse_";
  EXPECT_EQ(error_of([&] { total("wall"); }),
            "it has more than one sample type 'wall'; it has wall/count, wall/nanoseconds, space: "
            "name one with --sample-type");
  EXPECT_NE(error_of([&] { total("cpu"); }).find("--sample-type"), std::string::npos);
}

TEST(Views, WhatHasNoStackHasARow) {
  RawProfile raw("cpu", "nanoseconds");
  raw.stack({"main"}, {1}).sample({}, {9}).sample({}, {0});
  const StackView view = view_of_raw(raw);
  EXPECT_EQ(format_folded(view), "(no stack) 9\nmain 1\n");
  ASSERT_EQ(functions_of(view).size(), 2u);
  EXPECT_EQ(functions_of(view).front().name, kNoStack);
  EXPECT_EQ(functions_of(view).front().flat, 9);
}

TEST(Views, FoldedNamesEndWhereTheyEnd) {
  RawProfile raw("cpu", "nanoseconds");
  raw.stack({"main", "<[u8; 32] as Debug>::fmt", "operator new(unsigned long)"}, {3});
  raw.stack({"main", "eval:\nSELECT 1\nFROM t"}, {4}).stack({"main", "phase 12"}, {5});
  EXPECT_EQ(format_folded(view_of_raw(raw)),
            "main;<[u8: 32] as Debug>::fmt;operator new(unsigned long) 3\n"
            "main;eval:\\nSELECT 1\\nFROM t 4\n"
            "main;phase_12 5\n");
}

TEST(Views, FoldedCountsAreNeverNegative) {
  RawProfile raw("cpu", "nanoseconds");
  raw.stack({"main", "f"}, {-5}).stack({"main", "g"}, {7});
  EXPECT_EQ(format_folded(view_of_raw(raw)), "main;f 5 0\nmain;g 0 7\n");
  RawProfile gone("cpu", "nanoseconds"), come("cpu", "nanoseconds");
  gone.stack({"main", "f"}, {5}).stack({"main", "g"}, {2});
  come.stack({"main", "g"}, {1}).stack({"main", "h"}, {4});
  EXPECT_EQ(format_folded(difference(view_of_raw(gone), view_of_raw(come))),
            "main;f 5 0\nmain;g 2 1\nmain;h 0 4\n");
}

TEST(Views, DifferentUnitsOfOneThingAreCompared) {
  RawProfile before("wall", "milliseconds"), after("wall", "us"), other("wall", "bytes");
  before.stack({"main"}, {3});
  after.stack({"main"}, {2500});
  const StackView view = difference(view_of_raw(before), view_of_raw(after));
  EXPECT_EQ(view.type.unit, "us");
  EXPECT_EQ(view.total(), -500);
  EXPECT_EQ(format_folded(difference(view_of_raw(after), view_of_raw(before))), "main 2500 3000\n");
  EXPECT_THROW(difference(view_of_raw(before), view_of_raw(other)), std::runtime_error);
}

TEST(Views, SumsThat64BitsDoNotHoldAreAnError) {
  RawProfile raw("v", "count");
  raw.stack({"main", "a"}, {INT64_MAX});
  EXPECT_EQ(view_of_raw(raw).total(), INT64_MAX);
  raw.stack({"main", "b"}, {1});
  EXPECT_NE(error_of([&] { view_of_raw(raw); }).find("64 bits"), std::string::npos);
  RawProfile least("v", "count");
  least.stack({"main"}, {INT64_MIN});
  EXPECT_NE(error_of([&] { view_of_raw(least); }).find("64 bits"), std::string::npos);
}

TEST(Views, NoDepthIsTooDeep) {
  for (const size_t depth : {size_t{1'000}, size_t{100'000}, size_t{1'000'000}}) {
    std::vector<std::string> names(depth, "rec");
    names.front() = "main";
    names.back() = "leaf";
    RawProfile raw("cpu", "nanoseconds");
    raw.stack(names, {5}).stack({"main", "other"}, {5});
    const StackView view = view_of_raw(raw);
    for (const FunctionTotals& row : functions_of(view))
      EXPECT_EQ(row.cumulative, row.name == "main" ? 10 : 5) << row.name;
    const std::string tree = format_tree(view);
    EXPECT_LT(tree.size(), 100'000u) << "what is printed is bounded";
    EXPECT_NE(tree.find("deeper than 200 levels are left out"), std::string::npos);
    EXPECT_EQ(format_folded(difference(view, view)).size(), format_folded(view).size() + 4);
  }
  EXPECT_EQ(format_tree(view_of(small_profile(), {})).find("deeper"), std::string::npos);
}

TEST(Views, ATreeOfMoreCallsThanThereIsRoomForIsAnError) {
  const StackView view = view_of(small_profile(), {});  // main;outer;inner and main
  EXPECT_EQ(format_tree(view, 200, 3), format_tree(view));
  EXPECT_EQ(error_of([&] { format_tree(view, 200, 2); }),
            "its calls make a tree of more than 2 nodes");
  EXPECT_NE(format_tree(view, 2, 2), "");
}

TEST(Views, CallsThatCancelOutAreLeftOutWithANote) {
  RawProfile raw("cpu", "nanoseconds");
  raw.stack({"main", "f"}, {100'000}).stack({"main", "more"}, {50}).stack({"main", "less"}, {-50});
  const std::string tree = format_tree(view_of_raw(raw));
  EXPECT_NE(tree.find("0 ns    0.00%    (calls of less than 1 % each)\n"), std::string::npos)
      << tree;
  EXPECT_EQ(format_tree(view_of(small_profile(), {})).find("less than"), std::string::npos);
}

TEST(Tags, NumbersMatchWithUnitsAndRanges) {
  RawProfile raw("space", "bytes");
  raw.stack({"small"}, {1}, {raw.number_label("bytes", 16)});
  raw.stack({"page"}, {2}, {raw.number_label("bytes", 4096, "bytes")});
  raw.stack({"large"}, {4}, {raw.number_label("bytes", 3 << 20, "bytes")});
  raw.stack({"request"}, {8}, {raw.number_label("request_id", 4711), raw.label("user", "12")});
  raw.stack({"wait"}, {16}, {raw.number_label("delay", 1500, "ms")});
  const auto total = [&](const std::string& key, const std::string& value) {
    return view_of_raw(raw, {"", {{key, value}}}).total();
  };
  EXPECT_EQ(total("bytes", "16"), 1) << "in its own unit";
  EXPECT_EQ(total("bytes", "16b"), 1);
  EXPECT_EQ(total("bytes", "4096"), 2);
  EXPECT_EQ(total("bytes", "4kb"), 2);
  EXPECT_EQ(total("bytes", "4KiB"), 2);
  EXPECT_EQ(total("bytes", "1kb:"), 6);
  EXPECT_EQ(total("bytes", ":4kb"), 3) << "both ends are included";
  EXPECT_EQ(total("bytes", "4kb:3MB"), 6);
  EXPECT_EQ(total("bytes", "1:4kb"), 2) << "from 1 kB, too";
  EXPECT_EQ(total("bytes", "16ms"), 0);
  EXPECT_EQ(total("request_id", "4711"), 8);
  EXPECT_EQ(total("request_id", "4712:"), 0);
  EXPECT_EQ(total("user", "12"), 8) << "a text is a text";
  EXPECT_EQ(total("delay", "1s:2s"), 16);
  EXPECT_EQ(total("delay", "1500000us"), 16);
  EXPECT_EQ(total("delay", "1h:"), 0);
  EXPECT_EQ(total("delay", "much"), 0);
}

}  // namespace
}  // namespace greyhound::pprof
