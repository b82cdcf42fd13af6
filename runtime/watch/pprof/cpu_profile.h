// SPDX-License-Identifier: MIT
// A CPU profile as a pprof profile: samples/count and cpu/nanoseconds, as Go's.
#pragma once

#include "runtime/profile/cpu_profiler.h"
#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

struct CpuProfileView {
  bool hide_runtime = false;  // as Go's heap profiles (hide_runtime.h)
};

// CPU time of threads that were never sampled stands under "[not sampled]". The comments say where
// the samples come from, and how many were dropped or are incomplete.
Profile cpu_profile(const runtime::CpuProfile& profile, const CpuProfileView& view = {});

}  // namespace greyhound::pprof
