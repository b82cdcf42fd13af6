// SPDX-License-Identifier: MIT
#include "tools/pprof/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>
#include <stdexcept>

#include "runtime/base/nearest.h"

namespace greyhound::pprof {
namespace {

// What a tree leaves out, of all.
constexpr double kLeastShare = 0.01;

size_t sample_index(const Profile& profile, const std::string& wanted) {
  const std::string& name = wanted.empty() ? profile.default_sample_type : wanted;
  const auto& types = profile.sample_types;
  const auto found =
      std::ranges::find_if(types, [&](const ValueType& type) { return type.type == name; });
  if (found != types.end()) return static_cast<size_t>(found - types.begin());
  // As pprof: without a default it is the last.
  if (wanted.empty()) return types.size() - 1;
  throw std::runtime_error(
      fmt::format("it has no sample type '{}'; it has {}", wanted, names_of(types)));
}

bool has_tags(const Sample& sample, const std::vector<std::pair<std::string, std::string>>& tags) {
  return std::ranges::all_of(tags, [&](const auto& tag) {
    return std::ranges::find(sample.labels, tag) != sample.labels.end();
  });
}

std::vector<std::string> functions_of_sample(const Profile& profile, const Sample& sample) {
  std::vector<std::string> functions;
  for (const size_t index : sample.locations) {
    const Location& location = profile.locations[index];
    if (location.frames.empty()) functions.push_back(fmt::format("{:#x}", location.address));
    for (const Frame& frame : location.frames) functions.push_back(frame.name);
  }
  std::ranges::reverse(functions);
  return functions;
}

StackView collect(ValueType type, const std::map<std::vector<std::string>, int64_t>& values) {
  StackView view{std::move(type), {}};
  for (const auto& [functions, value] : values) {
    if (value != 0) view.stacks.push_back({functions, value});
  }
  return view;
}

std::string percent(int64_t value, int64_t of) {
  return of == 0
             ? "0%"
             : fmt::format("{:.2f}%", 100 * static_cast<double>(value) / static_cast<double>(of));
}

struct TreeNode {
  int64_t flat = 0;
  int64_t cumulative = 0;
  int64_t magnitude = 0;
  std::map<std::string, TreeNode> calls;
};

void print_tree(const TreeNode& node, const StackView& view, int64_t all, size_t depth,
                std::string* out) {
  std::vector<std::pair<std::string, const TreeNode*>> calls;
  int64_t left_out = 0;
  for (const auto& [name, call] : node.calls) {
    if (static_cast<double>(call.magnitude) < kLeastShare * static_cast<double>(all)) {
      left_out += call.cumulative;
    } else {
      calls.emplace_back(name, &call);
    }
  }
  std::ranges::stable_sort(calls, [](const auto& a, const auto& b) {
    return a.second->magnitude > b.second->magnitude;
  });
  const auto line = [&](int64_t value, const std::string& name) {
    *out += fmt::format("{:>12} {:>8}  {:{}}{}\n", format_value(value, view.type.unit),
                        percent(value, all), "", 2 * depth, name);
  };
  for (const auto& [name, call] : calls) {
    line(call->cumulative, name);
    print_tree(*call, view, all, depth + 1, out);
  }
  if (left_out != 0) line(left_out, "(calls of less than 1 % each)");
}

}  // namespace

std::string names_of(const std::vector<ValueType>& types) {
  std::string names;
  for (const ValueType& type : types) names += (names.empty() ? "" : ", ") + type.type;
  return names;
}

int64_t StackView::total() const {
  int64_t sum = 0;
  for (const Stack& stack : stacks) sum += stack.value;
  return sum;
}

int64_t StackView::magnitude() const {
  int64_t sum = 0;
  for (const Stack& stack : stacks) sum += std::abs(stack.value);
  return sum;
}

StackView view_of(const Profile& profile, const ViewOptions& options) {
  const size_t index = sample_index(profile, options.sample_type);
  std::map<std::vector<std::string>, int64_t> values;
  for (const Sample& sample : profile.samples) {
    if (has_tags(sample, options.tags))
      values[functions_of_sample(profile, sample)] += sample.values[index];
  }
  return collect(profile.sample_types[index], values);
}

StackView difference(const StackView& before, const StackView& after) {
  if (before.type != after.type) {
    throw std::runtime_error(fmt::format("one counts {} in {}, the other {} in {}",
                                         before.type.type, before.type.unit, after.type.type,
                                         after.type.unit));
  }
  std::map<std::vector<std::string>, int64_t> values;
  for (const Stack& stack : after.stacks) values[stack.functions] += stack.value;
  for (const Stack& stack : before.stacks) values[stack.functions] -= stack.value;
  return collect(after.type, values);
}

std::vector<FunctionTotals> functions_of(const StackView& view) {
  std::map<std::string, FunctionTotals> totals;
  for (const Stack& stack : view.stacks) {
    if (stack.functions.empty()) continue;
    totals[stack.functions.back()].flat += stack.value;
    const std::set<std::string> once(stack.functions.begin(), stack.functions.end());
    for (const std::string& name : once) totals[name].cumulative += stack.value;
  }
  std::vector<FunctionTotals> result;
  for (auto& [name, row] : totals) {
    row.name = name;
    result.push_back(row);
  }
  std::ranges::stable_sort(result, [](const FunctionTotals& a, const FunctionTotals& b) {
    return std::pair(std::abs(a.flat), std::abs(a.cumulative)) >
           std::pair(std::abs(b.flat), std::abs(b.cumulative));
  });
  return result;
}

std::string format_top(const StackView& view, size_t lines) {
  const int64_t all = view.magnitude();
  std::vector<FunctionTotals> rows = functions_of(view);
  const size_t count = lines == 0 ? rows.size() : std::min(lines, rows.size());
  std::string out = fmt::format("{}: {} in all; {} of {} functions\n", view.type.type,
                                format_value(view.total(), view.type.unit), count, rows.size());
  out += fmt::format("{:>12} {:>8} {:>8} {:>12} {:>8}  function\n", "flat", "flat%", "sum%", "cum",
                     "cum%");
  int64_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const FunctionTotals& row = rows[i];
    sum += row.flat;
    out += fmt::format("{:>12} {:>8} {:>8} {:>12} {:>8}  {}\n",
                       format_value(row.flat, view.type.unit), percent(row.flat, all),
                       percent(sum, all), format_value(row.cumulative, view.type.unit),
                       percent(row.cumulative, all), row.name);
  }
  return out;
}

