// SPDX-License-Identifier: MIT
// The lab's figures for people. Columns are chosen by the experiment; what a column shows is here.
#include <fmt/color.h>
#include <fmt/format.h>

#include <cmath>

#include "tools/experiments/report.h"
#include "tools/experiments/text_table.h"

namespace greyhound::lab {
namespace {

const std::string kAbsent = "-";

// --- figures as text
// ------------------------------------------------------------------------------

// Three digits at most, and no more than two of them behind the point.
std::string number_text(double value) {
  if (value == 0) return "0";
  const double size = std::abs(value);
  if (size < 0.005) return "<0.01";
  return fmt::format("{:.{}f}", value, size < 10 ? 2 : size < 100 ? 1 : 0);
}

// Whole numbers stay whole: 1, 8, 0.5.
std::string per_op_text(double value) {
  const double rounded = std::round(value * 100) / 100;
  if (rounded == 0 && value > 0) return "<0.01";
  return fmt::format("{:.6g}", rounded);
}

std::string count_text(double value) {
  if (value >= 1e6) return fmt::format("{:.2f}M", value * 1e-6);
  if (value >= 1e5) return fmt::format("{:.0f}k", value * 1e-3);
  return fmt::format("{:.0f}", value);
}

// Half the range, as a share of the median.
std::string spread_text(const Spread& spread) {
  if (!spread.low || !spread.high || spread.median <= 0) return kAbsent;
  return fmt::format("±{:.0f}%", (*spread.high - *spread.low) / 2 / spread.median * 100);
}

template <class Value, class Text>
std::string text_of(const std::optional<Value>& value, Text text) {
  return value ? text(*value) : kAbsent;
}

std::string cell(Column column, const Figures& f) {
  const auto median = [](const Spread& spread) { return number_text(spread.median); };
  switch (column) {
    case Column::kAllocs:
      return text_of(f.allocs_per_op, per_op_text);
    case Column::kBytes:
      return text_of(f.bytes_per_op, per_op_text);
    case Column::kNs:
      return text_of(f.ns_per_op, median);
    case Column::kNsSpread:
      return text_of(f.ns_per_op, spread_text);
    case Column::kCycles:
      return text_of(f.gc_cycles, count_text);
    case Column::kGreyed:
      return text_of(f.objects_greyed, count_text);
    case Column::kNoscan:
      return text_of(f.noscan_greyed, count_text);
    case Column::kWords:
      return text_of(f.words_scanned, count_text);
    case Column::kResolved:
      return text_of(f.pointers_resolved, count_text);
    case Column::kLive:
      return text_of(f.objects_live ? f.objects_live : f.objects_greyed, count_text);
    case Column::kMark:
      return text_of(f.mark_ms, median);
    case Column::kMarkSpread:
      return text_of(f.mark_ms, spread_text);
    case Column::kMarkCpu:
      return text_of(f.mark_cpu_ms, number_text);
    case Column::kHold:
      return text_of(f.longest_hold_us, number_text);
  }
  return kAbsent;
}

struct Head {
  const char* lines[2];
};

Head head(Column column, bool go) {
  switch (column) {
    case Column::kAllocs:
      return {{"allocs", "/op"}};
    case Column::kBytes:
      return {{"B", "/op"}};
    case Column::kNs:
      return {{"ns", "/op"}};
    case Column::kCycles:
      return {{"GC", "cycles"}};
    case Column::kGreyed:
      return {{"objects", "greyed"}};
    case Column::kNoscan:
      return {{"of them", "noscan"}};
    case Column::kWords:
      return {{"words", "scanned"}};
    case Column::kResolved:
      return {{"pointers", "resolved"}};
    case Column::kLive:
      return {{"objects", "live"}};
    case Column::kMark:
      return {{"mark", "ms"}};
    case Column::kMarkCpu:
      return {{"mark", "CPU ms"}};
    case Column::kHold:
      return go ? Head{{"pause", "µs"}} : Head{{"hold", "µs"}};
    case Column::kNsSpread:
    case Column::kMarkSpread:
      return {{"", ""}};
  }
  return {{"", ""}};
}

// --- the table
// ------------------------------------------------------------------------------------

bool arm_holds(const ExperimentResult& result, const Arm* arm) {
  for (const Sign& sign : result.judgement.signs) {
    if (sign.arm == arm && !sign.holds) return false;
  }
  return true;
}

std::string row_name(const ExperimentResult& result, const Arm* arm) {
  if (arm->role == Role::kControl) return arm->name + " (control)";
  return arm_holds(result, arm) ? arm->name : "✗ " + arm->name;
}

void add_columns(const ExperimentResult& result, const std::vector<Column>& chosen, bool go,
                 const std::string& group, std::vector<TableColumn>* table) {
  for (const Column column : chosen) {
    const Head text = head(column, go);
    TableColumn filled{group, {text.lines[0], text.lines[1]}, {}};
    for (const ArmResult& arm : result.arms)
      filled.cells.push_back(cell(column, go ? arm.go : arm.ours));
    table->push_back(std::move(filled));
  }
}

std::vector<std::string> table_lines(const ExperimentResult& result) {
  std::vector<TableColumn> table = {{"", {"", ""}, {}}};
  for (const ArmResult& arm : result.arms) table[0].cells.push_back(row_name(result, arm.arm));
  add_columns(result, result.experiment->columns, false, "Greyhound", &table);
  add_columns(result, result.experiment->go_columns, true, "Go, " + result.go_source, &table);
  return layout(table);
}

// --- text
// -----------------------------------------------------------------------------------------

std::string styled(bool color, fmt::text_style style, std::string_view text) {
  return color ? fmt::format(style, "{}", text) : std::string(text);
}

std::string ratio_text(double ratio) {
  if (ratio < 0.01 || ratio > 100) return "";
  return fmt::format(" (×{:.2g})", ratio);
}

std::string times_text(const std::vector<TimeComparison>& times) {
  std::string decided, undecided;
  for (const TimeComparison& time : times) {
    if (time.order == TimeOrder::kUndecided) {
      undecided += fmt::format("{}{}", undecided.empty() ? "" : "; ", time.arm->name);
    } else {
      decided += fmt::format("{}{} {} than {}{}", decided.empty() ? "" : "; ", time.arm->name,
                             time.order == TimeOrder::kSlower ? "slower" : "faster",
                             time.versus->name, ratio_text(time.ratio));
    }
  }
  if (undecided.empty()) return decided;
  return fmt::format("{}{}undecided, the spread hides the sign: {}", decided,
                     decided.empty() ? "" : "; ", undecided);
}

std::string repetitions_text(const ExperimentResult& result) {
  const ArmResult& arm = result.arms.front();
  return fmt::format(
      "{} repetition{} of {} operations an arm, the arms in turn; ± is half the range of ns/op or "
      "ms.",
      arm.repetitions, arm.repetitions == 1 ? "" : "s", arm.ops);
}

// Highlights the label that stands at the paragraph's start.
std::string labelled(bool color, fmt::text_style style, std::string_view label,
                     std::string_view text) {
  std::string out = paragraph(label, text);
  if (color) out.replace(out.find(label), label.size(), styled(true, style, label));
  return out;
}

constexpr auto kStrong = fmt::emphasis::bold;
const auto kGood = fmt::emphasis::bold | fmt::fg(fmt::terminal_color::green);
const auto kBad = fmt::emphasis::bold | fmt::fg(fmt::terminal_color::red);

}  // namespace

void print_header(const RunInfo& info, bool color) {
  fmt::print("{}\n", styled(color, kStrong,
                            "greyhound " GREYHOUND_VERSION
                            " lab: what garbage collection hides, measured"));
  fmt::print("{}", paragraph("machine", fmt::format("{}, {} cores, {}", info.machine.cpu_model,
                                                    info.machine.cores, info.machine.kernel)));
  fmt::print(
      "{}", paragraph("built", fmt::format("{}, {}", info.machine.compiler, GREYHOUND_BUILD_TYPE)));
  fmt::print("{}", paragraph("Go", info.go_note));
  for (const auto& [name, value] : info.environment) {
    fmt::print("{}",
               paragraph("setting",
                         fmt::format("{}={}; the figures are those of this setting", name, value)));
  }
  std::fflush(stdout);
}

void print_experiment(const ExperimentResult& result, bool color) {
  const Experiment& experiment = *result.experiment;
  const Judgement& judgement = result.judgement;
  fmt::print("\n{}\n",
             styled(color, kStrong, fmt::format("{}  {}", experiment.id, experiment.title)));
  fmt::print("{}", paragraph("claim", "The document says: " + experiment.claim));
  fmt::print("{}\n", paragraph("work", experiment.work + " " + repetitions_text(result)));
  for (const std::string& line : table_lines(result)) fmt::print("{}\n", line);
  fmt::print("\n{}", paragraph("expected", judgement.expected));
  fmt::print("{}",
             paragraph("observed", judgement.observed == judgement.expected ? "as expected"
                                                                            : judgement.observed));
  fmt::print("{}", paragraph("times", times_text(judgement.times)));
  if (!result.go_failure.empty()) {
    fmt::print("{}", paragraph("Go", "recorded figures, because " + result.go_failure));
  }
  if (!experiment.note.empty()) fmt::print("{}", paragraph("note", experiment.note));
  fmt::print("{}", labelled(color, judgement.holds ? kGood : kBad, "verdict", judgement.verdict));
  std::fflush(stdout);
}

void print_summary(const std::vector<ExperimentResult>& results, bool color) {
  std::string failed;
  for (const ExperimentResult& result : results) {
    if (!result.judgement.holds) failed += (failed.empty() ? "" : ", ") + result.experiment->id;
  }
  if (failed.empty()) {
    fmt::print("\n{}\n",
               styled(color, kGood,
                      results.size() == 1
                          ? "Every expected sign was observed."
                          : fmt::format("Every expected sign was observed in all {} experiments.",
                                        results.size())));
  } else {
    fmt::print("\n{}\n",
               styled(color, kBad, "An expected sign was not observed in: " + failed + "."));
  }
  std::fflush(stdout);
}

}  // namespace greyhound::lab
