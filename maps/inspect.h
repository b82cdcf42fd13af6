// SPDX-License-Identifier: MIT
// Looking inside a map: its shape, for tests, experiments and pages, and a check of its invariants.
// Both walk the whole table and change nothing. As a reader of the map: no writer meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "maps/hmap.h"
#include "maps/map_type.h"

namespace greyhound::maps {

struct MapShape {
  // hmap's own fields.
  int64_t count = 0;
  unsigned B = 0;
  unsigned noverflow = 0;  // approximate from B = 16 on; overflow_buckets is exact
  size_t nevacuate = 0;
  bool growing = false;
  bool same_size_grow = false;
  bool has_extra = false;

  size_t buckets = 0;      // 2^B, or 0 before the first insertion
  size_t old_buckets = 0;  // of the table being evacuated
  size_t evacuated_old_buckets = 0;
  size_t overflow_buckets = 0;      // in the chains of buckets
  size_t old_overflow_buckets = 0;  // in the chains of oldbuckets
  size_t preallocated_left = 0;     // overflow buckets not yet taken from the table's array
  size_t listed_overflow = 0;       // in extra->overflow (noscan tables)
  size_t listed_oldoverflow = 0;

  // Chains of the new table by their overflow buckets; the last counter has all longer ones.
  static constexpr size_t kChainLengths = 8;
  size_t chains[kChainLengths] = {};
  size_t longest_chain = 0;  // in overflow buckets

  size_t bucket_bytes = 0;  // of one bucket
  size_t table_bytes = 0;   // of all arrays and overflow buckets, indirect keys and elems apart
  double load = 0;          // entries per bucket of the new table
};

// h may be null: an empty shape.
MapShape inspect(const MapType* t, const hmap* h);

// An empty string when the map keeps the invariants of hmap.h and bmap.h, each entry lies in its
// chain under its tophash, and the counts agree; else the first sentence that is not true of it.
std::string verify_map(const MapType* t, const hmap* h);

}  // namespace greyhound::maps
