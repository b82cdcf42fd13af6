// SPDX-License-Identifier: MIT
// What the flame graph's page is made of.
#include "tools/pprof/flame_data.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/profile_maker.h"

namespace greyhound::pprof {
namespace {

using nlohmann::json;
using Maker = testing::ProfileMaker;

std::string path_of_node(const json& data, int64_t node) {
  std::string path;
  while (node >= 0) {
    const auto at = static_cast<size_t>(3 * node);
    path.insert(0,
                "/" + data["frames"][data["stacks"][at + 1].get<size_t>()][0].get<std::string>());
    node = data["stacks"][at];
  }
  return path;
}

TEST(FlameData, CallsThatStacksShareAreThereOnce) {
  const Profile profile = Maker()
                              .add({"main", "f", "g"}, 2)
                              .add({"main", "f", "g"}, 3)
                              .add({"main", "f"}, 5, {{"arm", "x"}})
                              .take();
  const json data = flame_data({{"heap.pb.gz", profile}}, {});
  EXPECT_EQ(data["stacks"].size(), 9u);
  EXPECT_EQ(path_of_node(data, 2), "/main/f/g");
  EXPECT_EQ(data["frames"][0], json({"main", "gc/file.cc"}));
  EXPECT_EQ(data["sample_type"], 1);
  // node, labels, objects, bytes: of f, with its tag, and of both samples of g
  EXPECT_EQ(data["samples"][0], json({1, 1, 5, 80, 2, 0, 5, 80}));
  EXPECT_EQ(data["labels"], json::parse(R"([["bytes","16 bytes"],["arm","x"]])"));
  EXPECT_EQ(data["label_sets"], json::parse("[[0],[0,1]]"));
  EXPECT_EQ(data["least_share"], 0.0);
}

TEST(FlameData, ALineIsSaidWhereThereIsOne) {
  const Profile profile = Maker().add({"main", "f"}, 1, {}, 7).add({"main", "g"}, 1, {}, 8).take();
  const json data = flame_data({{"heap.pb.gz", profile}}, {});
  EXPECT_EQ(data["stacks"][2], 0) << "main is at 7 and at 8";
  EXPECT_EQ(data["stacks"][5], 7);
  EXPECT_EQ(data["stacks"][8], 8);
}

TEST(FlameData, TwoProfilesAreCountedOnOneTree) {
  Profile after = Maker().add({"main", "f"}, 4).add({"main", "h"}, 1).take();
  after.sample_types = {{"alloc_space", "bytes"}, {"inuse_space", "bytes"}};
  const json data =
      flame_data({{"a", Maker().add({"main", "f"}, 1).take()}, {"b", after}}, FlameOptions{});
  EXPECT_EQ(data["sample_types"], json::parse(R"([{"type":"alloc_space","unit":"bytes"}])"));
  EXPECT_EQ(data["samples"][0], json({1, 0, 16}));
  // What is second in one is first in the other.
  EXPECT_EQ(data["samples"][1], json({1, 0, 4, 2, 0, 1}));
}

TEST(FlameData, ProfilesOfDifferentThingsAreNotCompared) {
  Profile cpu = Maker().add({"main"}, 1).take();
  cpu.sample_types = {{"samples", "count"}, {"cpu", "nanoseconds"}};
  try {
    flame_data({{"heap.pb.gz", Maker().take()}, {"cpu.pb.gz", cpu}}, {});
    FAIL() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(
        std::string(error.what()),
        "heap.pb.gz and cpu.pb.gz count nothing in common: one has alloc_objects, alloc_space, "
        "the other samples, cpu");
  }
}

TEST(FlameData, WhatIsTooMuchIsShortenedAndNothingIsLost) {
  Maker maker;
  int64_t all = 0;
  for (int i = 0; i < 3000; ++i) {
    maker.add({"main", "f" + std::to_string(i), "g" + std::to_string(i)}, 1 + i % 3);
    all += 1 + i % 3;
  }
  maker.add({"main", "great"}, 100'000);
  FlameOptions options;
  options.most_bytes = 20'000;
  const json data = flame_data({{"heap.pb.gz", maker.take()}}, options);
  EXPECT_LE(data.dump().size(), options.most_bytes);
  EXPECT_GT(data["least_share"], 0.0);
  int64_t shown = 0;
  bool great = false, small = false;
  const json& samples = data["samples"][0];
  for (size_t i = 0; i < samples.size(); i += 4) {
    shown += samples[i + 2].get<int64_t>();
    const std::string path = path_of_node(data, samples[i]);
    great |= path == "/main/great";
    small |= path == "/main/(stacks too small to show)";
  }
  EXPECT_EQ(shown, all + 100'000);
  EXPECT_TRUE(great);
  EXPECT_TRUE(small);
}

TEST(FlameData, StacksOfAnyDepthAreThere) {
  std::vector<std::string> names(30'000, "rec");
  names.front() = "main";
  names.back() = "leaf";
  const json data = flame_data({{"deep.pb.gz", Maker().add(names, 3).take()}}, {});
  EXPECT_EQ(data["stacks"].size(), 3 * names.size());
  EXPECT_EQ(data["most_depth"], 0);
  FlameOptions small;
  small.most_bytes = 100'000;
  const json shorter = flame_data({{"deep.pb.gz", Maker().add(names, 3).take()}}, small);
  EXPECT_EQ(shorter["most_depth"], 2000);
  EXPECT_EQ(shorter["stacks"].size(), 3u * 2000);
  const std::string path = path_of_node(shorter, 1999);
  EXPECT_TRUE(path.starts_with("/main/rec/rec/"));
  EXPECT_NE(path.find("/rec/(calls between, too deep to show)/rec/"), std::string::npos);
  EXPECT_TRUE(path.ends_with("/rec/leaf"));
}

TEST(FlameData, MoreCallsThanThereIsRoomForAreFewerOrAnError) {
  Maker deep, wide;
  for (int i = 0; i < 10; ++i) {
    std::vector<std::string> names(5000, "rec");
    names.front() = "main" + std::to_string(i);
    deep.add(names, 1);
  }
  for (int i = 0; i < 30'000; ++i) wide.add({"f" + std::to_string(i)}, 1);
  FlameOptions options;
  options.most_calls = 25'000;
  const json data = flame_data({{"deep.pb.gz", deep.take()}}, options);
  EXPECT_EQ(data["most_depth"], 2000);
  EXPECT_EQ(data["stacks"].size(), 3u * 10 * 2000);
  try {
    flame_data({{"wide.pb.gz", wide.take()}}, options);
    FAIL() << "no exception";
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()),
              "wide.pb.gz: its calls make a tree of more than 25000 nodes");
  }
}

TEST(FlameData, LabelsOfVeryManyValuesGoBeforeStacksDo) {
  Maker maker;
  for (int i = 0; i < 5000; ++i)
    maker.add({"main", i % 2 == 0 ? "f" : "g"}, 1,
              {{"trace_id", std::to_string(i)}, {"arm", i % 2 == 0 ? "x" : "y"}});
  const Profile profile = maker.take();
  FlameOptions options;
  options.most_bytes = 20'000;
  const json data = flame_data({{"heap.pb.gz", profile}}, options);
  EXPECT_LE(data.dump().size(), options.most_bytes);
  EXPECT_EQ(data["least_share"], 0.0);
  EXPECT_EQ(data["labels"], json::parse(R"([["arm","x"],["arm","y"]])"));
  EXPECT_EQ(data["samples"][0], json({1, 0, 2500, 40'000, 2, 1, 2500, 40'000}));
  EXPECT_EQ(data["profiles"][0]["comments"],
            json({"To keep the page small, labels of very many values are left out: trace_id."}));
  options.tags = {{"trace_id", "7"}};
  EXPECT_EQ(flame_data({{"heap.pb.gz", profile}}, options)["labels"].size(), 5002u)
      << "it is asked for";
  EXPECT_TRUE(flame_data({{"heap.pb.gz", profile}}, {})["profiles"][0]["comments"].empty())
      << "there is room";
}

// At each share what is shown is counted before text is made of it.
TEST(FlameData, APageOfManySmallStacksHasStacksAllTheSame) {
  Maker maker;
  for (int i = 0; i < 20'000; ++i) maker.add({"f" + std::to_string(i)}, 1);
  FlameOptions options;
  options.most_bytes = 1000;
  const json data = flame_data({{"wide.pb.gz", maker.take()}}, options);
  EXPECT_EQ(data["stacks"].size(), 3u);
  EXPECT_EQ(path_of_node(data, 0), "/(stacks too small to show)");
  EXPECT_EQ(data["samples"][0], json({0, 0, 20'000, 320'000}));
}

TEST(FlameData, AProfileWithValuesBelowZeroIsADifference) {
  const Profile profile = Maker().add({"main", "f"}, -5).add({"main", "g"}, 7).take();
  const json data = flame_data({{"delta.pb.gz", profile}}, {});
  ASSERT_EQ(data["samples"].size(), 2u);
  EXPECT_EQ(data["samples"][0], json({1, 0, 5, 80}));
  EXPECT_EQ(data["samples"][1], json({2, 0, 7, 112}));
  EXPECT_EQ(data["profiles"][0]["name"], "delta.pb.gz, below 0");
  const json two = flame_data({{"a", profile}, {"b", profile}}, {});
  EXPECT_EQ(two["samples"][0], two["samples"][1]) << "nothing changed";
}

TEST(FlameData, UnitsOfTwoProfilesAreMadeOne) {
  Profile before = Maker().add({"main"}, 3).take(), after = Maker().add({"main"}, 2500).take();
  before.sample_types = {{"wall", "ms"}, {"other", "count"}};
  after.sample_types = {{"samples", "count"}, {"wall", "us"}};
  for (Sample& sample : after.samples) sample.values = {1, 2500};
  const json data = flame_data({{"a", before}, {"b", after}}, {});
  EXPECT_EQ(data["sample_types"], json::parse(R"([{"type":"wall","unit":"us"}])"));
  EXPECT_EQ(data["samples"][0], json({0, 0, 3000}));
  EXPECT_EQ(data["samples"][1], json({0, 0, 2500}));
}

TEST(FlameData, RangesOfNumbersChooseBefore) {
  FlameOptions options;
  options.tags = {{"bytes", "1:16B"}, {"arm", "x"}};
  const Profile profile = Maker().add({"main"}, 1, {{"arm", "x"}}).add({"f"}, 2).take();
  const json data = flame_data({{"heap.pb.gz", profile}}, options);
  EXPECT_EQ(data["only"], json({"bytes=1:16B"}));
  EXPECT_EQ(data["tags"], json::parse(R"([["arm","x"]])"));
  options.tags = {{"bytes", "17B:"}};
  EXPECT_TRUE(flame_data({{"heap.pb.gz", profile}}, options)["samples"][0].empty());
}

}  // namespace
}  // namespace greyhound::pprof