std::string format_tree(const StackView& view) {
  TreeNode root;
  for (const Stack& stack : view.stacks) {
    TreeNode* node = &root;
    for (const std::string& name : stack.functions) {
      node = &node->calls[name];
      node->cumulative += stack.value;
      node->magnitude += std::abs(stack.value);
    }
    node->flat += stack.value;
  }
  std::string out =
      fmt::format("{}: {} in all\n", view.type.type, format_value(view.total(), view.type.unit));
  print_tree(root, view, view.magnitude(), 0, &out);
  return out;
}

std::string format_folded(const StackView& view) {
  std::string out;
  for (const Stack& stack : view.stacks)
    out += fmt::format("{} {}\n", fmt::join(stack.functions, ";"), stack.value);
  return out;
}

std::string format_value(int64_t value, const std::string& unit) {
  struct Scale {
    const char* unit;
    double factor;
    const char* shown;
  };
  static constexpr Scale kScales[] = {
      {"bytes", 0x1p30, "GiB"},        {"bytes", 0x1p20, "MiB"},
      {"bytes", 0x1p10, "KiB"},        {"bytes", 1, "B"},
      {"nanoseconds", 1e9, "s"},       {"nanoseconds", 1e6, "ms"},
      {"nanoseconds", 1e3, "\u00b5s"}, {"nanoseconds", 1, "ns"},
  };
  const auto amount = static_cast<double>(value);
  for (const Scale& scale : kScales) {
    if (unit != scale.unit) continue;
    if (std::abs(amount) < scale.factor && scale.factor != 1) continue;
    const double scaled = amount / scale.factor;
    return scale.factor == 1 ? fmt::format("{} {}", value, scale.shown)
                             : fmt::format("{:.2f} {}", scaled, scale.shown);
  }
  return fmt::format("{}", value);
}

}  // namespace greyhound::pprof
