// SPDX-License-Identifier: MIT
// Type descriptors of the map header and what hangs off it. See hmap.h.
#include "maps/hmap.h"

namespace greyhound::maps {
namespace {

constexpr uint64_t word_bit(size_t offset) { return uint64_t{1} << (offset / kWordBytes); }

constexpr uint64_t kHmapMask = word_bit(offsetof(hmap, buckets)) |
                               word_bit(offsetof(hmap, oldbuckets)) |
                               word_bit(offsetof(hmap, extra));
constexpr uint64_t kMapextraMask = word_bit(sizeof(mapextra)) - 1;
constexpr uint64_t kOverflowListMask =
    (word_bit(sizeof(OverflowList)) - 1) & ~word_bit(offsetof(OverflowList, count));

constexpr Type make(const char* name, size_t size, const uint64_t* mask, uint8_t flags) {
  Type type;
  type.size = size;
  type.ptrdata = size;
  type.ptrmask = mask;
  type.name = name;
  type.align = 8;
  type.kind = Kind::kStruct;
  type.flags = flags;
  return type;
}

}  // namespace

// Exact: buckets, oldbuckets and extra are the bases of objects of their own. nextOverflow and the
// listed overflow buckets may lie inside a table.
constinit const Type kHmapType =
    make("runtime.hmap", sizeof(hmap), &kHmapMask, kTypeExactPointers | kTypeNeverWalked);
constinit const Type kMapextraType =
    make("runtime.mapextra", sizeof(mapextra), &kMapextraMask, kTypeNeverWalked);
constinit const Type kOverflowListType =
    make("runtime.overflowList", sizeof(OverflowList), &kOverflowListMask, kTypeNeverWalked);

}  // namespace greyhound::maps
