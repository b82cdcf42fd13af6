// SPDX-License-Identifier: MIT
// Profiles: the file format, the names in them, the views, and the command. `go tool pprof` reads
// what we write where there is a Go (GoReadsIt).
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/tools/command.h"
#include "tools/pprof/names.h"
#include "tools/pprof/profile.h"
#include "tools/pprof/view.h"

namespace greyhound::pprof {
namespace {

using testing::Output;
using testing::run_greyhound;

Frame function(const std::string& name, int64_t line = 1) {
  return {name, "_" + name, name + ".cc", line};
}

Profile small_profile() {
  Profile profile;
  profile.sample_types = {{"alloc_objects", "count"}, {"alloc_space", "bytes"}};
  profile.default_sample_type = "alloc_space";
  profile.period_type = {"space", "bytes"};
  profile.period = 512;
  profile.time_ns = 1'700'000'000'000'000'000;
  profile.comments = {"made by a test"};
  profile.locations = {{0x1000, {function("inner", 7), function("outer", 12)}},
                       {0x2000, {function("main", 3)}}};
  profile.samples = {{{0, 1}, {2, 2048}, {{"arm", "boxed"}}, {{"bytes", 1024, "bytes"}}},
                     {{1}, {1, 64}, {}, {}}};
  return profile;
}

TEST(ProfileFormat, WhatIsWrittenIsRead) {
  const Profile written = small_profile();
  const Profile read = decode(encode(written));
  EXPECT_EQ(read.sample_types, written.sample_types);
  EXPECT_EQ(read.default_sample_type, written.default_sample_type);
  EXPECT_EQ(read.period_type, written.period_type);
  EXPECT_EQ(read.period, written.period);
  EXPECT_EQ(read.time_ns, written.time_ns);
  EXPECT_EQ(read.comments, written.comments);
  ASSERT_EQ(read.locations.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.locations[i].address, written.locations[i].address);
    EXPECT_EQ(read.locations[i].frames, written.locations[i].frames);
  }
  ASSERT_EQ(read.samples.size(), 2u);
  EXPECT_EQ(read.samples[0].locations, (std::vector<size_t>{0, 1}));
  EXPECT_EQ(read.samples[0].values, (std::vector<int64_t>{2, 2048}));
  EXPECT_EQ(read.samples[0].labels, written.samples[0].labels);
  ASSERT_EQ(read.samples[0].numbers.size(), 1u);
  EXPECT_EQ(read.samples[0].numbers[0].value, 1024);
}

TEST(ProfileFormat, EveryTruncationIsAnErrorAndNothingWorse) {
  const std::string bytes = encode(small_profile());
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_THROW(decode(std::string_view(bytes).substr(0, length)), FormatError) << length;
}

TEST(ProfileFormat, NoDamagedByteIsWorseThanAnError) {
  // Unpacked: gzip's checksum would catch everything.
  const std::string unpacked = std::string("\x32\x00\x32\x01") + "a" + "\x32\x01" + "b" +
                               std::string("\x0a\x04\x08\x01\x10\x02", 6) +
                               std::string("\x2a\x04\x08\x01\x10\x01", 6) +
                               std::string("\x22\x08\x08\x01\x22\x04\x08\x01\x10\x05", 10) +
                               std::string("\x12\x06\x0a\x01\x01\x12\x01\x07", 8);
  const std::string whole = std::string("\x32\x00", 2) + unpacked.substr(1);
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << bit));
      try {
        decode(damaged);
      } catch (const FormatError&) {
      }
    }
  }
}

TEST(ProfileFormat, WhatIsNoProfileIsSaidToBeNone) {
  EXPECT_THROW(decode(""), FormatError);
  EXPECT_THROW(decode("hello, world"), FormatError);
  EXPECT_THROW(decode(std::string("\x1f\x8b\x08nonsense")), FormatError);
}

TEST(Names, OursAreGos) {
  EXPECT_EQ(display_name("greyhound::gc::mallocgc(unsigned long, greyhound::Type const*)"),
            "runtime.mallocgc");
  EXPECT_EQ(display_name("greyhound::gc::Marker::gcDrain(unsigned long)"), "runtime.gcDrain");
  EXPECT_EQ(display_name("greyhound::gc::(anonymous namespace)::mallocgc_slow(unsigned long)"),
            "runtime.mallocgc_slow");
  EXPECT_EQ(display_name("greyhound::gc::Pacer::revise()"), "runtime.Pacer.revise");
  EXPECT_EQ(display_name("void* greyhound::gc::newobject_inl<Node>()"), "runtime.newobject_inl");
}

