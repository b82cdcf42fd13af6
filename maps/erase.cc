// SPDX-License-Identifier: MIT
// mapdelete, mapclear, and the upkeep of a chain's empty suffix. See assign.h and erase_inl.h.
#include "maps/assign.h"
#include "maps/erase_inl.h"

namespace greyhound::maps {
namespace {

// Something lies after the slot in its chain.
bool has_successor(const MapType& t, Slot slot) {
  if (slot.index + 1 < kBucketSlots) return slot.bucket->tophash[slot.index + 1] != kEmptyRest;
  const bmap* next = overflow_of(t, slot.bucket);
  return next != nullptr && next->tophash[0] != kEmptyRest;
}

// The slot before `slot` in the chain; an empty Slot at its beginning. Chains are short.
Slot predecessor(const MapType& t, bmap* chain, Slot slot) {
  if (slot.index > 0) return {slot.bucket, slot.index - 1};
  if (slot.bucket == chain) return {};
  bmap* bucket = chain;
  while (overflow_of(t, bucket) != slot.bucket) bucket = overflow_of(t, bucket);
  return {bucket, kBucketSlots - 1};
}

// An iterator over a table that mapclear drops must not take its entries for living ones.
void empty_chains(const MapType& t, bmap* buckets, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    for (bmap* b = bucket_at(t, buckets, i); b != nullptr; b = overflow_of(t, b)) {
      std::memset(b->tophash, kEmptyRest, sizeof b->tophash);
    }
  }
}

void clear_table(const MapType& t, hmap* h) {
  const size_t length = bucket_array_length(t, h->B);
  if (t.has(kNoscanBucket)) {
    std::memset(static_cast<void*>(h->buckets), 0, length * t.bucket.size);
  } else {
    gc::typedmemclr_array(&t.bucket, h->buckets, length);
  }
}

}  // namespace

void release_slot(const MapType& t, bmap* chain, Slot slot) {
  if (has_successor(t, slot)) {
    slot.bucket->tophash[slot.index] = kEmptyOne;
    return;
  }
  do {
    slot.bucket->tophash[slot.index] = kEmptyRest;
    slot = predecessor(t, chain, slot);
  } while (slot.bucket != nullptr && slot.bucket->tophash[slot.index] == kEmptyOne);
}

void mapdelete(const MapType* t, hmap* h, const void* key) {
  if (t->has(kHashMightPanic) && (h == nullptr || h->count == 0)) t->hasher(key, 0);
  erase_entry(t, h, KeyGeneric{t, key});
}

void mapclear(const MapType* t, hmap* h) {
  if (h == nullptr || h->buckets == nullptr) return;
  begin_write(h);
  empty_chains(*t, h->buckets, size_t{1} << h->B);
  if (h->growing()) empty_chains(*t, h->oldbuckets, size_t{1} << h->old_B());
  h->clear(kSameSizeGrow);
  set_pointer(&h->oldbuckets, nullptr);
  h->nevacuate = 0;
  h->noverflow = 0;
  h->count = 0;
  h->hash0 = static_cast<uint32_t>(gc::fastrand());
  clear_table(*t, h);
  bmap* next = prepare_prealloc(*t, h->buckets, h->B);
  if (h->extra != nullptr) {
    set_pointer(&h->extra->overflow, nullptr);
    set_pointer(&h->extra->oldoverflow, nullptr);
    set_pointer(&h->extra->nextOverflow, next);
  }
  end_write(h);
}

}  // namespace greyhound::maps
