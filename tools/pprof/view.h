// SPDX-License-Identifier: MIT
// One of a profile's sample types by stacks, and what two profiles differ in. All of it counts
// inlined calls as calls. Nothing recurses, and names are there once, however deep stacks are. Any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/watch/pprof/profile.h"
#include "tools/pprof/sample_types.h"
#include "tools/pprof/tag_filter.h"

namespace greyhound::pprof {

// A call stack, the outermost function first, and what was counted there.
struct Stack {
  std::vector<uint32_t> functions;  // indices into StackView::names
  int64_t value = 0;
  int64_t before = 0;  // of a difference: value is what there is after, less this
};

struct StackView {
  ValueType type;
  std::vector<std::string> names;  // each once, in their order
  std::vector<Stack> stacks;       // each once, in the order of their functions
  bool is_difference = false;
  int64_t total() const;
  // The sum of the amounts: what percentages are of. As total() unless some values are negative.
  int64_t magnitude() const;
  const std::string& name(const Stack& stack, size_t at) const {
    return names[stack.functions[at]];
  }
};

struct ViewOptions {
  std::string sample_type;  // empty: the profile's default
  Tags tags;                // only samples that match all of these
};

// What stands for the stack of a sample that has none.
inline constexpr const char* kNoStack = "(no stack)";

// Throws std::runtime_error, with a sentence, for a sample type that the profile does not have, and
// for values that 64 bits do not hold the sum of.
StackView view_of(const Profile& profile, const ViewOptions& options);
// What `after` has more than `before`, in the finer of their units. Throws when the two count
// different things.
StackView difference(const StackView& before, const StackView& after);

// A small file can have stacks of any length: what is inlined into a location comes again with
// every sample of it.
inline constexpr size_t kMostFrames = 200'000'000;
// Calls in a tree of them: so many take some two GB.
inline constexpr size_t kMostCalls = 20'000'000;

struct FunctionTotals {
  std::string name;
  int64_t flat = 0;        // in the function itself
  int64_t cumulative = 0;  // and in what it calls; a recursive call counts once
};
// By amount of flat, the greatest first.
std::vector<FunctionTotals> functions_of(const StackView& view);

}  // namespace greyhound::pprof
