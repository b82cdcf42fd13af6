// SPDX-License-Identifier: MIT
// Maps whose keys are integers of 4 bytes. As fast64.h.
#pragma once

#include <cstdint>

#include "maps/lookup.h"

namespace greyhound::maps {

const void* mapaccess1_fast32(const MapType* t, const hmap* h, uint32_t key);
ElemOk mapaccess2_fast32(const MapType* t, const hmap* h, uint32_t key);
void* mapassign_fast32(const MapType* t, hmap* h, uint32_t key);
void mapdelete_fast32(const MapType* t, hmap* h, uint32_t key);

}  // namespace greyhound::maps
