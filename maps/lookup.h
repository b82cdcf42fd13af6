// SPDX-License-Identifier: MIT
// Reading a map of any type. Reads never write to the map, never evacuate and never allocate.
// The specialised paths are in fast32.h, fast64.h and faststr.h; the search itself in lookup_inl.h.
//
// Pointers returned point into a bucket (or at the elem itself when elems are indirect) and are
// valid until the map's next write. Elems are read through them; to store a pointer through one,
// use gc/mutator/write_barrier.h.
//
// A null hmap is an empty map. A key whose dynamic type cannot be hashed panics, on an empty map
// too. A writer caught inside the map is fatal ("concurrent map read and map write").
#pragma once

#include <cstddef>

#include "maps/hmap.h"
#include "maps/map_type.h"

namespace greyhound::maps {

struct ElemOk {
  const void* elem;
  bool ok;
};
struct KeyElem {
  const void* key;
  void* elem;
};

// The elem of `key`, or the map type's zero: as many zero bytes as an elem has.
const void* mapaccess1(const MapType* t, const hmap* h, const void* key);
// The same, with `zero` (of the elem's size) in its place.
const void* mapaccess1_fat(const MapType* t, const hmap* h, const void* key, const void* zero);
// The elem of `key` and true, or the map type's zero and false.
ElemOk mapaccess2(const MapType* t, const hmap* h, const void* key);
// The stored key and its elem, or two nulls. For iteration, and where the stored key matters.
KeyElem mapaccessK(const MapType* t, const hmap* h, const void* key);

inline int64_t maplen(const hmap* h) { return h == nullptr ? 0 : h->count; }

}  // namespace greyhound::maps
