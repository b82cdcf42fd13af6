// SPDX-License-Identifier: MIT
// `greyhound pprof` as a reader uses it. `go tool pprof` reads what we write where there is a Go
// (GoReadsIt).
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "runtime/watch/pprof/profile.h"
#include "tests/tools/command.h"
#include "tests/tools/raw_profile.h"
#include "tests/tools/small_profile.h"
#include "tools/pprof/profile_decode.h"
#include "tools/pprof/profile_source.h"
#include "tools/pprof/text_report.h"
#include "tools/pprof/view.h"

namespace greyhound::pprof {
namespace {

using testing::functions_of_stack;
using testing::Output;
using testing::RawProfile;
using testing::run_greyhound;
using testing::small_profile;

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
  EXPECT_EQ(output.out, "main 64 64\nmain;outer;inner 2048 2048\n");
}

TEST_F(PprofCommand, WhatTwoCountIsNamedWhereTheirDefaultsDiffer) {
  RawProfile before(RawProfile::Pairs{{"alloc_space", "bytes"}, {"inuse_space", "bytes"}});
  before.add_number(14, before.text("alloc_space")).stack({"main"}, {10, 1});
  RawProfile after(RawProfile::Pairs{{"alloc_space", "bytes"}, {"inuse_space", "bytes"}});
  after.add_number(14, after.text("inuse_space")).stack({"main"}, {12, 2});
  write_whole_file(path_, before.packed());
  write_whole_file(path_ + ".after", after.packed());
  const std::string both = path_ + " " + path_ + ".after";
  expect_error("pprof " + both, "--sample-type");
  const Output output = run_greyhound("pprof --folded --sample-type alloc_space " + both);
  EXPECT_EQ(output.out, "main 10 12\n") << output.err;
  std::filesystem::remove(path_ + ".after");
}

TEST_F(PprofCommand, TagsThatMatchNothingAreSaid) {
  write_file(small_profile(), path_);
  const Output output = run_greyhound("pprof --tag arm=other " + path_);
  EXPECT_EQ(output.status, 0);
  EXPECT_NE(output.err.find("no sample matches --tag arm=other; its tags are: arm, bytes"),
            std::string::npos)
      << output.err;
  const Output number = run_greyhound("pprof --folded --tag bytes=1kB:2kB " + path_);
  EXPECT_EQ(number.out, "main;outer;inner 2048\n");
  EXPECT_EQ(number.err, "");
}

TEST_F(PprofCommand, NothingReachesATerminalButText) {
  const std::string evil = "\x1b[31mred\x07\n\xe2\x80\xaegnp.exe";
  RawProfile raw(evil, evil);
  raw.stack({"main", evil}, {5}, {raw.label(evil, "x")});
  write_whole_file(path_, raw.packed());
  for (const std::string options :
       {"--top", "--tree", "--folded", "--tag no=thing", "--sample-type none"}) {
    const Output output = run_greyhound("pprof " + options + " " + path_);
    for (const std::string& text : {output.out, output.err}) {
      EXPECT_EQ(text.find('\x1b'), std::string::npos) << options;
      EXPECT_EQ(text.find('\x07'), std::string::npos) << options;
      EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos) << options;
    }
  }
  EXPECT_EQ(run_greyhound("pprof --folded " + path_).out,
            "main;\\x1b[31mred\\x07\\n\\u202egnp.exe 5\n");
}

TEST_F(PprofCommand, StandardInputIsAFile) {
  write_file(small_profile(), path_);
  // The shell's pipe, as run_greyhound gives the command no input.
  const auto piped = [&](const std::string& arguments) {
    const std::string out = testing::temporary_path(".piped");
    const std::string line = "cat '" + path_ + "' | '" GREYHOUND_COMMAND "' pprof --folded " +
                             arguments + " >'" + out + "' 2>&1";
    EXPECT_NE(std::system(line.c_str()), -1);
    const std::string text = testing::read_file(out);
    std::filesystem::remove(out);
    return text;
  };
  EXPECT_EQ(piped("-"), "main 64\nmain;outer;inner 2048\n");
  EXPECT_EQ(piped("- '" + path_ + "'"), "main 64 64\nmain;outer;inner 2048 2048\n");
  EXPECT_EQ(piped("/dev/stdin"), "main 64\nmain;outer;inner 2048\n");
  EXPECT_NE(piped("- -").find("one profile, not two"), std::string::npos);
}

TEST_F(PprofCommand, APageNeverTakesTheProfilesPlace) {
  write_file(small_profile(), path_);
  const std::string before = testing::read_file(path_);
  const Output output =
      testing::run_line("\"$G\" pprof - --html '" + path_ + "' < '" + path_ + "'");
  EXPECT_EQ(output.status, 2);
  EXPECT_NE(output.err.find("would replace that profile"), std::string::npos) << output.err;
  EXPECT_EQ(testing::read_file(path_), before);
}

TEST_F(PprofCommand, FramesThatCannotBeDroppedAreSaid) {
  RawProfile raw("space", "bytes");
  raw.add_number(7, raw.text("(?=\x1b)"));
  raw.stack({"main", "f"}, {5});
  write_whole_file(path_, raw.packed());
  for (const std::string how : {"--top", "--tree", "--folded"}) {
    const Output output = run_greyhound("pprof " + how + " " + path_);
    EXPECT_EQ(output.status, 0);
    EXPECT_NE(output.out.find("main"), std::string::npos);
    EXPECT_EQ(output.err, "greyhound pprof: " + path_ +
                              ": its drop_frames or keep_frames is no regular expression that "
                              "greyhound reads; all frames are shown: (?=\\x1b)\n")
        << how;
  }
}

// Some programs, node among them, give a socket for a pipe.
TEST_F(PprofCommand, StandardInputMayBeASocket) {
  const std::string packed = RawProfile("cpu", "nanoseconds").stack({"main"}, {7}).packed();
  const int input = dup(STDIN_FILENO);
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends), 0);
    ASSERT_EQ(write(ends[1], packed.data(), packed.size()), static_cast<ssize_t>(packed.size()));
    close(ends[1]);
    dup2(ends[0], STDIN_FILENO);
    close(ends[0]);
    std::string folded;
    const std::string error =
        testing::error_of([&] { folded = format_folded(view_of(read_source("-"), {})); });
    EXPECT_EQ(folded, type == SOCK_STREAM ? "main 7\n" : "");
    EXPECT_EQ(error,
              type == SOCK_STREAM ? "" : "stdin: cannot be read: it is a socket, not a profile");
  }
  dup2(input, STDIN_FILENO);
  close(input);
}

TEST_F(PprofCommand, WhatNeverEndsIsRefused) {
  expect_error("pprof /dev/urandom", "/dev/urandom: cannot be read: it is a device");
  expect_error("pprof /proc", "/proc: cannot be read: it is a directory");
  expect_error("pprof -", "stdin: cannot be read: it is a device");
  const std::filesystem::path large = path_ + ".large";
  std::ofstream(large).close();
  std::filesystem::resize_file(large, size_t{600} << 20);
  expect_error("pprof " + large.string(), "larger than 512 MiB");
  std::filesystem::remove(large);
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
    const std::vector<std::string> functions = functions_of_stack(boxes, stack);
    ASSERT_GE(functions.size(), 2u);
    EXPECT_EQ(functions.back(), "runtime.mallocgc");
    if (std::ranges::find(functions, "runtime.convT64") != functions.end()) boxed += stack.value;
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
