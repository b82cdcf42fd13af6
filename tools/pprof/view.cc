// SPDX-License-Identifier: MIT
#include "tools/pprof/view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <unordered_map>

namespace greyhound::pprof {
namespace {

using Values = std::map<std::vector<uint32_t>, Stack>;

// Names as numbers, given in the order in which they are met.
class Names {
 public:
  uint32_t operator()(const std::string& name) {
    const auto [entry, fresh] = numbers_.try_emplace(name, static_cast<uint32_t>(names_.size()));
    if (fresh) names_.push_back(&entry->first);
    return entry->second;
  }

  // The view with these names in order, and its stacks in the order of their functions.
  StackView view(ValueType type, Values values, bool is_difference) const {
    std::vector<uint32_t> order(names_.size());
    for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, [&](uint32_t a, uint32_t b) { return *names_[a] < *names_[b]; });
    std::vector<uint32_t> place(order.size());
    StackView view{std::move(type), {}, {}, is_difference};
    for (uint32_t i = 0; i < order.size(); ++i) {
      place[order[i]] = i;
      view.names.push_back(*names_[order[i]]);
    }
    while (!values.empty()) {
      auto node = values.extract(values.begin());
      Stack& stack = node.mapped();
      if (stack.value == 0 && stack.before == 0) continue;
      stack.functions = std::move(node.key());
      for (uint32_t& name : stack.functions) name = place[name];
      view.stacks.push_back(std::move(stack));
    }
    std::ranges::sort(view.stacks, {}, &Stack::functions);
    return view;
  }

 private:
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<const std::string*> names_;
};

// Of every location, the outermost function first.
std::vector<std::vector<uint32_t>> functions_by_location(const Profile& profile, Names* names) {
  std::vector<std::vector<uint32_t>> functions;
  for (const Location& location : profile.locations) {
    functions.emplace_back();
    for (auto frame = location.frames.rbegin(); frame != location.frames.rend(); ++frame)
      functions.back().push_back((*names)(frame->name));
  }
  return functions;
}

}  // namespace

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
  const size_t index =
      sample_type_index(profile.sample_types, profile.default_sample_type, options.sample_type);
  const std::vector<TagFilter> filters = filters_of(options.tags);
  Names names;
  const std::vector<std::vector<uint32_t>> by_location = functions_by_location(profile, &names);
  Values values;
  Amounts amounts;
  size_t frames = 0;
  for (const Sample& sample : profile.samples) {
    if (!all_match(filters, sample)) continue;
    std::vector<uint32_t> functions;
    for (size_t i = sample.locations.size(); i-- > 0;) {
      const std::vector<uint32_t>& more = by_location[sample.locations[i]];
      if ((frames += more.size()) > kMostFrames)
        throw std::runtime_error(fmt::format("its stacks have more than {} frames", kMostFrames));
      functions.insert(functions.end(), more.begin(), more.end());
    }
    if (functions.empty()) functions.push_back(names(kNoStack));
    amounts.add(sample.values[index]);
    values[std::move(functions)].value += sample.values[index];
  }
  return names.view(profile.sample_types[index], std::move(values), false);
}

StackView difference(const StackView& before, const StackView& after) {
  const std::optional<CommonType> common = common_type(before.type, after.type);
  if (!common) {
    throw std::runtime_error(fmt::format(
        "one counts {} in {}, the other {} in {}: name what both have with --sample-type",
        before.type.type, before.type.unit, after.type.type, after.type.unit));
  }
  Names names;
  Values values;
  Amounts amounts;
  const auto add = [&](const StackView& view, int64_t factor, bool is_before) {
    for (const Stack& stack : view.stacks) {
      std::vector<uint32_t> functions;
      for (const uint32_t name : stack.functions) functions.push_back(names(view.names[name]));
      const int64_t value = scaled(stack.value, factor);
      amounts.add(value);
      Stack& sum = values[std::move(functions)];
      sum.value += is_before ? -value : value;
      if (is_before) sum.before += value;
    }
  };
  add(before, common->before_factor, true);
  add(after, common->after_factor, false);
  return names.view(common->type, std::move(values), true);
}

std::vector<FunctionTotals> functions_of(const StackView& view) {
  std::vector<FunctionTotals> totals(view.names.size());
  std::vector<size_t> counted(view.names.size(), 0);  // the last stack in which it was, from 1
  for (size_t i = 0; i < view.stacks.size(); ++i) {
    const Stack& stack = view.stacks[i];
    totals[stack.functions.back()].flat += stack.value;
    for (const uint32_t name : stack.functions) {
      if (counted[name] == i + 1) continue;
      counted[name] = i + 1;
      totals[name].cumulative += stack.value;
    }
  }
  std::vector<FunctionTotals> result;
  for (size_t name = 0; name < totals.size(); ++name) {
    if (totals[name].flat == 0 && totals[name].cumulative == 0) continue;
    result.push_back(std::move(totals[name]));
    result.back().name = view.names[name];
  }
  std::ranges::stable_sort(result, [](const FunctionTotals& a, const FunctionTotals& b) {
    return std::pair(std::abs(a.flat), std::abs(a.cumulative)) >
           std::pair(std::abs(b.flat), std::abs(b.cumulative));
  });
  return result;
}

}  // namespace greyhound::pprof
