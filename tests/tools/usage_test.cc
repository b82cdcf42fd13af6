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
        BadInput{"NoSuchGo", "lab --go /nonexistent/go", "", "'/nonexistent/go'", "auto, off"},
        BadInput{"UnknownDebugFlag", "lab --only X3", "GREYHOUND_DEBUG=gctrac=1", "'gctrac'",
                 "'gctrace'"},
        BadInput{"DebugFlagNoNumber", "lab --only X3", "GREYHOUND_DEBUG=gctrace=on", "'gctrace=on'",
                 "gctrace=1"},
        BadInput{"BadGcPercent", "lab --only X3", "GREYHOUND_GC=fast", "'fast'", "off"},
        BadInput{"BadMemoryLimit", "lab --only X3", "GREYHOUND_MEMLIMIT=1gig", "'1gig'", "MiB"}),
    [](const auto& row) { return std::string(row.param.name); });

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
  const Output output = run_greyhound("version");
  EXPECT_EQ(output.status, 0);
  ASSERT_EQ(output.out_lines().size(), 1u);
  EXPECT_EQ(output.out.rfind("greyhound " GREYHOUND_VERSION, 0), 0u) << output.out;
}

}  // namespace
}  // namespace greyhound
