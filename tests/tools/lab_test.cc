// SPDX-License-Identifier: MIT
// The lab from the outside: what it runs, prints and exits with. Nothing here asserts a time; Go is
// left out (--go off) except where it is the subject.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "runtime/base/platform.h"
#include "tests/tools/command.h"
#include "tools/common/terminal.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/go_peer.h"
#include "tools/experiments/subprocess.h"

namespace greyhound {
namespace {

using nlohmann::json;
using testing::Output;
using testing::run_greyhound;

const std::string kShort = " --quick --reps 1 --go off ";
// A million entries take ThreadSanitizer minutes, and the maps' and the collector's own tests have
// races in view.
#if defined(GREYHOUND_TSAN)
const std::vector<std::string> kAll = {"X1", "X3", "X10", "X15"};
const std::string kOnlyAll = "--only X1,X3,X10,X15";
#else
const std::vector<std::string> kAll = {"X1", "X3", "X9", "X10", "X11", "X12", "X13", "X14", "X15"};
const std::string kOnlyAll;
#endif

json run_json(const std::string& arguments, const std::string& environment = "") {
  const Output output = run_greyhound("lab --json" + arguments, environment);
  EXPECT_LE(output.status, 1) << output.err;
  json document = json::parse(output.out, nullptr, false);
  EXPECT_TRUE(document.is_object()) << output.out << output.err;
  EXPECT_EQ(document.value("holds", false), output.status == 0);
  return document;
}

const json& arm_named(const json& experiment, const std::string& name) {
  for (const json& arm : experiment["arms"]) {
    if (arm["name"] == name) return arm;
  }
  throw std::runtime_error("no arm " + name);
}

std::vector<std::string> ids_of(const json& document) {
  std::vector<std::string> ids;
  for (const json& experiment : document["experiments"]) ids.push_back(experiment["id"]);
  return ids;
}

void expect_page(const Output& output) {
  EXPECT_EQ(output.out.find('\033'), std::string::npos) << "not a terminal";
  for (const std::string& line : output.out_lines()) {
    // A word is not broken, and this command's path may be long.
    const size_t word = line.find(GREYHOUND_COMMAND);
    if (word != line.npos && line.find(' ', word) == line.npos) continue;
    EXPECT_LE(text_width(line), kUsualColumns) << line;
  }
}

TEST(Lab, ListNamesEveryExperiment) {
  const Output output = run_greyhound("lab --list");
  EXPECT_EQ(output.status, 0);
  const std::vector<std::string> lines = output.out_lines();
  ASSERT_EQ(lines.size(), lab::all_experiments().size());
  for (size_t i = 0; i < lines.size(); ++i) {
    const lab::Experiment& experiment = lab::all_experiments()[i];
    EXPECT_EQ(lines[i].rfind(experiment.id + " ", 0), 0u) << lines[i];
    EXPECT_NE(lines[i].find(experiment.title), std::string::npos) << lines[i];
  }
}

TEST(Lab, OnlyTakesAnyCaseAndOrder) {
  EXPECT_EQ(ids_of(run_json(kShort + "--only x3,X1,x3")), (std::vector<std::string>{"X1", "X3"}));
}

TEST(Lab, BoxesAreMadeByWritesOnly) {
  const json document = run_json(kShort + "--only X1");
  const json& x1 = document["experiments"][0];
  EXPECT_TRUE(x1["holds"]) << x1["observed"];
  for (const char* arm : {"read int", "read any", "read 64 B", "write int", "write any 7"}) {
    EXPECT_EQ(arm_named(x1, arm)["allocs_per_op"], 0) << arm;
    EXPECT_EQ(arm_named(x1, arm)["gc_cycles"], 0) << arm;
  }
  EXPECT_EQ(arm_named(x1, "write any 1000+")["allocs_per_op"], 1);
  EXPECT_EQ(arm_named(x1, "write any 1000+")["bytes_per_op"], 8);
}

TEST(Lab, OkCostsWhatItsPlaceCosts) {
  const json document = run_json(kShort + "--only X3");
  const json& x3 = document["experiments"][0];
  EXPECT_TRUE(x3["holds"]) << x3["observed"];
  const std::vector<std::tuple<const char*, double, double>> rows = {
      {"returned", 0, 0},          {"into a []bool", 0, 0},         {"into a []any", 0, 0},
      {"closure by value", 1, 16}, {"closure by reference", 2, 17}, {"&ok", 1, 1}};
  for (const auto& [name, allocs, bytes] : rows) {
    EXPECT_DOUBLE_EQ(arm_named(x3, name)["allocs_per_op"], allocs) << name;
    EXPECT_NEAR(arm_named(x3, name)["bytes_per_op"], bytes, 0.01) << name;
  }
}

struct BarrierRow {
  const char* arm;
  double hits, shades;
};

TEST(Lab, BarrierLooksAtPointersWhileMarkingWhateverTheirMark) {
  const json document = run_json(kShort + "--only X10");
  const json& x10 = document["experiments"][0];
  EXPECT_TRUE(x10["holds"]) << x10["observed"];
  for (const json& arm : x10["arms"]) {
    if (arm["role"] == "control") {
      EXPECT_EQ(arm["barrier_hits_per_op"], 0) << arm["name"];
    }
    EXPECT_EQ(arm["allocs_per_op"], 0) << arm["name"];
  }
  const std::vector<BarrierRow> rows = {
      {"heap pointer, marking", 1, 1},  {"heap pointer, marked", 1, 0},
      {"heap pointer, hybrid", 2, 2},   {"heap nil, marking", 0, 0},
      {"heap nil, hybrid", 1, 1},       {"heap int, marking", 0, 0},
      {"stack pointer, marking", 0, 0}, {"stack nil, marking", 0, 0},
      {"stack int, marking", 0, 0},     {"map pointer, marking", 1, 1},
      {"map pointer, hybrid", 2, 2},    {"map nil, marking", 0, 0},
      {"map nil, hybrid", 1, 1},        {"map int, marking", 0, 0}};
  for (const auto& [name, hits, shades] : rows) {
    EXPECT_DOUBLE_EQ(arm_named(x10, name)["barrier_hits_per_op"], hits) << name;
    EXPECT_DOUBLE_EQ(arm_named(x10, name)["barrier_shades_per_op"], shades) << name;
  }
}

// The counts are the collector's own, in its own time: settings of the environment change none.
TEST(Lab, BarrierCountsAreTheSameInEveryMode) {
  for (const char* debug : {"gcstoptheworld=1", "gccheckmark=1", "verifyheap=1"}) {
    const std::string environment = std::string("GREYHOUND_DEBUG=") + debug;
    EXPECT_TRUE(run_json(kShort + "--only X10", environment)["holds"]) << debug;
  }
}

TEST(Lab, FindObjectGivesTheSlotOfAnyAddressInIt) {
  const json document = run_json(kShort + "--only X13");
  const json& x13 = document["experiments"][0];
  EXPECT_TRUE(x13["holds"]) << x13["observed"];
  for (const char* arm : {"global", "stack", "free page", "span tail"})
    EXPECT_EQ(arm_named(x13, arm)["found_per_op"], 0) << arm;
  for (const char* arm : {"hit, hot", "free slot, hot", "hit, cold", "byte 20, cold"})
    EXPECT_EQ(arm_named(x13, arm)["found_per_op"], 1) << arm;
}

#if !defined(GREYHOUND_TSAN)
TEST(Lab, CodeOfReadsReachesNoAllocationAndThatOfWritesDoes) {
  const json document = run_json(kShort + "--only X12");
  const json& x12 = document["experiments"][0];
  EXPECT_TRUE(x12["holds"]) << x12["observed"];
  EXPECT_TRUE(x12["times"].empty()) << "nothing is timed";
  for (const char* arm :
       {"an empty function", "mapaccess1_fast64", "mapaccess2_fast64", "mapaccess1_faststr",
        "mapaccess2_faststr", "mapaccess1", "mapaccess2", "keys' hash and equal"})
    EXPECT_EQ(arm_named(x12, arm)["alloc_calls"], 0) << arm;
  for (const char* arm : {"mapassign_fast64", "mapassign_faststr", "mapassign", "convT64"})
    EXPECT_GT(arm_named(x12, arm)["alloc_calls"], 0) << arm;
  EXPECT_GT(arm_named(x12, "mapaccess1")["pointer_calls"], 0);
  for (const char* figure : {"allocs_per_op", "bytes_per_op", "gc_cycles", "mark_cpu_ms"})
    EXPECT_TRUE(arm_named(x12, "mapassign")[figure].is_null()) << figure << ": nothing was run";
  const std::string callsites = lab::shell_word(GREYHOUND_COMMAND) + " callsites ";
  for (const char* text : {"verdict", "note"})
    EXPECT_NE(x12[text].get<std::string>().find("`" + callsites), std::string::npos) << x12[text];
}

TEST(Lab, FixesSaveTheAllocationsTheySay) {
  const json document = run_json(kShort + "--only X14");
  const json& x14 = document["experiments"][0];
  EXPECT_TRUE(x14["holds"]) << x14["observed"];
  const std::vector<std::pair<const char*, double>> rows = {
      {"box", 1},  {"box, inlined", 0}, {"write", 1}, {"write, typed", 0},
      {"read", 0}, {"parse", 9},        {"kept", 0},  {"kept, moved", 1}};
  for (const auto& [name, allocs] : rows)
    EXPECT_NEAR(arm_named(x14, name)["allocs_per_op"].get<double>(), allocs, 0.01) << name;
  const json& map = arm_named(x14, "map");
  EXPECT_GT(map["allocs_per_op"].get<double>(),
            arm_named(x14, "map, hint")["allocs_per_op"].get<double>() + 5);
  EXPECT_LT(map["ops"], arm_named(x14, "box")["ops"]) << "an operation is a map";
  const std::string pprof = "`" + lab::shell_word(GREYHOUND_COMMAND) + " pprof`";
  EXPECT_NE(x14["note"].get<std::string>().find(pprof), std::string::npos) << x14["note"];
}

TEST(Lab, SidesOfTheFixesAreProfilesThatCanBeCompared) {
  const std::string base = testing::temporary_path("");
  const Output output =
      run_greyhound("lab" + kShort + "--only X14 --heapprofile '" + base + ".pb.gz'");
  EXPECT_EQ(output.status, 0) << output.err;
  const Output compared =
      run_greyhound("pprof '" + base + ".before.pb.gz' '" + base +
                    ".after.pb.gz' --sample-type alloc_objects --tag fix=parse");
  EXPECT_EQ(compared.status, 0) << compared.err;
  EXPECT_NE(compared.out.find("parse"), std::string::npos) << compared.out;
  for (const char* suffix : {".pb.gz", ".before.pb.gz", ".after.pb.gz"})
    EXPECT_EQ(std::remove((base + suffix).c_str()), 0) << suffix;
}

TEST(Lab, ProfilesShowWhatTheExperimentSays) {
  const json document = run_json(kShort + "--only X11");
  const json& x11 = document["experiments"][0];
  // Whether a short run meets an assist, and a sample that assist, is the scheduler's to say.
  for (const json& sign : x11["signs"]) {
    if (sign["count"] == "share of marking in assists") continue;
    EXPECT_TRUE(sign["holds"]) << sign;
  }
  EXPECT_EQ(arm_named(x11, "allocated, rate 1")["profile"]["objects_per_op"], 1) << "exact";
  EXPECT_EQ(arm_named(x11, "of reads, rate 1")["profile"]["objects_per_op"], 0);
  EXPECT_EQ(arm_named(x11, "runtime hidden")["profile"]["runtime_leaf"], 0);
  EXPECT_EQ(arm_named(x11, "CPU, writes too")["profile"]["mark_in_mapaccess"], 0);
  EXPECT_GT(arm_named(x11, "CPU, writes too")["profile"]["in_mapaccess"], 0);
}

// There is one CPU profile at a time, and X11 makes its own.
TEST(Lab, ProfilingExperimentIsNotProfiled) {
  const std::string path = testing::temporary_path(".pb.gz");
  const Output output = run_greyhound("lab" + kShort + "--only X11 --cpuprofile '" + path + "'");
  EXPECT_EQ(output.status, 2) << output.out;
  EXPECT_EQ(output.err_lines().size(), 1u) << output.err;
  EXPECT_NE(output.err.find("--cpuprofile"), std::string::npos) << output.err;
  std::remove(path.c_str());
}
#endif

// Go does not export findObject.
TEST(Lab, ExperimentWithoutAGoSideShowsRecordedFigures) {
  const json document = run_json(" --quick --reps 1 --only X13");
  EXPECT_EQ(arm_named(document["experiments"][0], "hit, hot")["go"]["source"], "recorded go1.19");
}

TEST(Lab, DecisionsWrittenByHandAreMarked) {
  const std::string mark = "compiler's decision written by hand, not measured from source";
  const json document = run_json(kShort + "--only X3");
  EXPECT_NE(document["experiments"][0]["note"].get<std::string>().find(mark), std::string::npos);
  EXPECT_NE(run_greyhound("lab" + kShort + "--only X3").out.find(mark), std::string::npos);
}

// Every experiment once, against the schema where this machine can check it.
TEST(Lab, JsonHasTheFormOfItsSchema) {
  const std::string path = testing::temporary_path(".json");
  const json document = run_json(kShort + kOnlyAll);
  std::ofstream(path) << document;
  EXPECT_EQ(document["schema_version"], 2);
  EXPECT_EQ(ids_of(document), kAll);
  for (const json& experiment : document["experiments"]) {
    EXPECT_TRUE(experiment["holds"]) << experiment["id"] << experiment["verdict"];
    EXPECT_EQ(experiment["expected"], experiment["observed"]);
    for (const json& arm : experiment["arms"]) {
      EXPECT_EQ(arm["go"]["source"], "recorded go1.19");
      EXPECT_GT(arm["ns_per_op"]["median"], 0);
    }
  }
  if (std::system("/usr/bin/python3 -c 'import jsonschema' 2>/dev/null") != 0) {
    std::remove(path.c_str());
    GTEST_SKIP() << "python3-jsonschema is not installed";
  }
  const std::string validate =
      "/usr/bin/python3 -c 'import json, jsonschema, sys; "
      "jsonschema.validate(*(json.load(open(p)) for p in sys.argv[:0:-1]))' '" GREYHOUND_SOURCE_DIR
      "/docs/lab.schema.json' '" +
      path + "'";
  EXPECT_EQ(std::system(validate.c_str()), 0);
  std::remove(path.c_str());
}

TEST(Lab, TracesCyclesInGosFormat) {
  const Output output = run_greyhound("lab" + kShort + "--only X15", "GREYHOUND_DEBUG=gctrace=1");
  EXPECT_EQ(output.status, 0) << output.out;
  size_t cycles = 0;
  for (const std::string& line : output.err_lines()) {
    if (!line.starts_with("gc ")) continue;  // a busy machine may make the watchdog speak
    EXPECT_TRUE(lab::parse_gctrace(line)) << line;
    ++cycles;
  }
  EXPECT_GT(cycles, 0u);
  expect_page(output);
  EXPECT_NE(output.out.find("GREYHOUND_DEBUG=gctrace=1"), std::string::npos)
      << "a setting that changes the figures is shown beside them";
}

// Without a collector boxed writes set off no cycle, which is not what X15 expects.
TEST(Lab, SignThatDoesNotHoldIsExitOne) {
  const Output output = run_greyhound("lab" + kShort + "--only X15", "GREYHOUND_GC=off");
  EXPECT_EQ(output.status, 1);
  EXPECT_NE(output.out.find("No verdict"), std::string::npos) << output.out;
  EXPECT_NE(output.out.find("✗ write any 1000+"), std::string::npos) << output.out;
}

TEST(Lab, SettingsThatChangeTheRuntimeAreReported) {
  const json document = run_json(kShort + "--only X1", "GREYHOUND_GC=off");
  EXPECT_EQ(document["settings"]["environment"]["GREYHOUND_GC"], "off");
  EXPECT_TRUE(document["settings"]["quick"]);
}

TEST(Lab, AGoOnThePathThatFailsLeavesTheRecordedFigures) {
  const std::string folder = testing::temporary_path(".bin");
  testing::run_line("mkdir -p '" + folder + "' && ln -s /bin/false '" + folder + "/go'");
  const json document =
      run_json(" --quick --reps 1 --only X1", "PATH='" + folder + "':/usr/bin:/bin");
  testing::run_line("rm -r '" + folder + "'");
  EXPECT_TRUE(document["holds"]);
  EXPECT_NE(document["go_note"].get<std::string>().find("recorded"), std::string::npos);
  const json& go = arm_named(document["experiments"][0], "write any 1000+")["go"];
  EXPECT_EQ(go["source"], "recorded go1.19");
  EXPECT_EQ(go["allocs_per_op"], 1);
}

TEST(Lab, TablesFitThePageWithoutControlCodes) {
  const Output output = run_greyhound("lab" + kShort + kOnlyAll);
  // 1: a sign did not hold, as X11's of assists need not in a short run.
  EXPECT_TRUE(output.status == 0 || output.status == 1) << output.out << output.err;
  expect_page(output);
}

TEST(Lab, TheWidthIsThatOfTheEnvironmentWithinBounds) {
  for (const auto& [columns, widest] :
       {std::pair("60", 60u), std::pair("10", 40u), std::pair("100", 100u), std::pair("1000", 100u),
        std::pair("many", 80u)}) {
    const Output help = run_greyhound("lab --help", std::string("COLUMNS=") + columns);
    size_t width = 0;
    for (const std::string& line : help.out_lines()) width = std::max(width, text_width(line));
    EXPECT_LE(width, widest) << columns;
    EXPECT_GT(width + 20, widest) << columns;
  }
}

// What --quick promises, as far as it is a matter of what is planned: no time is measured here.
TEST(Lab, QuickPlansNoMoreThanItPromises) {
  double seconds = 0;
  for (const lab::Experiment& experiment : lab::all_experiments()) {
    EXPECT_GT(experiment.quick_seconds, 0) << experiment.id;
    EXPECT_LE(experiment.quick_repetitions, experiment.repetitions * 2) << experiment.id;
    EXPECT_LE(experiment.quick_ops, experiment.ops) << experiment.id;
    seconds += experiment.quick_seconds;
  }
  EXPECT_LE(seconds, lab::kQuickSeconds);
}

}  // namespace
}  // namespace greyhound
