// SPDX-License-Identifier: MIT
// Deletion, shared by every path: finds the entry, clears what holds pointers, and keeps the
// kEmptyRest suffix of the chain as long as it can be (bmap.h, invariant 1). A template over Key as
// the search is. Deletion needs no memory: when the chain cannot be evacuated for lack of it, the
// entry is removed from the old table, where readers still look for it.
//
// Included by erase.cc, fast32.cc, fast64.cc and faststr.cc only.
#pragma once

#include "gc/mutator.h"
#include "maps/assign_inl.h"

namespace greyhound::maps {

// Marks the slot empty, and turns the run of empty slots that now ends its chain into kEmptyRest.
// `chain` is the first bucket of the slot's chain.
void release_slot(const MapType& t, bmap* chain, Slot slot);

template <class Key>
GREYHOUND_INLINE void erase_entry(const MapType* t, hmap* h, const Key& key) {
  if (h == nullptr || h->count == 0) return;
  poll_safepoint("mapdelete");
  const uint64_t hash = key.hash(h->hash0);
  begin_write(h);
  if (h->growing()) [[unlikely]]
    growWork(t, h, hash & h->bucket_mask());
  bmap* chain = chain_for_read(*t, h, hash);
  const Slot slot = find_in_chain(*t, chain, tophash_of(hash), key);
  if (slot.bucket != nullptr) {
    // A noscan key may stay: nothing compares it with the slot marked empty.
    if (t->key_kind != SlotKind::kNoscan) {
      clear_slot(t->key_kind, t->key, t->key_size, key_slot(*t, slot));
    }
    clear_slot(t->elem_kind, t->elem, t->elem_size, elem_slot(*t, slot));
    release_slot(*t, chain, slot);
    // A new seed for the next entries: what collided under the old one need not again.
    if (--h->count == 0) h->hash0 = static_cast<uint32_t>(gc::fastrand());
  }
  end_write(h);
}

}  // namespace greyhound::maps
