// SPDX-License-Identifier: MIT
// Deletion, shared by every path: finds the entry, clears what holds pointers, and keeps the
// kEmptyRest suffix of the chain as long as it can be (bmap.h, invariant 1). A template over Key as
// the search is. Deletion needs no memory: when the chain cannot be evacuated for lack of it, the
// entry is removed from the old table, where readers still look for it.
//
// The key given may lie in the map itself, in the very entry that is removed: it is compared before
// anything is cleared.
//
// Included by erase.cc, fast32.cc, fast64.cc and faststr.cc only.
#pragma once

#include "gc/mutator/mutator.h"
#include "maps/assign_inl.h"

namespace greyhound::maps {

GREYHOUND_INLINE void clear_entry(const MapType& t, Slot slot) {
  // A noscan key may stay: nothing compares it with the slot marked empty.
  if (t.key_kind != SlotKind::kNoscan) {
    clear_slot(t.key_kind, t.key, t.key_size, key_slot(t, slot));
  }
  clear_slot(t.elem_kind, t.elem, t.elem_size, elem_slot(t, slot));
}

// Marks the slot empty, and turns the run of empty slots that now ends its chain into kEmptyRest.
// `chain` is the first bucket of the slot's chain.
void release_slot(const MapType& t, bmap* chain, Slot slot);

// The last entry is gone: another seed, and nothing is left for a growth to move.
void emptied(const MapType& t, hmap* h);

// While a growth is under way the old table still has a copy of what was moved; of an entry that is
// removed it must keep nothing alive.
template <class Key>
GREYHOUND_NOINLINE void forget_moved(const MapType& t, hmap* h, uint64_t hash, const Key& key) {
  const uint64_t old_mask = (uint64_t{1} << h->old_B()) - 1;
  bmap* bucket = bucket_at(t, h->oldbuckets, hash & old_mask);
  if (!bucket->evacuated()) return;
  for (; bucket != nullptr; bucket = overflow_of(t, bucket)) {
    const TopGroup group(bucket);
    for (unsigned left = group.match(kEvacuatedX) | group.match(kEvacuatedY); left != 0;
         left &= left - 1) {
      const Slot slot{bucket, lowest_bit(left)};
      if (!key.equals(key_slot(t, slot))) continue;
      bucket->tophash[slot.index] = kEvacuatedEmpty;
      return clear_entry(t, slot);
    }
  }
}

template <class Key>
GREYHOUND_INLINE void erase_entry(const MapType* t, hmap* h, const Key& key) {
  if (h == nullptr || h->count == 0) return;
  gc::safepoint("mapdelete");
  const uint64_t hash = key.hash(h->hash0);
  begin_write(h);
  if (h->growing()) [[unlikely]]
    growWork(t, h, hash & h->bucket_mask());
  bmap* chain = chain_for_read(*t, h, hash);
  const Slot slot = find_in_chain(*t, chain, tophash_of(hash), key);
  if (slot.bucket != nullptr) {
    // Before the slot is cleared: the key given may lie in it.
    if (h->growing() && !t->has(kNoscanBucket)) [[unlikely]]
      forget_moved(*t, h, hash, key);
    clear_entry(*t, slot);
    release_slot(*t, chain, slot);
    if (--h->count == 0) emptied(*t, h);
  }
  end_write(h);
}

}  // namespace greyhound::maps
