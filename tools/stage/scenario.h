// SPDX-License-Identifier: MIT
// What can be put on the stage: a heap to begin with, and what the mutators do while the collector
// works. A move waits until it is due, so the collector gets to the state that the move is about;
// the marker is never told what to do.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "tools/stage/stage.h"

namespace greyhound::stage {

struct Move {
  // True when the move should be made before the collector does anything else.
  std::function<bool(Stage&)> due;
  std::function<void(Stage&)> make;
};

struct Scenario {
  std::string_view name;
  std::string_view title;
  std::function<void(Stage&)> begin;
  // The script; the moves come in this order.
  std::function<std::vector<Move>(uint64_t seed)> script;
  std::vector<Move> moves;  // of the seed it was taken with
};

// Throws CommandError for a name that there is not.
Scenario scenario_named(std::string_view name, uint64_t seed);
std::span<const std::string_view> scenario_names();

}  // namespace greyhound::stage
