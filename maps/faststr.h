// SPDX-License-Identifier: MIT
// Maps whose keys are Go strings: {pointer to bytes, size}. Lookups take any bytes, also off the
// heap; an insertion stores the pointer, so the bytes must be the collector's or outlive the map,
// and must not change. Assigning to a key that is there replaces the stored pointer by the new one,
// as in Go, so that the old string may die.
//
// Contracts as in lookup.h and assign.h. REQUIRES: t->path is kFastStr.
#pragma once

#include <cstdint>
#include <string_view>

#include "maps/lookup.h"

namespace greyhound::maps {

const void* mapaccess1_faststr(const MapType* t, const hmap* h, std::string_view key);
ElemOk mapaccess2_faststr(const MapType* t, const hmap* h, std::string_view key);
void* mapassign_faststr(const MapType* t, hmap* h, std::string_view key);
void mapdelete_faststr(const MapType* t, hmap* h, std::string_view key);

}  // namespace greyhound::maps
