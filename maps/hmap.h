// SPDX-License-Identifier: MIT
// The header of a map, in Go 1.19's layout of 48 bytes, and what hangs off it.
//
//   hmap --buckets----> 2^B buckets, then preallocated overflow buckets when B >= 4
//        --oldbuckets-> the previous table while it is being evacuated, else null
//        --extra------> mapextra --overflow, oldoverflow--> lists of overflow buckets (noscan only)
//                                --nextOverflow-----------> the next preallocated one
//
// Invariants (checked by verify_map, inspect.h):
//  1. An entry is in buckets, unless oldbuckets is set and its old bucket is not evacuated yet.
//  2. Old buckets below nevacuate are evacuated; others may be.
//  3. When bucket memory is noscan the collector does not see overflow pointers: every overflow
//     bucket of buckets is listed in extra->overflow and of oldbuckets in extra->oldoverflow.
//  4. Pointer fields, and pointer words in buckets, change only through gc/mutator/write_barrier.h.
//
// Thread rules, as in Go: any number of readers, or one writer and no reader. Misuse is noticed,
// not always, through kHashWriting and is fatal. flags is accessed with relaxed atomics: it is the
// one word that readers write (kIterator), and for misuse a stale value only misses a report.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "maps/bmap.h"
#include "runtime/base/type.h"

namespace greyhound::maps {

enum HmapFlags : uint8_t {
  kIterator = 1,      // there may be an iterator over buckets
  kOldIterator = 2,   // there may be one over oldbuckets
  kHashWriting = 4,   // a writer is inside the map
  kSameSizeGrow = 8,  // the growth under way keeps B
  kExtraLock = 16,    // a reader is creating extra (iterate.cc)
};

// Overflow buckets of one noscan table. The first chunk is the list's identity: an iterator holds
// it and thereby sees what is added later, so further chunks are linked in behind it.
struct OverflowList {
  static constexpr size_t kCapacity = 14;
  OverflowList* next;
  size_t count;
  bmap* buckets[kCapacity];
};
static_assert(sizeof(OverflowList) == 128);

struct mapextra {
  OverflowList* overflow;
  OverflowList* oldoverflow;
  bmap* nextOverflow;
};

struct hmap {
  int64_t count;
  uint8_t flags;
  uint8_t B;           // log2 of the number of buckets
  uint16_t noverflow;  // overflow buckets; approximate from B = 16 on
  uint32_t hash0;
  bmap* buckets;  // null until the first insertion, when B is 0
  bmap* oldbuckets;
  size_t nevacuate;
  mapextra* extra;

  bool growing() const { return oldbuckets != nullptr; }
  uint64_t bucket_mask() const { return (uint64_t{1} << (B & 63)) - 1; }
  // log2 of the number of old buckets. REQUIRES: growing().
  unsigned old_B() const { return has(kSameSizeGrow) ? B : B - 1u; }

  uint8_t load_flags() const {
    return std::atomic_ref<uint8_t>(const_cast<uint8_t&>(flags)).load(std::memory_order_relaxed);
  }
  void store_flags(unsigned value) {
    std::atomic_ref<uint8_t>(flags).store(static_cast<uint8_t>(value), std::memory_order_relaxed);
  }
  bool has(HmapFlags flag) const { return (load_flags() & flag) != 0; }
  void set(HmapFlags flag) { store_flags(load_flags() | flag); }
  void clear(HmapFlags flag) { store_flags(load_flags() & ~flag); }
  // The map has been emptied. Another seed: what collided under the old one need not again, and an
  // iteration that began before sees that all it was to visit is gone.
  void reseed(uint64_t random) { hash0 += static_cast<uint32_t>(random) | 1; }
};
static_assert(sizeof(hmap) == 48);

// Descriptors for allocation, and for embedders that place an hmap inside an object of their own.
extern const Type kHmapType;
extern const Type kMapextraType;
extern const Type kOverflowListType;

}  // namespace greyhound::maps
