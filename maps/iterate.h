// SPDX-License-Identifier: MIT
// Iteration over a map of any type, in an order that begins at random, as Go's `range`.
//
//   hiter it;
//   for (mapiterinit(t, h, &it); it.key != nullptr; mapiternext(&it)) use(it.key, it.elem);
//
// What is promised while the map is written between the steps (by the same thread): an entry that
// is there from beginning to end is visited once; one that is removed before it is reached is not
// visited; one that is added is visited once or not at all. Growths in between, however many,
// change none of that. When the map is emptied, by mapclear or entry by entry, the iteration is
// over: what is added afterwards it may still visit, from a bucket that it is in.
//
// An hiter is a root of the mutator under which it began, wherever it lies (but never in a heap
// object: its pointers are stored without a barrier): what it holds lives, its key and elem too.
// It is for one thread, copies included, and is destroyed there; it may outlive the mutator, but
// not be used any more then. Several readers may iterate over one map at once.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/mutator/root_slots.h"
#include "maps/hmap.h"
#include "maps/map_type.h"

namespace greyhound::maps {

// What an iteration holds.
struct IterationState {
  // The current entry; null at the end. To be written until the map's next write, and read with the
  // value of then until the next step, unless the entry is removed. Of a key that is not equal to
  // itself (NaN) and that a growth has moved since the iteration began, elem is a copy: nobody
  // finds the entry by its key, the iteration neither.
  const void* key = nullptr;
  void* elem = nullptr;

  // Go's fields; iterate.cc says how they work together. Down to oldoverflow they are roots.
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
  uint32_t hash0 = 0;  // the map's when the iteration began: another one tells that it was emptied
};

struct hiter : IterationState {
  hiter() = default;
  hiter(const hiter& other) : IterationState(other) { take_root(other); }
  hiter& operator=(const hiter& other) {
    IterationState::operator=(other);
    take_root(other);
    return *this;
  }
  ~hiter() { drop_root(); }

  // For mapiterinit: under the current mutator, whichever it was before.
  void take_root();

 private:
  void take_root(const hiter& other) {
    if (other.h != nullptr) take_root();
  }
  void drop_root() {
    if (root_.begin == nullptr) return;
    gc::remove_root(&root_);
    root_.begin = nullptr;
  }

  gc::RootRange root_;
};

// Begins at the first entry. Panics when there is no memory for what keeps overflow buckets alive
// (one small object the first time that a noscan table is iterated over).
void mapiterinit(const MapType* t, hmap* h, hiter* it);
// Steps to the next entry; now and then a safepoint. REQUIRES: it->key is set. Fatal when a writer
// is inside the map.
void mapiternext(hiter* it);

}  // namespace greyhound::maps
