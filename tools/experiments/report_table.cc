// SPDX-License-Identifier: MIT
// The lab's figures for people. Columns are chosen by the experiment; what a column shows is here.
#include <fmt/color.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "tools/common/standard_streams.h"
#include "tools/common/terminal.h"
#include "tools/common/text_table.h"
#include "tools/experiments/report.h"

namespace greyhound::lab {
namespace {

const std::string kAbsent = "-";
const std::string kDot = " · ";
const std::string kUndecided = "undecided, as the spread hides the sign";

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

// Half the range, as a share of the median; "wide" from all of it.
std::string spread_text(const Spread& spread) {
  if (!spread.low || !spread.high || spread.median <= 0 || spread.samples < 2) return kAbsent;
  if (*spread.high - *spread.low >= 2 * spread.median) return "wide";
  return fmt::format("±{:.0f}%", (*spread.high - *spread.low) / 2 / spread.median * 100);
}

template <class Value, class Text>
std::string text_of(const std::optional<Value>& value, Text text) {
  return value ? text(*value) : kAbsent;
}

// Treatment minus control, of the medians; with its sign.
std::string ns_over_text(const std::optional<Spread>& ns, const std::optional<Spread>& control) {
  if (!ns || !control) return kAbsent;
  const double over = ns->median - control->median;
  if (std::abs(over) < 0.005) return "0";
  return (over < 0 ? "-" : "+") + number_text(std::abs(over));
}

std::string percent_text(double share) {
  if (share != 0 && std::abs(share) < 0.005) return "<1%";
  return fmt::format("{:.0f}%", share * 100);
}

// Of a heap profile nothing is said of map reads.
bool is_cpu(const ProfileFigures& profile) { return profile.in_mapaccess.has_value(); }

std::string objects_text(const Figures& f) {
  return f.profile && !is_cpu(*f.profile) ? per_op_text(f.profile->objects_per_op) : kAbsent;
}

// `cpu`: of which kind of profile it is a figure.
std::string share_text(const Figures& f, std::optional<double> ProfileFigures::*share, bool cpu) {
  if (!f.profile || is_cpu(*f.profile) != cpu) return kAbsent;
  return text_of((*f.profile).*share, percent_text);
}

// Of the medians: "-81%".
std::string change_text(const std::optional<Spread>& ns, const std::optional<Spread>& control) {
  if (!ns || !control || control->median <= 0) return kAbsent;
  return fmt::format("{:+.0f}%", (ns->median / control->median - 1) * 100);
}

// `control`: the figures that f is compared with; null for a control's own.
std::string cell(Column column, const Figures& f, const Figures* control) {
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
    case Column::kNsOver:
      return control ? ns_over_text(f.ns_per_op, control->ns_per_op) : kAbsent;
    case Column::kCycles:
      return text_of(f.gc_cycles, count_text);
    case Column::kGreyed:
      return text_of(f.objects_greyed, count_text);
    case Column::kWords:
      return text_of(f.words_scanned, count_text);
    case Column::kResolved:
      return text_of(f.pointers_resolved, count_text);
    case Column::kLive:
      return text_of(f.objects_live, count_text);
    case Column::kMark:
      return text_of(f.mark_ms, median);
    case Column::kMarkSpread:
      return text_of(f.mark_ms, spread_text);
    case Column::kMarkCpu:
      return text_of(f.mark_cpu_ms, number_text);
    case Column::kHold:
      return text_of(f.longest_hold_us, number_text);
    case Column::kHits:
      return text_of(f.barrier_hits_per_op, per_op_text);
    case Column::kShades:
      return text_of(f.barrier_shades_per_op, per_op_text);
    case Column::kFound:
      return text_of(f.found_per_op, per_op_text);
    case Column::kNsChange:
      return control ? change_text(f.ns_per_op, control->ns_per_op) : kAbsent;
    case Column::kGcShare:
      return text_of(f.gc_cpu_share, percent_text);
    case Column::kAllocCalls:
      return text_of(f.alloc_calls, count_text);
    case Column::kPointerCalls:
      return text_of(f.pointer_calls, count_text);
    case Column::kProfileObjects:
      return objects_text(f);
    case Column::kRuntimeLeaf:
      return share_text(f, &ProfileFigures::runtime_leaf, false);
    case Column::kLabelled:
      return share_text(f, &ProfileFigures::labelled, f.profile && is_cpu(*f.profile));
    case Column::kMarkInBackground:
      return share_text(f, &ProfileFigures::mark_in_background, true);
    case Column::kMarkInAssist:
      return share_text(f, &ProfileFigures::mark_in_assist, true);
    case Column::kMarkInMapaccess:
      return share_text(f, &ProfileFigures::mark_in_mapaccess, true);
  }
  return kAbsent;
}

struct Head {
  const char* lines[2];
};

// The first line may be empty.
Head head(Column column, bool go) {
  switch (column) {
    case Column::kAllocs:
      return {{"allocs", "/op"}};
    case Column::kBytes:
      return {{"B", "/op"}};
    case Column::kNs:
      return {{"ns", "/op"}};
    case Column::kNsOver:
      return {{"ns", "over"}};
    case Column::kCycles:
      return {{"GC", "cycles"}};
    case Column::kGreyed:
      return {{"objs", "greyed"}};
    case Column::kWords:
      return {{"words", "read"}};
    case Column::kResolved:
      return {{"find", "Object"}};
    case Column::kLive:
      return {{"objs", "live"}};
    case Column::kMark:
      return {{"mark", "ms"}};
    case Column::kMarkCpu:
      return {{"mark", "CPU ms"}};
    case Column::kHold:
      return go ? Head{{"pause", "µs"}} : Head{{"hold", "µs"}};
    case Column::kHits:
      return {{"hits", "/op"}};
    case Column::kShades:
      return {{"shades", "/op"}};
    case Column::kFound:
      return {{"found", "/op"}};
    case Column::kNsChange:
      return {{"", "change"}};
    case Column::kGcShare:
      return {{"GC", "CPU"}};
    case Column::kAllocCalls:
      return {{"allocating", "calls"}};
    case Column::kPointerCalls:
      return {{"by", "pointer"}};
    case Column::kProfileObjects:
      return {{"objects", "/op"}};
    case Column::kRuntimeLeaf:
      return {{"runtime", "leaf"}};
    case Column::kLabelled:
      return {{"", "labels"}};
    case Column::kMarkInBackground:
      return {{"mark", "bg."}};
    case Column::kMarkInAssist:
      return {{"mark", "assist"}};
    case Column::kMarkInMapaccess:
      return {{"mark", "map"}};
    case Column::kNsSpread:
    case Column::kMarkSpread:
      return {{"", ""}};
  }
  return {{"", ""}};
}

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
    for (const ArmResult& arm : result.arms) {
      const ArmResult& control = result.arms[arm.arm->versus];
      const Figures* beside = &control == &arm ? nullptr : go ? &control.go : &control.ours;
      filled.cells.push_back(cell(column, go ? arm.go : arm.ours, beside));
    }
    // Go has no figures for some columns when measured, for others when recorded.
    if (go && std::ranges::count(filled.cells, kAbsent) == std::ssize(filled.cells)) continue;
    table->push_back(std::move(filled));
  }
}

