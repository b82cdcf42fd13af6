// SPDX-License-Identifier: MIT
// A bucket: eight tophash bytes, eight keys, eight elems, and the pointer to its overflow bucket in
// the last word. Keys lie together and elems together, so that no padding separates them. Only
// tophash is a C++ field; the rest is placed by the map's type (map_type.h), as in Go 1.19.
//
// tophash[i] is the top byte of the hash of the key in slot i, or one of the markers below when the
// slot is empty or its entry has been evacuated.
//
// Invariants:
//  1. A slot is kEmptyRest only if every later slot of the bucket and of its overflow chain is too.
//     Hence, in a table that is not being evacuated, one look at slot 7 says whether a search that
//     has not found its key in this bucket may end here.
//  2. Evacuation marks whole chains: tophash[0] of a chain's first bucket tells for all of it.
//
// All eight bytes are compared at once with SSE2, which x86-64 always has.
#pragma once

#include <emmintrin.h>

#include <cstdint>
#include <cstring>

#include "runtime/base/platform.h"

namespace greyhound::maps {

inline constexpr unsigned kBucketSlots = 8;

inline constexpr uint8_t kEmptyRest = 0;       // empty, and so is everything after it
inline constexpr uint8_t kEmptyOne = 1;        // empty
inline constexpr uint8_t kEvacuatedX = 2;      // moved to the first half of the new table
inline constexpr uint8_t kEvacuatedY = 3;      // moved to the second half
inline constexpr uint8_t kEvacuatedEmpty = 4;  // was empty when its bucket was evacuated
inline constexpr uint8_t kMinTopHash = 5;      // the smallest tophash of an entry

struct bmap {
  uint8_t tophash[kBucketSlots];

  // REQUIRES: the first bucket of its chain.
  bool evacuated() const { return tophash[0] > kEmptyOne && tophash[0] < kMinTopHash; }
};
static_assert(sizeof(bmap) == 8);

GREYHOUND_INLINE uint8_t tophash_of(uint64_t hash) {
  const auto top = static_cast<uint8_t>(hash >> 56);
  return top < kMinTopHash ? top + kMinTopHash : top;
}

// The index of the lowest set bit. REQUIRES: bits != 0. Clang 14 emits BSF, whose result
// depends on the old value of its output register on AMD and chains consecutive lookups: 231
// instead of 31 ns a hit in a map of 4 M entries. "rep bsf" is TZCNT where the machine has it
// and the same value where not.
GREYHOUND_INLINE unsigned lowest_bit(unsigned bits) {
  unsigned index = 0;
  asm("rep bsfl %1, %0" : "+r"(index) : "r"(bits) : "cc");
  return index;
}

// The tophash bytes of a bucket, loaded once. Masks have bit i set for slot i.
class TopGroup {
 public:
  GREYHOUND_INLINE explicit TopGroup(const bmap* bucket) {
    std::memcpy(&bytes_, bucket->tophash, sizeof bytes_);
  }
  GREYHOUND_INLINE unsigned match(uint8_t top) const {
    return mask(_mm_cmpeq_epi8(vector(), _mm_set1_epi8(static_cast<char>(top))));
  }
  // kEmptyRest or kEmptyOne.
  GREYHOUND_INLINE unsigned match_empty() const {
    return mask(_mm_cmpeq_epi8(_mm_min_epu8(vector(), _mm_set1_epi8(kEmptyOne)), vector()));
  }
  GREYHOUND_INLINE unsigned match_entries() const {
    return mask(_mm_cmpeq_epi8(_mm_max_epu8(vector(), _mm_set1_epi8(kMinTopHash)), vector()));
  }
  // What is neither empty nor marked evacuated-and-empty: an entry, here or moved.
  GREYHOUND_INLINE unsigned match_not_empty() const {
    return ~(match_empty() | match(kEvacuatedEmpty)) & 0xff;
  }
  // Nothing lies in later buckets of the chain (invariant 1).
  GREYHOUND_INLINE bool ends_chain() const { return bytes_ >> 56 == kEmptyRest; }

 private:
  GREYHOUND_INLINE __m128i vector() const {
    return _mm_cvtsi64_si128(static_cast<long long>(bytes_));
  }
  GREYHOUND_INLINE static unsigned mask(__m128i equal) {
    return static_cast<unsigned>(_mm_movemask_epi8(equal)) & 0xff;
  }
  uint64_t bytes_;
};

}  // namespace greyhound::maps
