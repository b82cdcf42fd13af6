// SPDX-License-Identifier: MIT
// What the command says to input that it does not understand, and to those who ask what it takes.
#include "tests/tools/command.h"

namespace greyhound {
namespace {

using testing::Output;
using testing::run_greyhound;

struct BadInput {
  const char* name;
  const char* arguments;
  const char* environment;
  const char* says;   // the offending word
  const char* names;  // what to type instead
};
void PrintTo(const BadInput& input, std::ostream* out) { *out << input.arguments; }

class Usage : public ::testing::TestWithParam<BadInput> {};

TEST_P(Usage, BadInputIsOneLineThatNamesItAndTheNearest) {
  const Output output = run_greyhound(GetParam().arguments, GetParam().environment);
  EXPECT_EQ(output.status, 2);
  EXPECT_EQ(output.out, "");
  ASSERT_EQ(output.err_lines().size(), 1u) << output.err;
  EXPECT_NE(output.err.find(GetParam().says), std::string::npos) << output.err;
  EXPECT_NE(output.err.find(GetParam().names), std::string::npos) << output.err;
}

INSTANTIATE_TEST_SUITE_P(
    All, Usage,
    ::testing::Values(
        BadInput{"UnknownCommand", "labb", "", "'labb'", "'lab'"},
        BadInput{"UnknownCommandWithOptions", "labb --quick", "", "'labb'", "'lab'"},
        BadInput{"UnknownTopOption", "--verson", "", "'--verson'", "'--"},
        BadInput{"OptionBeforeItsCommand", "--json lab", "", "'--json'", "greyhound lab --json"},
        BadInput{"UnknownOption", "lab --quik", "", "'--quik'", "'--quick'"},
        BadInput{"UnknownOptionWithValue", "lab --repz=3", "", "'--repz'", "'--reps'"},
        BadInput{"UnknownShortOption", "lab -x", "", "'-x'", "'-h'"},
        BadInput{"UnknownVersionOption", "version --hlp", "", "'--hlp'", "'--help'"},
        BadInput{"UnknownExperiment", "lab --only X1,X2", "", "'X2'", "'X1'"},
        BadInput{"UnknownExperimentFarOff", "lab --only X155", "", "'X155'", "'X15'"},
        BadInput{"NoExperiment", "lab --only ,", "", "--only", "X1,X9"},
        BadInput{"ExperimentWithoutOnly", "lab --list X9", "", "'X9'", "'--only X9'"},
        BadInput{"MissingValue", "lab --only", "", "--only needs a value", "greyhound lab --help"},
        BadInput{"MissingRepetitions", "lab --reps", "", "--reps needs a value", "--help"},
        BadInput{"RepetitionsNoNumber", "lab --reps many", "", "'many'", "from 1 to 1000"},
        BadInput{"RepetitionsZero", "lab --reps 0", "", "'0'", "from 1 to 1000"},
        BadInput{"RepetitionsTooMany", "lab --reps 1001", "", "'1001'", "from 1 to 1000"},
        BadInput{"FlagWithValue", "lab --quick=yes", "", "--quick", "takes no value"},
        BadInput{"RepetitionsNegative", "lab --reps -1", "", "'-1'", "from 1 to 1000"},
        BadInput{"RepetitionsHuge", "lab --reps 100000000000000000000", "",
                 "'100000000000000000000'", "from 1 to 1000"},
        BadInput{"RepetitionsOfAList", "lab --list --reps 0", "", "'0'", "from 1 to 1000"},
        BadInput{"RepetitionsTwice", "lab --reps 1 --reps 2", "", "--reps is given more than once",
                 "'2'"},
        BadInput{"OnlyTwice", "lab --only X1 --only X3", "", "--only is given more than once",
                 "'X3'"},
        BadInput{"OnlyEmpty", "lab --only ''", "", "--only needs a value", "lab --help"},
        BadInput{"OnlyEmptyWithEquals", "lab --only=", "", "--only needs a value", "lab --help"},
        BadInput{"OnlyEmptyName", "lab --only X1,,X3", "", "'X1,,X3'", "X1,X9"},
        BadInput{"OnlyTrailingComma", "lab --only X1,", "", "'X1,'", "X1,X9"},
        BadInput{"OnlySpaces", "lab --only ' '", "", "' '", "X1,X9"},
        BadInput{"OnlyUnknownOfAList", "lab --list --only X2", "", "'X2'", "'X1'"},
        BadInput{"PageEmpty", "lab --html ''", "", "--html needs a value", "lab --help"},
        BadInput{"TraceEmpty", "lab --trace ''", "", "--trace needs a value", "lab --help"},
        BadInput{"ProfileEmpty", "lab --heapprofile ''", "", "--heapprofile needs", "lab --help"},
        BadInput{"RepetitionsEmpty", "lab --reps ''", "", "--reps needs a value", "lab --help"},
        BadInput{"GoEmpty", "lab --go ''", "", "--go needs a value", "lab --help"},
        BadInput{"MetricsWithoutServer", "lab --metrics-compat go", "", "--metrics-compat",
                 "--serve"},
        BadInput{"MetricsUnknown", "lab --serve 127.0.0.1:0 --metrics-compat c", "", "'c'", "go"},
        BadInput{"AddressEmpty", "serve ''", "", "needs a value", "serve --help"},
        BadInput{"BinaryEmpty", "callsites main --binary ''", "", "--binary needs a value", "help"},
        BadInput{"SampleTypeEmpty", "pprof f --sample-type ''", "", "--sample-type needs", "help"},
        BadInput{"LinesHuge", "pprof f --lines 100000000000000000000", "", "--lines", "whole"},
        BadInput{"GoIsAFolder", "lab --go /tmp", "", "'/tmp'", "auto, off"},
        BadInput{"GoIsNoProgram", "lab --go /etc/passwd", "", "'/etc/passwd'", "auto, off"},
        BadInput{"GoThatIsNone", "lab --only X1 --go /bin/echo", "", "--go /bin/echo", "version"},
        BadInput{"GoThatFails", "lab --only X1 --go /bin/false", "", "--go /bin/false", "status 1"},
        BadInput{"GoThatNeverEnds", "lab --only X1 --go /usr/bin/yes", "", "--go /usr/bin/yes",
                 "MiB"},
        BadInput{"NoSuchGo", "lab --go /nonexistent/go", "", "'/nonexistent/go'", "auto, off"},
        BadInput{"UnknownDebugFlag", "lab --only X3", "GREYHOUND_DEBUG=gctrac=1", "'gctrac'",
                 "'gctrace'"},
        BadInput{"DebugFlagNoNumber", "lab --only X3", "GREYHOUND_DEBUG=gctrace=on", "'gctrace=on'",
                 "gctrace=1"},
        BadInput{"BadGcPercent", "lab --only X3", "GREYHOUND_GC=fast", "'fast'", "off"},
        BadInput{"BadMemoryLimit", "lab --only X3", "GREYHOUND_MEMLIMIT=1gig", "'1gig'", "MiB"}),
    [](const auto& row) { return std::string(row.param.name); });

// Words, paths and what another program says are text to show.
TEST(Messages, NothingThatIsTypedReachesATerminalAsACommand) {
  const std::string folder = testing::temporary_path(".escapes");
  ASSERT_EQ(testing::run_line("mkdir -p '" + folder + "' && cd '" + folder +
                              "' && : >$'\\e[31mempty' && cat >go <<'END' && chmod +x go\n"
                              "#!/bin/sh\nprintf 'no \\033[31mgo\\n' >&2; exit 3\nEND")
                .status,
            0);
  const std::string evil = "$'\\e[31mred\\e[m'";
  for (const std::string& line :
       std::vector<std::string>{"G " + evil,
                                "G --" + evil,
                                "G version " + evil,
                                "G lab " + evil,
                                "G lab --" + evil,
                                "G lab --only " + evil,
                                "G lab --only X1,," + evil,
                                "G lab --reps " + evil,
                                "G lab --go " + evil,
                                "G lab --only X1 --go ./go",
                                "G lab --html /nonexistent/" + evil,
                                "G lab --trace /nonexistent/" + evil,
                                "G lab --heapprofile /nonexistent/" + evil,
                                "G lab --html " + evil + " --trace " + evil,
                                "G lab --serve " + evil,
                                "G lab --serve 127.0.0.1:0 --metrics-compat " + evil,
                                "GREYHOUND_DEBUG=" + evil + " G lab --only X3",
                                "GREYHOUND_GC=" + evil + " G lab --only X3",
                                "G serve " + evil,
                                "G serve --metrics-compat " + evil,
                                "GREYHOUND_GC=" + evil + " G serve",
                                "G callsites " + evil,
                                "G callsites main " + evil,
                                "G callsites main --binary " + evil,
                                "G callsites main --binary $'\\e[31mempty'",
                                "G pprof " + evil,
                                "G pprof --tag " + evil + " f",
                                "G pprof --lines " + evil + " f",
                                "G pprof $'\\e[31mempty'",
                                "G pprof f --highlight '('" + evil + " --html f",
                                "G pprof http://" + evil + "/x"}) {
    const Output output =
        testing::run_line("cd '" + folder + "'; G() { timeout 60 \"$G\" \"$@\"; }; " + line);
    EXPECT_EQ(output.status, 2) << line << output.err;
    EXPECT_NE(output.err, "") << line;
    EXPECT_EQ(output.err.find('\x1b'), std::string::npos) << line << output.err;
    EXPECT_EQ(output.out.find('\x1b'), std::string::npos) << line << output.out;
  }
  EXPECT_EQ(testing::run_line("rm -r '" + folder + "'").status, 0);
}

TEST(Help, BareCommandPrintsIt) {
  const Output bare = run_greyhound("");
  const Output asked = run_greyhound("--help");
  EXPECT_EQ(bare.status, 0);
  EXPECT_EQ(asked.status, 0);
  EXPECT_EQ(bare.out, asked.out);
  EXPECT_EQ(bare.err, "");
  EXPECT_NE(bare.out.find("lab"), std::string::npos);
  EXPECT_NE(bare.out.find("version"), std::string::npos);
}

TEST(Help, LabNamesEveryOptionAndExitStatus) {
  const Output output = run_greyhound("lab --help");
  EXPECT_EQ(output.status, 0);
  for (const char* word :
       {"--list", "--only", "--quick", "--json", "--reps", "--go", "Exit status"}) {
    EXPECT_NE(output.out.find(word), std::string::npos) << word;
  }
}

TEST(Version, IsOneLineWithTheNumber) {
  for (const char* way : {"version", "--version"}) {
    const Output output = run_greyhound(way);
    EXPECT_EQ(output.status, 0) << way;
    ASSERT_EQ(output.out_lines().size(), 1u) << way;
    EXPECT_EQ(output.out.rfind("greyhound " GREYHOUND_VERSION, 0), 0u) << output.out;
  }
}

TEST(Only, NamesMayHaveSpacesAroundThemAndComeTwice) {
  const Output output = run_greyhound("lab --list --only ' x9, X1 ,x9'");
  EXPECT_EQ(output.status, 0);
  ASSERT_EQ(output.out_lines().size(), 2u) << output.out;
  EXPECT_EQ(output.out.rfind("X1 ", 0), 0u) << output.out;
}

// As a path from here, as a name on the PATH; its own folder is another than the one it is run in.
TEST(Go, IsFoundAsAShellFindsIt) {
  const std::string folder = testing::temporary_path(".go");
  const Output output = testing::run_line("mkdir -p '" + folder + "' && cd '" + folder +
                                          "' && printf '#!/bin/sh\\nexit 7\\n' >mygo && "
                                          "chmod +x mygo\n"
                                          "for go in mygo ./mygo '" +
                                          folder + "/mygo' ../$(basename '" + folder +
                                          "')/mygo; do\n"
                                          "  \"$G\" lab --only X1 --go \"$go\"\n"
                                          "done\n"
                                          "cd /; PATH=\"$PATH:" +
                                          folder +
                                          "\" \"$G\" lab --only X1 --go mygo\n"
                                          "status=$?; rm -r '" +
                                          folder + "'; exit $status");
  EXPECT_EQ(output.status, 2);
  const std::vector<std::string> lines = output.err_lines();
  ASSERT_EQ(lines.size(), 5u) << output.err;
  EXPECT_NE(lines[0].find("not 'mygo'"), std::string::npos)
      << "by its name alone it is not looked for in the folder: " << lines[0];
  for (size_t i = 1; i < lines.size(); ++i)
    EXPECT_NE(lines[i].find("ended with status 7"), std::string::npos) << lines[i];
}

// It builds, and its program does not run.
TEST(Go, ThatFailsLaterIsNoSuccess) {
  const std::string folder = testing::temporary_path(".go");
  const Output output = testing::run_line(
      "mkdir -p '" + folder + "' && cd '" + folder +
      "' && cat >go <<'END' && chmod +x go\n"
      "#!/bin/sh\n"
      "case $1 in\n"
      "  version) echo go version go0.0-test$$ linux/amd64;;\n"
      "  build) while [ $# -gt 1 ]; do [ \"$1\" = -o ] && cp /bin/false \"$2\"; shift; done;;\n"
      "esac\n"
      "END\n"
      "XDG_CACHE_HOME='" +
      folder +
      "' \"$G\" lab --only X1 --quick --reps 1 --go ./go\n"
      "status=$?; rm -rf '" +
      folder + "' \"${G%/bin/greyhound}\"/lab-go/go0.0-test*; exit $status");
  EXPECT_EQ(output.status, 2) << output.err;
  EXPECT_NE(output.err.find("--go ./go: in X1 its program ended with status 1"), std::string::npos)
      << output.err;
}

// It is interrupted, or fails, after it has begun to write: nothing is left of it for ever.
TEST(Go, WhatABuildLeavesIsRemoved) {
  const std::string folder = testing::temporary_path(".go");
  const std::string version = "go0.0-left" + std::to_string(getpid());
  const Output output =
      testing::run_line("mkdir -p '" + folder + "' && cd '" + folder +
                        "' && cat >go <<'END' && chmod +x go\n"
                        "#!/bin/sh\n"
                        "case $1 in\n"
                        "  version) echo go version " +
                        version +
                        " linux/amd64;;\n"
                        "  build) while [ $# -gt 1 ]; do [ \"$1\" = -o ] && echo half >\"$2\"; "
                        "shift; done; exit 5;;\n"
                        "esac\n"
                        "END\n"
                        "run() { XDG_CACHE_HOME='" +
                        folder +
                        "' \"$G\" lab --only X1 --quick --reps 1 --go ./go; }\n"
                        "run; status=$?\n"
                        "cache=$(echo \"${G%/bin/greyhound}\"/lab-go/" +
                        version +
                        "-*)\n"
                        "ls \"$cache\" | grep -c '^lab\\.'\n"
                        "touch \"$cache/lab.999999999\" \"$cache/lab.1\" \"$cache/lab.go\"\n"
                        "run; ls \"$cache\" | grep '^lab\\.'\n"
                        "rm -rf '" +
                        folder + "' \"$cache\"; exit $status");
  EXPECT_EQ(output.status, 2) << output.err;
  EXPECT_NE(output.err.find("`go build` ended with status 5"), std::string::npos) << output.err;
  EXPECT_EQ(output.out, "0\nlab.1\nlab.go\n");
}

}  // namespace
}  // namespace greyhound