// "go1.26.8", or "go1.19, recorded".
std::string go_group(const std::string& source) {
  const std::string version = source.substr(source.find(' ') + 1);
  return source.starts_with("measured") ? version : version + ", recorded";
}

std::vector<std::string> table_lines(const ExperimentResult& result, size_t page) {
  std::vector<TableColumn> table = {{"", {"", ""}, {}}};
  for (const ArmResult& arm : result.arms) table[0].cells.push_back(row_name(result, arm.arm));
  add_columns(result, result.experiment->columns, false, "Greyhound", &table);
  add_columns(result, result.experiment->go_columns, true, go_group(result.go_source), &table);
  return layout(table, page);
}

constexpr auto kStrong = fmt::emphasis::bold;
const auto kGood = fmt::emphasis::bold | fmt::fg(fmt::terminal_color::green);
const auto kBad = fmt::emphasis::bold | fmt::fg(fmt::terminal_color::red);

std::string styled(bool color, fmt::text_style style, std::string_view text) {
  return color ? fmt::format(style, "{}", text) : std::string(text);
}

// Highlights the label that stands at the paragraph's start.
std::string labelled(const Paper& paper, fmt::text_style style, std::string_view label,
                     std::string_view text) {
  std::string out = paragraph(label, text, paper.columns);
  if (paper.color) out.replace(out.find(label), label.size(), styled(true, style, label));
  return out;
}

std::string ratio_text(double ratio) {
  if (ratio < 0.01 || ratio > 100) return "";
  return fmt::format(" (×{:.{}f})", ratio, ratio < 10 ? 2 : 0);
}

