// SPDX-License-Identifier: MIT
// The flame graph's page as far as it is made here: its data, the file, and what is said of bad
// input. tests/web opens it in a browser.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/tools/command.h"
#include "tools/pprof/flame_data.h"
#include "tools/web/assets.h"
#include "tools/web/html.h"
#include "tools/whole_file.h"

namespace greyhound::pprof {
namespace {

using nlohmann::json;
using testing::Output;
using testing::run_greyhound;

// Each function is a location of its own.
class Maker {
 public:
  Maker() {
    profile_.sample_types = {{"alloc_objects", "count"}, {"alloc_space", "bytes"}};
    profile_.default_sample_type = "alloc_space";
  }
  Maker& add(const std::vector<std::string>& outermost_first, int64_t objects,
             std::vector<std::pair<std::string, std::string>> labels = {}, int64_t line = 7) {
    Sample sample{{}, {objects, 16 * objects}, std::move(labels), {{"bytes", 16, "bytes"}}};
    for (const std::string& name : outermost_first) {
      profile_.locations.push_back(
          {profile_.locations.size() + 1, {{name, "", "/somewhere/far/away/gc/file.cc", line}}});
      sample.locations.insert(sample.locations.begin(), profile_.locations.size() - 1);
    }
    profile_.samples.push_back(std::move(sample));
    return *this;
  }
  Profile take() { return std::move(profile_); }

 private:
  Profile profile_;
};

std::string path_of_node(const json& data, int64_t node) {
  if (node < 0) return "";
  const auto at = static_cast<size_t>(3 * node);
  const std::string above = path_of_node(data, data["stacks"][at]);
  return above + "/" + data["frames"][data["stacks"][at + 1].get<size_t>()][0].get<std::string>();
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
  EXPECT_EQ(data["labels"], json::parse(R"([["bytes","16"],["arm","x"]])"));
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

TEST(Pages, DataCannotEndItsElement) {
  const web::Page page{"<title>", "flame", {{"profile", {{"name", "</script><!-- \xff"}}}}};
  const std::string html = web::html_of(page);
  EXPECT_NE(html.find("<title>&lt;title></title>"), std::string::npos);
  const size_t data = html.find("id=\"profile\">");
  ASSERT_NE(data, std::string::npos);
  EXPECT_EQ(html.substr(data + 13, html.find("</script>", data) - data - 13),
            "{\"name\":\"\\u003c/script>\\u003c!-- \xef\xbf\xbd\"}");
}

TEST(Pages, NothingInOneReachesOut) {
  const std::string html = web::html_of({"title", "flame", {}});
  EXPECT_NE(html.find("connect-src 'none'"), std::string::npos);
  EXPECT_EQ(html.find("<script src"), std::string::npos);
  EXPECT_EQ(html.find("<link rel=\"stylesheet"), std::string::npos);
  EXPECT_EQ(html.find("@import"), std::string::npos);
  EXPECT_EQ(html.find("{{"), std::string::npos) << "a part that nobody filled in";
  EXPECT_NE(html.find("Apache License"), std::string::npos) << "what d3-flame-graph asks for";
  EXPECT_NE(web::html_of({"title", "flame", {}, true}).find("connect-src 'self'"),
            std::string::npos);
}

class PprofHtml : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string stem = ::testing::TempDir() + "greyhound-flame-" +
                             ::testing::UnitTest::GetInstance()->current_test_info()->name();
    path_ = stem + ".pb.gz";
    html_ = stem + ".html";
    write_file(Maker().add({"main", "runtime.convT64", "runtime.mallocgc"}, 3).take(), path_);
  }
  void TearDown() override {
    std::filesystem::remove(path_);
    std::filesystem::remove(html_);
  }
  void expect_error(const std::string& arguments, const std::string& says) {
    const Output output = run_greyhound(arguments);
    EXPECT_EQ(output.status, 2) << arguments;
    EXPECT_EQ(output.out, "");
    ASSERT_EQ(output.err_lines().size(), 1u) << output.err;
    EXPECT_NE(output.err.find(says), std::string::npos) << output.err;
  }
  void expect_unreadable(const std::string& bytes, const std::string& says) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
    expect_error("pprof " + path_ + " --html " + html_, says);
    expect_error("pprof " + path_, says);
    EXPECT_FALSE(std::filesystem::exists(html_));
  }