TEST(Names, OthersLoseTheirParameters) {
  EXPECT_EQ(display_name("main"), "main");
  EXPECT_EQ(display_name("std::vector<int, std::allocator<int> >::push_back(int const&)"),
            "std::vector::push_back");
  EXPECT_EQ(display_name("app::apply(void (*)(int), int)"), "app::apply");
  EXPECT_EQ(display_name("app::Tree<int>::size() const"), "app::Tree::size");
  EXPECT_EQ(display_name("app::Less::operator()(int, int) const"), "app::Less::operator()");
  EXPECT_EQ(display_name("app::operator<(app::A const&, app::B const&)"), "app::operator<");
  EXPECT_EQ(display_name("app::run(int)::{lambda()#1}::operator()() const"),
            "app::run::{lambda#1}::operator()");
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
  EXPECT_EQ(format_folded(view), "main 128\n");
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

class PprofCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = ::testing::TempDir() + "greyhound-pprof-" +
            ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".pb.gz";
  }
  void TearDown() override { std::filesystem::remove(path_); }
  void expect_error(const std::string& arguments, const std::string& says) {
    const Output output = run_greyhound(arguments.c_str(), "");
    EXPECT_EQ(output.status, 2);
    EXPECT_EQ(output.out, "");
    ASSERT_EQ(output.err_lines().size(), 1u) << output.err;
    EXPECT_NE(output.err.find(says), std::string::npos) << output.err;
  }

  std::string path_;
};

TEST_F(PprofCommand, ShowsAFile) {
  write_file(small_profile(), path_);
  const Output top = run_greyhound(("pprof " + path_).c_str(), "");
  EXPECT_EQ(top.status, 0) << top.err;
  EXPECT_NE(top.out.find("2.00 KiB   96.97%   96.97%     2.00 KiB   96.97%  inner"),
            std::string::npos)
      << top.out;
  const Output folded = run_greyhound(("pprof --folded --tag arm=boxed " + path_).c_str(), "");
  EXPECT_EQ(folded.out, "main;outer;inner 2048\n");
  const Output tree = run_greyhound(("pprof --tree " + path_).c_str(), "");
  EXPECT_NE(tree.out.find("    outer\n"), std::string::npos) << tree.out;
}

TEST_F(PprofCommand, TwoFilesAreCompared) {
  write_file(small_profile(), path_);
  const Output output = run_greyhound(("pprof --folded " + path_ + " " + path_).c_str(), "");
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_EQ(output.out, "");
}

TEST_F(PprofCommand, BadInput) {
  std::ofstream(path_) << "no profile";
  expect_error("pprof " + path_, "not a profile");
  expect_error("pprof /nonexistent/heap.pb.gz", "/nonexistent/heap.pb.gz: cannot be read");
  expect_error("pprof", "needs a file");
  write_file(small_profile(), path_);
  expect_error("pprof --sample-type cpu " + path_, "it has alloc_objects, alloc_space");
  expect_error("pprof --tag arm " + path_, "KEY=VALUE");
  expect_error("pprof --lines many " + path_, "'many'");
  expect_error("pprof --top --tree " + path_, "exclude");
}

TEST_F(PprofCommand, LabWritesWhereEveryObjectIsAllocated) {
  const Output lab =
      run_greyhound(("lab --only X1 --quick --reps 1 --go off --heapprofile " + path_).c_str(), "");
  ASSERT_EQ(lab.status, 0) << lab.err;
  const Profile profile = read_file(path_);
  const StackView boxes =
      view_of(profile, {"alloc_objects", {{"experiment", "X1"}, {"arm", "write any 1000+"}}});
  int64_t boxed = 0;
  for (const Stack& stack : boxes.stacks) {
    ASSERT_GE(stack.functions.size(), 2u);
    EXPECT_EQ(stack.functions.back(), "runtime.mallocgc");
    if (std::ranges::find(stack.functions, "runtime.convT64") != stack.functions.end())
      boxed += stack.value;
  }
  // 500,000 writes measured and 20,000 to warm up.
  EXPECT_EQ(boxed, 520'000);
  const StackView reads =
      view_of(profile, {"alloc_objects", {{"experiment", "X1"}, {"arm", "read any"}}});
  EXPECT_LT(reads.total(), 200)
      << "reading allocates nothing; the map and its boxes are made before";
}

TEST_F(PprofCommand, AProfileThatCannotBeWrittenIsSaidBeforeAnythingRuns) {
  expect_error("lab --only X1 --heapprofile /nonexistent/heap.pb.gz",
               "/nonexistent/heap.pb.gz: cannot be written");
}

TEST_F(PprofCommand, GoReadsIt) {
  if (std::system("go version >/dev/null 2>&1") != 0) GTEST_SKIP() << "there is no go here";
  write_file(small_profile(), path_);
  const std::string out = path_ + ".txt";
  const std::string command = "go tool pprof -top " + path_ + " >" + out + " 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0);
  std::ifstream file(out);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::filesystem::remove(out);
  EXPECT_NE(text.find("Type: alloc_space"), std::string::npos) << text;
  EXPECT_NE(text.find("inner (inline)"), std::string::npos) << text;
}

}  // namespace
}  // namespace greyhound::pprof
