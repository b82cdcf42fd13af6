// SPDX-License-Identifier: MIT
// A scenario played to its end, as JSON, for a page that has no server: the first snapshot whole,
// each later one as the JSON patch (RFC 6902) that makes it of the one before.
#pragma once

#include <cstdint>
#include <string_view>

#include "tools/stage/stage.h"

namespace greyhound::stage {

// {"scenario", "title", "seed", "broken", "first": snapshot, "patches": [[operation...]...]}
Json record(std::string_view scenario, uint64_t seed, bool broken);

// The recordings that the lab page replays.
Json recordings();

}  // namespace greyhound::stage