// "slower than write int: write any 7 (×1.2) · write any 1000+ (×2.7); undecided ...: read any"
std::string times_text(const std::vector<TimeComparison>& times) {
  std::vector<std::pair<std::string, std::string>> groups;
  for (const TimeComparison& time : times) {
    const bool decided = time.order != TimeOrder::kUndecided;
    const char* order = time.order == TimeOrder::kSlower ? "slower" : "faster";
    const std::string head =
        decided ? fmt::format("{} than {}", order, time.versus->name) : kUndecided;
    const std::string item = time.arm->name + (decided ? ratio_text(time.ratio) : "");
    const auto same =
        std::ranges::find(groups, head, [](const auto& group) { return group.first; });
    if (same == groups.end()) {
      groups.emplace_back(head, item);
    } else {
      same->second += kDot + item;
    }
  }
  std::stable_partition(groups.begin(), groups.end(),
                        [](const auto& group) { return group.first != kUndecided; });
  std::string out;
  for (const auto& [head, items] : groups) {
    out += fmt::format("{}{}: {}", out.empty() ? "" : "; ", head, items);
  }
  return out;
}

// A line for each count and value: "allocs/op   0  read any · read 64 B".
template <class Text>
std::string signs_text(const char* label, const std::vector<Sign>& signs, size_t page, Text text) {
  std::string out;
  for (size_t i = 0; i < signs.size();) {
    const Sign& first = signs[i];
    const bool new_count = i == 0 || signs[i - 1].count != first.count;
    std::string arms;
    for (; i < signs.size() && signs[i].count == first.count && text(signs[i]) == text(first);
         ++i) {
      arms += (arms.empty() ? "" : kDot) + signs[i].arm->name;
    }
    const std::string prefix =
        fmt::format("  {:<10}{:<9} {:>4}  ", out.empty() ? label : "",
                    new_count ? count_short_name(first.count) : "", text(first));
    out += wrapped(prefix, arms, page);
  }
  return out;
}

std::string repetitions_text(const ExperimentResult& result) {
  const ArmResult& arm = result.arms.front();
  return fmt::format("{} repetition{} of {} {} an arm, the arms in turn.", arm.repetitions,
                     arm.repetitions == 1 ? "" : "s", with_commas(arm.ops),
                     result.experiment->unit);
}

}  // namespace

void print_header(const RunInfo& info, const Paper& paper) {
  const Machine& machine = info.machine;
  const auto print = [&](const char* label, const std::string& text) {
    print_out(paragraph(label, text, paper.columns));
  };
  print_out(styled(paper.color, kStrong, "greyhound " GREYHOUND_VERSION " lab") + "\n");
  print("what",
        "A document about Go says that `v, ok := m[key]` on a map[string]interface{} sets off "
        "three hidden costs of garbage collection: boxing, an ok that escapes to the heap, and "
        "mark work. Each experiment takes some of its claims and runs them.");
  print("how",
        "Verdicts rest on counts, which repeat from run to run. Times are medians; ± is half the "
        "width of the range in which the middle half of the samples lie.");
  print("machine",
        fmt::format("{}, {} cores, {}; built with {}, {}", machine.cpu_model, machine.cores,
                    machine.kernel, machine.compiler, GREYHOUND_BUILD_TYPE));
  print("Go", info.go_note);
  for (const auto& [name, value] : info.environment)
    print("setting", fmt::format("{}={}; the figures are those of this setting", name, value));
  flush_out();
}

void print_experiment(const ExperimentResult& result, const Paper& paper) {
  const Experiment& experiment = *result.experiment;
  const Judgement& judgement = result.judgement;
  const size_t page = paper.columns;
  const auto print = [&](const char* label, const std::string& text) {
    print_out(paragraph(label, text, page));
  };
  print_out("\n" +
            styled(paper.color, kStrong, wrapped(experiment.id + "  ", experiment.title, page)));
  print("claim", "The document: " + experiment.claim);
  print("work", experiment.work + " " + repetitions_text(result));
  print_out("\n");
  for (const std::string& line : table_lines(result, page)) print_out(line + "\n");
  print_out("\n" + signs_text("expected", judgement.signs, page, expected_text));
  if (judgement.observed == judgement.expected) {
    print("observed", "as expected");
  } else {
    print_out(signs_text("observed", judgement.signs, page, observed_text));
  }
  if (!judgement.times.empty()) print("times", times_text(judgement.times));
  if (!result.go_failure.empty()) print("Go", "recorded figures, because " + result.go_failure);
  if (!experiment.note.empty()) print("note", experiment.note);
  print_out(labelled(paper, judgement.holds ? kGood : kBad, "verdict", judgement.verdict));
  flush_out();
}

void print_summary(const std::vector<ExperimentResult>& results, const Paper& paper) {
  std::string failed;
  for (const ExperimentResult& result : results) {
    if (!result.judgement.holds) failed += (failed.empty() ? "" : ", ") + result.experiment->id;
  }
  const std::string text = failed.empty() ? "Every expected sign was observed."
                                          : "An expected sign was not observed in " + failed + ".";
  print_out("\n" + styled(paper.color, failed.empty() ? kGood : kBad, text) + "\n");
  flush_out();
}

}  // namespace greyhound::lab
