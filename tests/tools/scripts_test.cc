// SPDX-License-Identifier: MIT
// What the scripts of tools/ say to input that they do not understand, before they build or measure
// anything.
#include "tests/tools/command.h"

namespace greyhound {
namespace {

using testing::Output;
using testing::run_line;

struct BadWords {
  const char* name;
  const char* line;  // behind tools/
  const char* says;
};
void PrintTo(const BadWords& row, std::ostream* out) { *out << row.line; }

class Scripts : public ::testing::TestWithParam<BadWords> {};

TEST_P(Scripts, RefuseWhatTheyDoNotUnderstand) {
  const Output output =
      run_line("export GREYHOUND_SETUP=skip; cd '" GREYHOUND_SOURCE_DIR "' && timeout 60 tools/" +
               std::string(GetParam().line));
  EXPECT_EQ(output.status, 2) << output.err;
  EXPECT_EQ(output.out, "");
  EXPECT_NE(output.err.find(GetParam().says), std::string::npos) << output.err;
  EXPECT_EQ(output.err.find("Traceback"), std::string::npos) << output.err;
}

INSTANTIATE_TEST_SUITE_P(
    All, Scripts,
    ::testing::Values(
        BadWords{"CheckUnknownOption", "check --onyl x", "'--onyl'; the nearest is '--only'"},
        BadWords{"CheckUnknownStage", "check --only fromat", "'fromat'; the nearest is 'format'"},
        BadWords{"CheckNoStage", "check --only", "--only wants a stage"},
        BadWords{"CheckEmptyStage", "check --only ''", "unknown stage ''"},
        BadWords{"CheckEmptyName", "check --only format,,layering", "unknown stage ''"},
        BadWords{"PeersUnknownOption", "peers --quik", "'--quik'; the nearest is '--quick'"},
        BadWords{"PeersNoRepetitions", "peers --reps 0", "'0'"},
        BadWords{"PeersTooManyRepetitions", "peers --reps 1e9", "from 1 to 1000, not '1e9'"},
        BadWords{"PeersEmptyPattern", "peers --only ''", "--only needs a value"},
        BadWords{"PeersBadPattern", "peers --only '('", "'(' is not a regular expression"},
        BadWords{"PeersTwice", "peers --reps 1 --reps 2", "--reps is given more than once"},
        BadWords{"PeersMissingFolder", "peers --out /nonexistent/out", "/nonexistent/out"},
        BadWords{"PeersFullDevice", "peers --out /dev/full", "No space left on device"},
        BadWords{"ReportNoSuchRow", "report --only metadate", "'metadata'"},
        BadWords{"ReportFolder", "report --out /tmp", "Is a directory"},
        BadWords{"ReportFullOutput", "report --list >/dev/full", "standard output"},
        BadWords{"FaultUnknown", "planted-faults --only 999", "no fault 999"},
        BadWords{"FaultEmpty", "planted-faults --only ''", "--only wants numbers"},
        BadWords{"FaultNoNumber", "planted-faults --only 1,x", "'1,x'"},
        BadWords{"FaultUnknownOption", "planted-faults --sage",
                 "'--sage'; the nearest is '--stage'"},
        BadWords{"HuntNever", "hunt --repeat 0", "from 1 to 999999, not '0'"},
        BadWords{"HuntHuge", "hunt --repeat 99999999999999999999", "from 1 to 999999"},
        BadWords{"HuntUnknownPreset", "hunt --preset releas", "'release'"},
        BadWords{"LayeringTakesNothing", "check-layering --all", "'--all'"},
        BadWords{"CitationsUnknownOption", "check-citations --al", "'--al'"},
        BadWords{"CitationsUnknownFile", "check-citations NOTHING.md", "'NOTHING.md'"},
        BadWords{"DocsUnknownPage", "check-docs --only NOTHING.md", "README.md"},
        BadWords{"DocsUnknownOption", "check-docs --al", "'--al'"}),
    [](const auto& row) { return std::string(row.param.name); });

// A clone, or a copy of one, has a release build already: the command says no more than itself.
TEST(Launcher, RunsTheCommandItWasAskedFor) {
  if (std::string(GREYHOUND_COMMAND) != GREYHOUND_SOURCE_DIR "/build/release/bin/greyhound")
    GTEST_SKIP() << "this is another build than the launcher's";
  const Output output = run_line("export GREYHOUND_SETUP=skip; cd /; '" GREYHOUND_SOURCE_DIR
                                 "/tools/greyhound' --version && "
                                 "'" GREYHOUND_SOURCE_DIR "/tools/lab' --list --only X9");
  EXPECT_EQ(output.status, 0) << output.err;
  EXPECT_EQ(output.out.rfind("greyhound " GREYHOUND_VERSION, 0), 0u) << output.out;
  EXPECT_NE(output.out.find("\nX9 "), std::string::npos) << output.out;
}

}  // namespace
}  // namespace greyhound
