// SPDX-License-Identifier: MIT
// What an experiment is: arms that do the same amount of work in different ways, and what the
// counts of each treatment must come to beside its control's. Experiments are data; runner.h runs
// them, judge.h compares what came out with what was expected, report.h shows it.
//
// To add one: a file named by what it is about, with a function that gives an Experiment, a line in
// all_experiments(), and the same arms in go/, under the same names (README.md has the rest).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/experiments/figures.h"
#include "tools/experiments/go_peer.h"

namespace greyhound::lab {

enum class Role : uint8_t { kControl, kTreatment };

struct Arm {
  std::string name;
  std::string go_arm;  // its name in the Go program; empty: Go cannot do or show this
  Role role = Role::kTreatment;
  size_t versus = 0;  // the index of the control that a treatment is compared with
  // One repetition, on a runtime of its own.
  std::function<Measurement(uint64_t ops)> run;
  // What Go 1.19.8 did when the document was examined; shown where no Go is found.
  Figures recorded = {};
  // What to do with the built Go program, where running `go_arm` is not all. As GoPeer::run, but
  // that it may give nothing without a failure: then Go has no figures.
  std::function<std::optional<Measurement>(const GoPeer&, uint64_t ops, std::string* failure)>
      run_go = {};
};

// The counts that a verdict may rest on.
enum class Count : uint8_t {
#define GREYHOUND_COUNT(name, what, in_table, value) name,
#include "tools/experiments/counts.def"
};
std::string_view count_name(Count count);        // "allocations per op"
std::string_view count_short_name(Count count);  // "allocs/op"

// What a treatment's count must be beside its control's.
struct Expectation {
  Count count;
  std::vector<size_t> arms;
  char sign = '0';       // '0', '+' or '-'
  double amount = 0;     // how much more, where the sign alone is not all; 0: any amount
  double tolerance = 0;  // a difference up to this is none
  static constexpr size_t kOwnControl = SIZE_MAX;
  size_t versus = kOwnControl;
};

// A column of the table. Which of an arm's two sides it shows depends on where it stands.
enum class Column : uint8_t {
  kAllocs,
  kBytes,
  kNs,
  kNsSpread,
  kNsOver,
  kCycles,
  kGreyed,
  kWords,
  kResolved,
  kLive,
  kMark,
  kMarkSpread,
  kMarkCpu,
  kHold,
  kHits,
  kShades,
  kFound,
  kNsChange,
  kGcShare,
  kAllocCalls,
  kPointerCalls,
  kProfileObjects,
  kRuntimeLeaf,
  kLabelled,
  kMarkInBackground,
  kMarkInAssist,
  kMarkInMapaccess,
};
// An arm after all its repetitions.
struct ArmResult {
  const Arm* arm = nullptr;
  uint64_t ops = 0;
  size_t repetitions = 0;
  Figures ours;
  Figures go;
};

struct Experiment {
  std::string id;
  std::string title;
  std::string claim;                // what the document says
  std::string work;                 // what runs, for a reader who has not seen the code
  std::string op;                   // what one operation is
  std::string unit = "operations";  // what `ops` counts
  std::string note;                 // what a reader must know beside the figures; may be empty
  std::vector<Arm> arms;
  std::vector<Expectation> expectations;
  std::vector<Column> columns;
  std::vector<Column> go_columns;
  uint64_t ops = 0;  // of one repetition of one arm
  size_t repetitions = 5;
  uint64_t quick_ops = 0;  // the same with --quick
  size_t quick_repetitions = 5;
  bool timed = true;             // whether times are compared
  bool own_cpu_profile = false;  // cannot be run while another is made
  bool two_sides =
      false;  // has the label side: a heap profile of it is three files (profile_files.h)
  // --quick starts no repetition that would end later, after the first; which takes about as long
  // at most. The sum over all experiments is what --quick promises.
  double quick_seconds = 0;
  // The sentence on the claim when every expectation held.
  std::function<std::string(const std::vector<ArmResult>&)> verdict;
  // Why it cannot be run here, half a sentence; empty where it can. Null: it always can.
  std::function<std::string()> obstacle;
};

// In the order they are listed and run. Built once; any thread.
const std::vector<Experiment>& all_experiments();

// What --quick may take for all of them, in processor time, where the Go side is built already.
inline constexpr int kQuickSeconds = 20;

#define GREYHOUND_EXPERIMENT(function) Experiment function();
#include "tools/experiments/experiments.def"

}  // namespace greyhound::lab
