// SPDX-License-Identifier: MIT
// A map as JSON: the header, both tables with every bucket's tophash bytes, keys and elems, the
// overflow chains, and how far the evacuation is. Reads the map and changes nothing; no writer
// meanwhile.
#pragma once

#include <nlohmann/json.hpp>

#include "maps/hmap.h"

namespace greyhound::stage {

// Of a Map<String, eface> whose values are int64_t. h may be null: gives null.
nlohmann::ordered_json map_json(const maps::hmap* h);

}  // namespace greyhound::stage
