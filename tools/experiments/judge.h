// SPDX-License-Identifier: MIT
// Compares what was measured with what was expected. Verdicts rest on counts alone; times are
// compared too, but decide nothing; where the ranges of two arms overlap, or their medians nearly
// agree, their comparison is undecided.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/experiments/experiment.h"

namespace greyhound::lab {

// One count of one treatment beside its control's.
struct Sign {
  Count count = Count::kAllocsPerOp;
  const Arm* arm = nullptr;
  const Arm* versus = nullptr;
  char expected = '0';
  char observed = '0';
  std::optional<double> expected_amount;  // set where the amount matters too
  double observed_amount = 0;             // treatment minus control
  bool holds = false;
};

enum class TimeOrder : uint8_t { kFaster, kSlower, kUndecided };
struct TimeComparison {
  const Arm* arm = nullptr;
  const Arm* versus = nullptr;
  TimeOrder order = TimeOrder::kUndecided;
  double ratio = 1;  // of the medians
};

struct Judgement {
  std::vector<Sign> signs;
  std::vector<TimeComparison> times;
  std::string expected;
  std::string observed;
  std::string verdict;
  bool holds = false;
};

// "0", "+" or "+8": what was expected, and what came out (the same text when it holds).
std::string expected_text(const Sign& sign);
std::string observed_text(const Sign& sign);

// REQUIRES: one result an arm, in the experiment's order.
Judgement judge(const Experiment& experiment, const std::vector<ArmResult>& results);

}  // namespace greyhound::lab
