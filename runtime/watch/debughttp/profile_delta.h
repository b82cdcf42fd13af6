// SPDX-License-Identifier: MIT
// Sums and differences of profiles, as google/pprof's Merge and Scale(-1) make them: samples of the
// same stack with the same labels are one, and what comes to nothing is left out.
#pragma once

#include <vector>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::serve {

// `after` less `before`. Both with the same sample types.
pprof::Profile profile_delta(const pprof::Profile& before, const pprof::Profile& after);
// All of them as one, which takes its types and period from the first.
pprof::Profile profile_sum(const std::vector<pprof::Profile>& parts);

}  // namespace greyhound::serve
