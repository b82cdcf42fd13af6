// SPDX-License-Identifier: MIT
// The trace of one collection of a busy program: two threads that write boxes into maps.
//
// Thread rules: a plain function; on a thread that is attached to no runtime it still needs.
#pragma once

#include <chrono>
#include <nlohmann/json.hpp>

namespace greyhound::page {

// Chrome trace events (runtime/watch/trace/trace_json.h) of the shortest cycle that was seen (on a
// busy machine the others show who waited for a processor), cut to a little before and after it;
// null when none ended within `patience`.
nlohmann::ordered_json cycle_timeline(std::chrono::seconds patience = std::chrono::seconds(60));

}  // namespace greyhound::page
