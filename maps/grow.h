// SPDX-License-Identifier: MIT
// Tables and how they grow: bucket arrays, overflow buckets, the start of a growth, and its steps.
// For the writers of this folder (assign, erase, clear); each function is called with kHashWriting
// set unless it says otherwise.
//
// Growth doubles the table when the load factor would exceed 6.5, or keeps its size when too many
// overflow buckets have gathered (deletions leave holes that only evacuation closes). Either way
// the old table is emptied a little at each write: readers never evacuate.
//
// Running out of memory: each function that allocates says so and leaves the map as it was, or with
// empty buckets linked in, which is the same to every reader. The writing flag is down during each
// allocation, so that an out-of-memory handler may unwind through here.
#pragma once

#include "gc/alloc/malloc.h"
#include "maps/hmap.h"
#include "maps/map_type.h"

namespace greyhound::maps {

inline constexpr unsigned kMinPreallocB = 4;  // smaller tables get no overflow buckets in advance

// newarray with the writing flag down. Null: out of memory. Inlined, so that what reads machine
// code finds an allocation in each function that makes one.
GREYHOUND_INLINE void* allocate_in_write(hmap* h, const Type* type, size_t count) {
  const unsigned writing = h->load_flags() & kHashWriting;
  h->clear(kHashWriting);
  void* memory = count == 1 ? gc::newobject(type) : gc::newarray(type, count);
  h->store_flags(h->load_flags() | writing);
  return memory;
}

// More than 6.5 entries a bucket (and more than one bucketful).
inline bool overLoadFactor(int64_t count, unsigned B) {
  return count > kBucketSlots &&
         static_cast<uint64_t>(count) > 13 * ((uint64_t{1} << (B & 63)) / 2);
}

// About as many overflow buckets as buckets. `noverflow` is a sample from B = 16 on.
inline bool tooManyOverflowBuckets(uint16_t noverflow, unsigned B) {
  return noverflow >= (uint32_t{1} << (B > 15 ? 15 : B));
}

// How many buckets the array of a table has, the preallocated overflow buckets included.
size_t bucket_array_length(const MapType& t, unsigned B);

// A new array for 2^B buckets, and its first preallocated overflow bucket (null for none). Null
// buckets: out of memory. The flag may be up or down.
struct BucketArray {
  bmap* buckets;
  bmap* nextOverflow;
};
BucketArray makeBucketArray(const MapType* t, hmap* h, unsigned B);
// The first preallocated overflow bucket of an all-zero array of 2^B buckets, which it prepares to
// be taken from (the last one's overflow points at the array: the mark of the end).
bmap* prepare_prealloc(const MapType& t, bmap* buckets, unsigned B);
// Makes h->extra; false when out of memory. The flag may be up or down.
bool ensure_extra(hmap* h);

// Links a new overflow bucket behind `last`. Null: out of memory.
bmap* newoverflow(const MapType* t, hmap* h, bmap* last);

// Starts a growth. False: out of memory. REQUIRES: not growing.
bool hashGrow(const MapType* t, hmap* h);

// Evacuates the old bucket that `bucket` of the new table is filled from, and one more to make
// progress. False: out of memory, `bucket` is not evacuated. REQUIRES: growing.
bool growWork(const MapType* t, hmap* h, size_t bucket);

// Drops the old table, in which nothing is left. REQUIRES: growing.
void end_growth(const MapType& t, hmap* h);

// Evacuates one old bucket's chain, unless that is done (evacuate.cc). False: out of memory.
bool evacuate(const MapType* t, hmap* h, size_t oldbucket);

}  // namespace greyhound::maps
