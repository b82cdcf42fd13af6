// SPDX-License-Identifier: MIT
// Iteration over a map of any type, in an order that begins at random, as Go's `range`.
//
//   hiter it;
//   for (mapiterinit(t, h, &it); it.key != nullptr; mapiternext(&it)) use(it.key, it.elem);
//
// What is promised while the map is written between the steps (by the same thread): an entry that
// is there from beginning to end is visited once; one that is removed before it is reached is not
// visited; one that is added may be visited or not; a growth in between changes none of that.
//
// An hiter lies on a stack or in a root range of the mutator that uses it, never in a heap object:
// its pointers are stored without a barrier. Several readers may iterate over one map at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "maps/hmap.h"
#include "maps/map_type.h"

namespace greyhound::maps {

struct hiter {
  // The current entry; null at the end. Valid until the map's next write.
  const void* key = nullptr;
  void* elem = nullptr;

  // Go's fields; iterate.cc says how they work together.
  const MapType* t = nullptr;
  hmap* h = nullptr;
  bmap* buckets = nullptr;                 // the table at the beginning
  bmap* bptr = nullptr;                    // the bucket being read
  const OverflowList* overflow = nullptr;  // keep the overflow buckets of a noscan table alive
  const OverflowList* oldoverflow = nullptr;
  size_t startBucket = 0;
  size_t bucket = 0;       // the next one
  size_t checkBucket = 0;  // the bucket of the new table that old entries are filtered for
  uint8_t offset = 0;      // the slot that each bucket is begun at
  uint8_t left = 0;        // slots of bptr to visit; bit i stands for slot (i + offset) % 8
  uint8_t B = 0;
  bool wrapped = false;
};

// Begins at the first entry. Panics when there is no memory for what keeps overflow buckets alive
// (one small object the first time that a noscan table is iterated over).
void mapiterinit(const MapType* t, hmap* h, hiter* it);
// Steps to the next entry; now and then a safepoint. REQUIRES: it->key is set. Fatal when a writer
// is inside the map.
void mapiternext(hiter* it);

}  // namespace greyhound::maps
