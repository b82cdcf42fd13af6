// SPDX-License-Identifier: MIT
// Profiles for the page: the ledger's statement, boxed and unboxed, under the CPU profiler and with
// every object sampled.
//
// Thread rules: a plain function; no CPU profile may be running in this process.
#pragma once

#include <nlohmann/json.hpp>

namespace greyhound::page {

// What mountFlameGraph takes, with a title each: CPU time, then allocations. One that cannot be
// made is left out (another profile is running).
nlohmann::ordered_json profile_loops(bool quick);

}  // namespace greyhound::page
