// SPDX-License-Identifier: MIT
// What the command does when its output cannot be written, is closed or is no longer read, and to
// the files that it writes when it is refused or interrupted.
#include <filesystem>

#include "tests/tools/command.h"
#include "tests/tools/process.h"
#include "tools/common/terminal.h"

namespace greyhound {
namespace {

namespace fs = std::filesystem;
using testing::Output;
using testing::run_line;

const std::string kX1 = "lab --only X1 --quick --reps 1 --go off";

class Streams : public ::testing::Test {
 protected:
  Streams() { fs::create_directory(folder_); }
  ~Streams() override { fs::remove_all(folder_); }

  Output in_folder(const std::string& line) const {
    return run_line("cd '" + folder_ + "'; " + line);
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  const std::string folder_ = testing::temporary_path(".streams");
};

// Every way to print something, of every subcommand.
std::vector<std::string> printing() {
  return {"",
          "--help",
          "--version",
          "version",
          "lab --list",
          "lab --help",
          "pprof --help",
          "callsites --help",
          "callsites mapaccess1_fast64 --json",
          "callsites mapaccess1_fast64",
          "serve --help",
          kX1,
          kX1 + " --json",
          "serve 127.0.0.1:0"};
}

TEST_F(Streams, AFullDeviceAndAClosedOutputAreErrors) {
  for (const std::string& arguments : printing()) {
    const Output full = run_line("timeout 60 \"$G\" " + arguments + " >/dev/full");
    EXPECT_EQ(full.status, 2) << arguments;
    EXPECT_NE(full.err.find("standard output: cannot be written: No space left on device"),
              std::string::npos)
        << arguments << full.err;
    const Output closed = run_line("timeout 60 \"$G\" " + arguments + " >&-");
    EXPECT_EQ(closed.status, 2) << arguments;
    EXPECT_NE(closed.err.find("cannot be written: Bad file descriptor"), std::string::npos)
        << arguments << closed.err;
  }
}

TEST_F(Streams, AProfileToAFullDeviceIsAnError) {
  ASSERT_EQ(in_folder("\"$G\" " + kX1 + " --heapprofile heap.pb.gz").status, 0);
  for (const char* how : {"--top", "--tree", "--folded"}) {
    const Output full = in_folder(std::string("\"$G\" pprof heap.pb.gz ") + how + " >/dev/full");
    EXPECT_EQ(full.status, 2) << how;
    EXPECT_NE(full.err.find("No space left on device"), std::string::npos) << full.err;
  }
}

// The first is SIGPIPE's own doing; where that is ignored the command ends as if it were not.
TEST_F(Streams, AReaderThatWentAwayEndsItQuietly) {
  for (const char* before : {"", "trap '' PIPE; "}) {
    for (const char* arguments : {"lab --list", "--help", "version"}) {
      const Output output = run_line(before + std::string("{ sleep 0.2; \"$G\" ") + arguments +
                                     "; echo \"status $?\" >&2; } | true");
      EXPECT_EQ(output.err, "status 141\n") << before << arguments;
    }
  }
}

TEST_F(Streams, MessagesThatNobodyCanReadChangeNoStatus) {
  for (const char* where : {"2>&-", "2>/dev/full", "<&- >&- 2>&-"}) {
    EXPECT_EQ(run_line(std::string("\"$G\" lab --only X99 ") + where).status, 2) << where;
    EXPECT_EQ(run_line(std::string("\"$G\" nonsense ") + where).status, 2) << where;
  }
  EXPECT_EQ(run_line("\"$G\" " + kX1 + " 2>&-").status, 0);
  ASSERT_EQ(in_folder("\"$G\" " + kX1 + " --heapprofile heap.pb.gz").status, 0);
  for (const char* where : {"2>&-", "2>/dev/full"}) {
    const Output output = in_folder(std::string("\"$G\" pprof heap.pb.gz --tag no=such ") + where);
    EXPECT_EQ(output.status, 0) << where;
    EXPECT_NE(output.out.find("_space: 0 B in all; 0 of 0 functions"), std::string::npos)
        << where << output.out;
  }
}

// Were a file to get descriptor 2, messages would go into it.
TEST_F(Streams, NoFileTakesTheNumberOfAClosedOne) {
  const Output output = in_folder(
      "GREYHOUND_DEBUG=gctrace=1 \"$G\" lab --only X15 --quick --reps 1 "
      "--go off --trace trace.json <&- 2>&-");
  EXPECT_EQ(output.status, 0);
  const std::string trace = testing::read_file(folder_ + "/trace.json");
  EXPECT_EQ(trace.rfind("{", 0), 0u);
  EXPECT_EQ(trace.find("ms clock"), std::string::npos);
}

struct BadFile {
  const char* name;
  const char* arguments;
  const char* says;
};
void PrintTo(const BadFile& row, std::ostream* out) { *out << row.arguments; }

class BadFiles : public ::testing::TestWithParam<BadFile> {};

TEST_P(BadFiles, AreSaidBeforeAnythingRunsAndNothingIsLeft) {
  const std::string folder = testing::temporary_path(".bad");
  const Output output = run_line("mkdir -p '" + folder + "/dir' && cd '" + folder +
                                 "' && : >there && ln there hard && "
                                 "ln -s new soft && timeout 60 \"$G\" lab --only X14 --quick " +
                                 std::string(GetParam().arguments));
  EXPECT_EQ(output.status, 2) << output.out;
  EXPECT_EQ(output.out, "");
  EXPECT_EQ(output.err_lines().size(), 1u) << output.err;
  EXPECT_NE(output.err.find(GetParam().says), std::string::npos) << output.err;
  EXPECT_EQ(run_line("ls -A '" + folder + "'").out, "dir\nhard\nsoft\nthere\n");
  fs::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(
    All, BadFiles,
    ::testing::Values(
        BadFile{"FolderForPage", "--html dir", "dir: cannot be written: Is a directory"},
        BadFile{"FolderForTrace", "--trace dir", "dir: cannot be written: Is a directory"},
        BadFile{"FolderForProfile", "--heapprofile dir", "Is a directory"},
        BadFile{"MissingFolder", "--html none/a", "none/a: cannot be written: No such file"},
        BadFile{"FullForPage", "--html /dev/full", "/dev/full: cannot be written: No space"},
        BadFile{"FullForTrace", "--trace /dev/full", "/dev/full: cannot be written: No space"},
        BadFile{"FullForProfile", "--gcprofile /dev/full", "No space left on device"},
        BadFile{"PageAndTrace", "--html a --trace a", "--html a and --trace a are one file"},
        BadFile{"PageAndTraceSpelled", "--html a --trace ./dir/../a", "are one file"},
        BadFile{"PageAndProfile", "--cpuprofile a --html a", "--cpuprofile a and --html a"},
        BadFile{"TwoProfiles", "--cpuprofile a --blockprofile a", "are one file"},
        BadFile{"HardLink", "--trace there --html hard", "are one file"},
        BadFile{"SymbolicLink", "--trace new --html soft", "are one file"},
        BadFile{"OutputTwice", "--trace /dev/stdout --html /dev/fd/1", "are one file"},
        BadFile{"SideOfProfile", "--heapprofile a.gz --trace a.before.gz", "are one file"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_F(Streams, APageWhereTheTablesGoIsRefused) {
  const Output output = in_folder("\"$G\" " + kX1 + " --html out >out");
  EXPECT_EQ(output.status, 2);
  EXPECT_NE(output.err.find("--html out is where the tables go"), std::string::npos) << output.err;
}

// Everything that is on its way when the signal comes.
TEST_F(Streams, AnInterruptLeavesNoFiles) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    testing::Process lab({"lab", "--only", "X9", "--go", "off", "--html", folder_ + "/page",
                          "--trace", folder_ + "/trace", "--heapprofile", folder_ + "/heap"});
    ASSERT_TRUE(lab.await("machine")) << lab.said();
    lab.signal(signal);
    EXPECT_EQ(lab.status(), 128 + signal);
    EXPECT_EQ(files(), 0u);
  }
}

TEST_F(Streams, WhatWasThereStaysWhenARunIsInterrupted) {
  in_folder("echo kept >page");
  testing::Process lab({"lab", "--only", "X9", "--go", "off", "--html", folder_ + "/page"});
  ASSERT_TRUE(lab.await("machine")) << lab.said();
  lab.signal(SIGTERM);
  EXPECT_EQ(lab.status(), 128 + SIGTERM);
  EXPECT_EQ(testing::read_file(folder_ + "/page"), "kept\n");
}

TEST_F(Streams, APipeIsWrittenTo) {
  const Output output = in_folder("\"$G\" " + kX1 +
                                  " --trace >(wc -c >size) >/dev/null; sleep 0.5; "
                                  "test $(cat size) -gt 100");
  EXPECT_EQ(output.status, 0) << output.err;
}

TEST(Help, FitsEightyColumns) {
  for (const char* command : {"", "lab", "pprof", "callsites", "serve", "version"}) {
    const Output help = run_line(std::string("\"$G\" ") + command + " --help");
    EXPECT_EQ(help.status, 0);
    for (const std::string& line : help.out_lines()) EXPECT_LE(text_width(line), 80u) << line;
  }
}

TEST(Fitted, LinesContinueBelowTheirSecondColumn) {
  EXPECT_EQ(fitted("  --one  words that go on\n", 20), "  --one  words that\n         go on\n");
  EXPECT_EQ(fitted("prose that goes on and on", 15), "prose that goes\non and on");
  EXPECT_EQ(fitted("  indented prose goes on", 15), "  indented\n      prose\n      goes on");
  EXPECT_EQ(fitted(std::string(30, 'x') + " y", 20), std::string(30, 'x') + "\ny");
  EXPECT_EQ(fitted("µµµµ µµµµ", 9), "µµµµ µµµµ");
  EXPECT_EQ(fitted("", 20), "");
}

}  // namespace
}  // namespace greyhound
