// SPDX-License-Identifier: MIT
#include "tools/experiments/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace greyhound::lab {
namespace {

// Two arms measured fewer times than this are not told apart by their times.
constexpr size_t kFewestToDecide = 3;
// Nor are two whose medians differ by less: where the linker happens to put a loop makes as much.
constexpr double kLeastDifference = 0.05;

double count_of(Count count, const ArmResult& result) {
  const Figures& figures = result.ours;
  const double ops = static_cast<double>(result.ops);
  switch (count) {
#define GREYHOUND_COUNT(name, what, in_table, value) \
  case Count::name:                                  \
    return value;
#include "tools/experiments/counts.def"
  }
  return 0;
}

char sign_of(double difference, double tolerance) {
  if (std::abs(difference) <= tolerance) return '0';
  return difference > 0 ? '+' : '-';
}

Sign compare(const Expectation& expectation, const ArmResult& treatment, const ArmResult& control) {
  Sign sign;
  sign.count = expectation.count;
  sign.arm = treatment.arm;
  sign.versus = control.arm;
  sign.expected = expectation.sign;
  sign.observed_amount =
      count_of(expectation.count, treatment) - count_of(expectation.count, control);
  sign.observed = sign_of(sign.observed_amount, expectation.tolerance);
  sign.holds = sign.observed == sign.expected;
  if (expectation.amount != 0) {
    sign.expected_amount = expectation.amount;
    sign.holds = std::abs(sign.observed_amount - expectation.amount) <= expectation.tolerance;
  }
  return sign;
}

// At most three digits; a whole number stays one.
std::string amount_text(double amount) {
  if (amount == std::round(amount)) return fmt::format("{:+.0f}", amount);
  return fmt::format("{:+.3g}", amount);
}

// "allocations per op: 0 (a, b), +1 (c); bytes per op: +8 (c)"
template <class Text>
std::string grouped(const std::vector<Sign>& signs, Text text) {
  std::string out;
  for (size_t i = 0; i < signs.size(); ++i) {
    const bool same_count = i > 0 && signs[i].count == signs[i - 1].count;
    const bool same_text = same_count && text(signs[i]) == text(signs[i - 1]);
    if (same_text) {
      out.pop_back();
      out += fmt::format(", {})", signs[i].arm->name);
      continue;
    }
    if (!same_count) out += fmt::format("{}{}: ", i == 0 ? "" : "; ", count_name(signs[i].count));
    out += fmt::format("{}{} ({})", same_count ? ", " : "", text(signs[i]), signs[i].arm->name);
  }
  return out;
}

TimeComparison compare_times(const ArmResult& treatment, const ArmResult& control) {
  TimeComparison comparison;
  comparison.arm = treatment.arm;
  comparison.versus = control.arm;
  const Spread& a = *treatment.ours.ns_per_op;
  const Spread& b = *control.ours.ns_per_op;
  comparison.ratio = b.median > 0 ? a.median / b.median : 1;
  if (std::min(a.samples, b.samples) < kFewestToDecide) return comparison;
  if (std::abs(comparison.ratio - 1) < kLeastDifference) return comparison;
  if (*a.low > *b.high) comparison.order = TimeOrder::kSlower;
  if (*a.high < *b.low) comparison.order = TimeOrder::kFaster;
  return comparison;
}

std::string not_held_text(const std::vector<Sign>& signs) {
  std::string out;
  for (const Sign& sign : signs) {
    if (sign.holds) continue;
    out += fmt::format("{}{} of {} beside {}: {} expected, {} observed", out.empty() ? "" : "; ",
                       count_name(sign.count), sign.arm->name, sign.versus->name,
                       expected_text(sign), observed_text(sign));
  }
  return out;
}

}  // namespace

std::string expected_text(const Sign& sign) {
  if (sign.expected_amount) return amount_text(*sign.expected_amount);
  return std::string(1, sign.expected);
}

// Rounded to what was expected when it holds, so that equal things read equal.
std::string observed_text(const Sign& sign) {
  if (sign.holds) return expected_text(sign);
  return amount_text(sign.observed_amount);
}

Judgement judge(const Experiment& experiment, const std::vector<ArmResult>& results) {
  Judgement judgement;
  judgement.holds = true;
  for (const Expectation& expectation : experiment.expectations) {
    for (const size_t arm : expectation.arms) {
      const size_t versus = expectation.versus == Expectation::kOwnControl
                                ? experiment.arms[arm].versus
                                : expectation.versus;
      judgement.signs.push_back(compare(expectation, results[arm], results[versus]));
      judgement.holds &= judgement.signs.back().holds;
    }
  }
  for (const ArmResult& result : results) {
    if (result.arm->role == Role::kControl || !experiment.timed) continue;
    judgement.times.push_back(compare_times(result, results[result.arm->versus]));
  }
  judgement.expected = grouped(judgement.signs, expected_text);
  judgement.observed = grouped(judgement.signs, observed_text);
  judgement.verdict = judgement.holds ? experiment.verdict(results)
                                      : "No verdict: an expected sign did not hold (" +
                                            not_held_text(judgement.signs) + ").";
  return judgement;
}

}  // namespace greyhound::lab
