// SPDX-License-Identifier: MIT
// The inline part of iteration: the next entry of the bucket being read, when that takes no question
// about growth. Everything else is in iterate.cc. A template over the map's shape, as the search is.
#pragma once

#include "maps/iterate.h"
#include "maps/lookup_inl.h"

namespace greyhound::maps {

inline constexpr size_t kNoCheck = ~size_t{0};  // of hiter::checkBucket

GREYHOUND_INLINE Slot slot_of(const hiter& it, unsigned left) {
  return {it.bptr, (lowest_bit(left) + it.offset) % kBucketSlots};
}

// Steps inside the bucket; false, with nothing done, when mapiternext must. The slots to visit were
// noted when the bucket was entered: the loop-carried chain is a load, an AND and a store (the whole of
// `left` from tophash took 4.0 instead of NEXT ns an entry). An entry that has been removed or moved
// since then shows in its tophash.
template <class Shape>
GREYHOUND_INLINE bool next_in_place(const Shape& shape, hiter* it) {
  const unsigned left = it->left;
  if (left == 0) return false;
  const Slot slot = slot_of(*it, left);
  if (slot.bucket->tophash[slot.index] < kMinTopHash) [[unlikely]] return false;
  if (it->checkBucket != kNoCheck) [[unlikely]] return false;
  it->left = static_cast<uint8_t>(left & (left - 1));
  it->key = key_of(shape, slot);
  it->elem = elem_of(shape, slot);
  return true;
}

}  // namespace greyhound::maps
