// SPDX-License-Identifier: MIT
// Profiles as text: which functions, which calls, which stacks. All of them count inlined calls as
// calls.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tools/pprof/profile.h"

namespace greyhound::pprof {

// A call stack, the outermost function first, and what was counted there.
struct Stack {
  std::vector<std::string> functions;
  int64_t value = 0;
};

// One of a profile's sample types, by stacks: each once, in the order of their functions.
struct StackView {
  ValueType type;
  std::vector<Stack> stacks;
  int64_t total() const;
  // The sum of the amounts: what percentages are of. As total() unless some values are negative.
  int64_t magnitude() const;
};

struct ViewOptions {
  std::string sample_type;                                // empty: the profile's default
  std::vector<std::pair<std::string, std::string>> tags;  // only samples that carry all of these
};

// Throws std::runtime_error, with a sentence, for a sample type that the profile does not have.
StackView view_of(const Profile& profile, const ViewOptions& options);
// What `after` has more than `before`. Throws when the two count different things.
StackView difference(const StackView& before, const StackView& after);

struct FunctionTotals {
  std::string name;
  int64_t flat = 0;        // in the function itself
  int64_t cumulative = 0;  // and in what it calls; a recursive call counts once
};
// By amount of flat, the greatest first.
std::vector<FunctionTotals> functions_of(const StackView& view);

// As `go tool pprof -top` prints them; 0 lines: all.
std::string format_top(const StackView& view, size_t lines);
// The calls as a tree, in which what is below a hundredth of all is left out, with a note.
std::string format_tree(const StackView& view);
// A line a stack, "main;f;g 42", as flamegraph.pl and speedscope read them.
std::string format_folded(const StackView& view);

// "alloc_objects, alloc_space": for messages.
std::string names_of(const std::vector<ValueType>& types);

// "12.5 MiB", "340 ms", "1,234".
std::string format_value(int64_t value, const std::string& unit);

}  // namespace greyhound::pprof
