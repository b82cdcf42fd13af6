// SPDX-License-Identifier: MIT
// What a profile shows of a workload, in numbers: X11's figures, of Greyhound's profiles and of
// Go's. The workload is found by a function on the stack, which every kind of profile shows.
#pragma once

#include <string_view>

#include "runtime/watch/pprof/profile.h"
#include "tools/experiments/figures.h"

namespace greyhound::lab {

// Of a heap profile: the objects that `sample_type` (alloc_objects, inuse_objects) counts below
// `function`, given as the end of its name. Throws std::runtime_error when the profile has no such
// sample type.
ProfileCounts heap_counts(const pprof::Profile& profile, std::string_view sample_type,
                          std::string_view function);

// Of a CPU profile: nanoseconds, and where marking stands in them.
ProfileCounts cpu_counts(const pprof::Profile& profile);

}  // namespace greyhound::lab