  std::string path_;
  std::string html_;
};

TEST_F(PprofHtml, IsOneFileThatHoldsTheProfile) {
  const Output output = run_greyhound("pprof " + path_ + " --html " + html_ + " --highlight conv");
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_EQ(output.out, "");
  const std::string html = testing::read_file(html_);
  EXPECT_LT(html.size(), 1'000'000u);
  EXPECT_NE(html.find("\"runtime.convT64\""), std::string::npos);
  EXPECT_NE(html.find("\"highlight\":\"conv\""), std::string::npos);
  EXPECT_NE(html.find(web::asset("flame.js")), std::string::npos);
}

TEST_F(PprofHtml, BadOptionsAreASentence) {
  const std::string base = "pprof " + path_ + " --html ";
  expect_error(base + "/nonexistent/flame.html", "/nonexistent/flame.html: cannot be written");
  expect_error(base + path_, "would replace that profile");
  expect_error(base + html_ + " --top", "exclude");
  expect_error(base + html_ + " --highlight 'a('",
               "--highlight needs a regular expression, not 'a('");
  expect_error("pprof " + path_ + " --highlight conv", "add --html FILE");
  expect_error(base + html_ + " --sample-type cpu", "it has alloc_objects, alloc_space");
  expect_error(base + html_ + " --tag arm=x --tag arm=y", "one --tag of 'arm'");
  EXPECT_FALSE(std::filesystem::exists(html_));
}

TEST_F(PprofHtml, WhatIsNoProfileIsASentence) {
  const std::string whole = testing::read_file(path_);
  expect_unreadable("", "not a profile: it is empty");
  expect_unreadable("main;f;g 42\nmain;h 7\n", "not a profile");
  expect_unreadable("<!doctype html>", "not a profile");
  expect_unreadable(std::string(5000, '\0'), "not a profile");
  expect_unreadable(whole.substr(0, whole.size() / 2), "it is cut short");
  std::string damaged = whole;
  damaged[damaged.size() / 2] = static_cast<char>(damaged[damaged.size() / 2] ^ 0x55);
  expect_unreadable(damaged, "its compressed data is damaged");
  expect_error("pprof " + ::testing::TempDir() + " --html " + html_, "cannot be read");
}

// A Go program writes both kinds of profile, and our command shows them.
TEST_F(PprofHtml, GosProfilesAreRead) {
  if (std::system("go version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no go here";
  const std::filesystem::path folder = path_ + ".go";
  std::filesystem::create_directory(folder);
  std::ofstream(folder / "main.go") << R"(package main

import (
	"os"
	"runtime"
	"runtime/pprof"
)

var kept []interface{}

func main() {
	runtime.MemProfileRate = 1
	cpu, _ := os.Create(os.Args[1])
	pprof.StartCPUProfile(cpu)
	for i := 0; i < 3000000; i++ {
		kept = append(kept[:i%1000], i+1000)
	}
	pprof.StopCPUProfile()
	heap, _ := os.Create(os.Args[2])
	pprof.WriteHeapProfile(heap)
}
)";
  const std::string cpu = folder / "cpu.pb.gz", heap = folder / "heap.pb.gz";
  const std::string build = "cd '" + folder.string() +
                            "' && GO111MODULE=off GOTOOLCHAIN=local go run main.go '" + cpu +
                            "' '" + heap + "' >go.log 2>&1";
  ASSERT_EQ(std::system(build.c_str()), 0) << testing::read_file(folder / "go.log");
  for (const std::string& file : {cpu, heap}) {
    const Output page = run_greyhound("pprof " + file + " --html " + html_);
    EXPECT_EQ(page.status, 0) << page.err;
    EXPECT_NE(testing::read_file(html_).find("\"main.main\""), std::string::npos);
    EXPECT_NE(run_greyhound("pprof --folded " + file).out.find("main.main"), std::string::npos);
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace greyhound::pprof
