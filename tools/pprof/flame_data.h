// SPDX-License-Identifier: MIT
// What the flame graph's page shows: one profile, or two to compare, as the JSON that
// tools/web/src/flame_model.js reads and describes. Stacks are a tree, so that what they share is
// there once. Any thread.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "runtime/watch/pprof/profile.h"
#include "tools/pprof/view.h"

namespace greyhound::pprof {

struct FlameOptions {
  std::string title;
  std::string sample_type;                                // to begin with; empty: the default
  std::vector<std::pair<std::string, std::string>> tags;  // to begin with
  std::string highlight;                                  // a regular expression; empty: none
  // Stacks whose share is too small to see are shortened until the text is no longer than this.
  size_t most_bytes = 700'000;
  size_t most_calls = kMostCalls;  // in the tree of all
};

struct NamedProfile {
  std::string name;  // of the file
  Profile profile;
};

// `profiles`: one, or before and after. Of two, what both count is shown. Throws
// std::runtime_error, with a sentence, for a sample type that is not there, for two profiles that
// have none in common, for values that 64 bits do not hold the sum of and for stacks beyond bounds.
nlohmann::json flame_data(const std::vector<NamedProfile>& profiles, const FlameOptions& options);

}  // namespace greyhound::pprof
