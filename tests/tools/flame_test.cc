// SPDX-License-Identifier: MIT
// The flame graph's page as far as it is made here: the file, and what is said of bad input.
// tests/web opens it in a browser.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "runtime/watch/pprof/whole_file.h"
#include "tests/tools/command.h"
#include "tests/tools/profile_maker.h"
#include "tools/web/assets.h"
#include "tools/web/html.h"

namespace greyhound::pprof {
namespace {

using testing::Output;
using testing::run_greyhound;

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
    write_file(
        testing::ProfileMaker().add({"main", "runtime.convT64", "runtime.mallocgc"}, 3).take(),
        path_);
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
