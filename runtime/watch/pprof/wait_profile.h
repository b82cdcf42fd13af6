// SPDX-License-Identifier: MIT
// A wait profile as a pprof profile: contentions/count and delay/nanoseconds, as Go's block and
// mutex profiles. What was waited for is the label `wait` (gc/watch/wait_profile.h lists them).
#pragma once

#include <cstdint>
#include <vector>

#include "gc/watch/wait_profile.h"
#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

// `rate`: the one that all of the records were sampled at.
Profile wait_profile(const std::vector<gc::WaitRecord>& records, uint64_t rate);

}  // namespace greyhound::pprof
