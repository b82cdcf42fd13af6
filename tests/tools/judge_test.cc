// SPDX-License-Identifier: MIT
// From measurements to figures to verdicts, on figures made up here.
#include "tools/experiments/judge.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tools/common/text_table.h"
#include "tools/experiments/go_peer.h"
#include "tools/experiments/report.h"

namespace greyhound::lab {
namespace {

Measurement measured(uint64_t allocs, double ns) {
  Measurement m;
  m.ops = 100;
  m.allocs = allocs;
  m.bytes = allocs * 8;
  m.ns_per_op = {ns};
  return m;
}

Figures figures(uint64_t allocs, const std::vector<double>& times) {
  std::vector<Measurement> repetitions;
  for (const double ns : times) repetitions.push_back(measured(allocs, ns));
  return summarise(repetitions);
}

// A control, and a treatment that is expected to allocate `amount` more (0: the sign alone).
Experiment experiment(char sign, double amount) {
  Experiment x;
  x.id = "X0";
  x.arms = {{"control", "", Role::kControl, 0, nullptr, {}},
            {"treatment", "", Role::kTreatment, 0, nullptr, {}}};
  x.expectations = {{Count::kAllocsPerOp, {1}, sign, amount, 0.001}};
  x.verdict = [](const std::vector<ArmResult>&) { return std::string("it holds"); };
  return x;
}

Judgement judged(const Experiment& x, const Figures& control, const Figures& treatment) {
  return judge(x, {{&x.arms[0], 100, 1, control, {}}, {&x.arms[1], 100, 1, treatment, {}}});
}

TEST(Judge, EqualCountsAreNoDifference) {
  const Experiment x = experiment('0', 0);
  const Judgement judgement = judged(x, figures(0, {1}), figures(0, {9}));
  EXPECT_TRUE(judgement.holds);
  EXPECT_EQ(judgement.expected, "allocations per op: 0 (treatment)");
  EXPECT_EQ(judgement.observed, judgement.expected);
  EXPECT_EQ(judgement.verdict, "it holds");
}

TEST(Judge, OneAllocationTooManyIsNoVerdict) {
  const Experiment x = experiment('0', 0);
  const Judgement judgement = judged(x, figures(0, {1}), figures(100, {1}));
  EXPECT_FALSE(judgement.holds);
  EXPECT_EQ(judgement.observed, "allocations per op: +1 (treatment)");
  EXPECT_NE(judgement.verdict.find("0 expected, +1 observed"), std::string::npos)
      << judgement.verdict;
}

TEST(Judge, AmountCountsWhereOneIsExpected) {
  const Experiment x = experiment('+', 1);
  EXPECT_TRUE(judged(x, figures(0, {1}), figures(100, {1})).holds);
  EXPECT_FALSE(judged(x, figures(0, {1}), figures(200, {1})).holds);
  EXPECT_TRUE(judged(experiment('+', 0), figures(0, {1}), figures(200, {1})).holds);
}

TEST(Judge, TimesNeverDecide) {
  const Experiment x = experiment('0', 0);
  EXPECT_TRUE(judged(x, figures(0, {1, 1, 1}), figures(0, {100, 100, 100})).holds);
}

TEST(Judge, TimesAreUndecidedWhereRangesOverlap) {
  const Experiment x = experiment('0', 0);
  const auto order = [&x](const std::vector<double>& control,
                          const std::vector<double>& treatment) {
    return judged(x, figures(0, control), figures(0, treatment)).times.at(0).order;
  };
  EXPECT_EQ(order({1, 2, 3}, {4, 5, 6}), TimeOrder::kSlower);
  EXPECT_EQ(order({4, 5, 6}, {1, 2, 3}), TimeOrder::kFaster);
  EXPECT_EQ(order({1, 2, 5}, {4, 5, 6}), TimeOrder::kUndecided);
  EXPECT_EQ(order({100, 100, 100}, {104, 104, 104}), TimeOrder::kUndecided) << "too close";
  EXPECT_EQ(order({1, 2}, {4, 5}), TimeOrder::kUndecided) << "two samples are too few";
}

TEST(Figures, SpreadIsTheMiddleHalfOfFiveSamplesAndMore) {
  const Spread few = *figures(0, {3, 1, 2}).ns_per_op;
  EXPECT_EQ(few.median, 2);
  EXPECT_EQ(few.low, 1);
  EXPECT_EQ(few.high, 3);
  const Spread many = *figures(0, {5, 1, 4, 2, 1000}).ns_per_op;
  EXPECT_EQ(many.median, 4);
  EXPECT_EQ(many.low, 2);
  EXPECT_EQ(many.high, 5);
}

TEST(Figures, WhatWasNotMeasuredIsAbsent) {
  const Figures absent = figures(1, {1});
  EXPECT_FALSE(absent.objects_greyed);
  EXPECT_FALSE(absent.longest_hold_us);
  EXPECT_FALSE(absent.mark_ms);
  EXPECT_FALSE(absent.barrier_hits_per_op);
  EXPECT_FALSE(absent.found_per_op);
}

// What reads code runs nothing: neither allocations nor times of a collector.
TEST(Figures, WhatWasNotRunHasNoFiguresAndIsNullInTheReport) {
  Measurement read;
  read.ops = 1;
  read.alloc_calls = 3;
  read.ns_per_op = {1000};
  const Figures figures = summarise({read});
  EXPECT_EQ(figures.alloc_calls, 3);
  EXPECT_FALSE(figures.allocs_per_op);
  EXPECT_FALSE(figures.bytes_per_op);
  EXPECT_FALSE(figures.gc_cycles);
  Experiment x = experiment('0', 0);
  x.expectations = {{Count::kAllocCalls, {1}, '0'}};
  ExperimentResult result;
  result.experiment = &x;
  result.arms = {{&x.arms[0], 1, 1, figures, {}}, {&x.arms[1], 1, 1, figures, {}}};
  result.judgement = judge(x, result.arms);
  const nlohmann::ordered_json report = report_document(RunInfo{}, {result});
  const nlohmann::ordered_json& arm = report["experiments"][0]["arms"][1];
  EXPECT_EQ(arm["alloc_calls"], 3);
  for (const char* key : {"allocs_per_op", "bytes_per_op", "gc_cycles", "objects_greyed"})
    EXPECT_TRUE(arm[key].is_null()) << key;
}

TEST(Figures, OptionalCountsArePerOpAndAbsentIfOneRepetitionHasNone) {
  std::vector<Measurement> repetitions = {measured(0, 1), measured(0, 1)};
  repetitions[0].barrier_hits = repetitions[1].barrier_hits = 200;
  repetitions[0].found = 100;
  const Figures figures = summarise(repetitions);
  EXPECT_EQ(figures.barrier_hits_per_op, 2);
  EXPECT_FALSE(figures.found_per_op);
}

TEST(GcTrace, ReadsGosLines) {
  const auto line = parse_gctrace(
      "gc 7 @1.204s 3%: 0.1+12+0.003 ms clock, 0.2+0.25/11/0.5+0.006 ms cpu, 41->43->22 MB, 44 MB "
      "goal, 0 MB stacks, 0 MB globals, 2 P (forced)");
  ASSERT_TRUE(line);
  EXPECT_DOUBLE_EQ(line->mark_ms, 12);
  EXPECT_DOUBLE_EQ(line->mark_cpu_ms, 11.75);
  EXPECT_FALSE(parse_gctrace("scvg: 8 MB released"));
  EXPECT_FALSE(parse_gctrace("gc 7 @1.204s 3%: nothing"));
}

TEST(TextTable, ColumnsAreAsWideAsTheirText) {
  const std::vector<std::string> lines = layout({{"", {"", ""}, {"a", "long name"}},
                                                 {"us", {"ns", "/op"}, {"1", "200"}},
                                                 {"them", {"", "µs"}, {"3", "4"}}},
                                                80);
  ASSERT_EQ(lines.size(), 5u);
  EXPECT_EQ(lines[3], "  a            1 |    3");
  EXPECT_EQ(lines[4], "  long name  200 |    4");
}

TEST(TextTable, ATableThatIsTooWideIsBrokenWhereItsGroupChanges) {
  const std::vector<TableColumn> columns = {{"", {"", ""}, {"row"}},
                                            {"ours", {"", "a"}, {std::string(20, '1')}},
                                            {"ours", {"", "b"}, {std::string(20, '2')}},
                                            {"theirs", {"", "a"}, {std::string(20, '3')}}};
  EXPECT_EQ(layout(columns, 80).size(), 4u);
  const std::vector<std::string> lines = layout(columns, 60);
  ASSERT_EQ(lines.size(), 9u);
  EXPECT_EQ(lines[3], "  row  " + std::string(20, '1') + "  " + std::string(20, '2'));
  EXPECT_EQ(lines[4], "");
  EXPECT_EQ(lines[8], "  row  " + std::string(20, '3'));
  EXPECT_EQ(layout(columns, 40).size(), 14u) << "a group that is too wide is broken, too";
}

TEST(TextTable, ParagraphsContinueUnderTheirStart) {
  const std::string text =
      paragraph("label", std::string(60, 'x') + " " + std::string(60, 'y'), 100);
  EXPECT_EQ(text,
            "  label     " + std::string(60, 'x') + "\n            " + std::string(60, 'y') + "\n");
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1234567), "1,234,567");
}

}  // namespace
}  // namespace greyhound::lab
