// SPDX-License-Identifier: MIT
// Assignment, shared by every path: finds the key's slot or the first free one of its chain, grows
// the table or the chain when it must, and claims the slot. A template over Key as the search is
// (lookup_inl.h), and over store_key and update_key for that key.
//
// Order of events, which makes failure harmless: everything that can fail (hashing, growth, a new
// overflow bucket, an indirect key or elem) comes before the slot is claimed by its tophash.
//
// The key given, and what the caller stores as the elem afterwards, may lie in the map's own
// memory: growth leaves what it moves readable where it was (evacuate.cc).
//
// Included by assign.cc, fast32.cc, fast64.cc and faststr.cc only.
#pragma once

#include "gc/alloc/malloc.h"
#include "gc/mutator/hot.h"
#include "gc/mutator/mutator.h"
#include "maps/grow.h"
#include "maps/lookup_inl.h"
#include "maps/slots.h"

namespace greyhound::maps {

[[noreturn]] void concurrent_writes() __attribute__((cold));
[[noreturn]] void assignment_to_nil_map() __attribute__((cold));

// Fails when another writer is inside; raises the writing flag. REQUIRES: the key is hashed,
// because hashing may panic and would leave the flag up.
GREYHOUND_INLINE void begin_write(hmap* h) {
  const unsigned flags = h->load_flags();
  if ((flags & kHashWriting) != 0) [[unlikely]]
    concurrent_writes();
  h->store_flags(flags | kHashWriting);
}
GREYHOUND_INLINE void end_write(hmap* h) {
  const unsigned flags = h->load_flags();
  if ((flags & kHashWriting) == 0) [[unlikely]]
    concurrent_writes();
  h->store_flags(flags & ~static_cast<unsigned>(kHashWriting));
}

// store_key writes the key into a free slot; false when out of memory. update_key replaces a key
// that is equal to the one given, where that can be told apart.
inline bool store_key(const MapType&, hmap*, const Key32& key, void* slot) {
  std::memcpy(slot, &key.value, sizeof key.value);
  return true;
}
inline void update_key(const MapType&, const Key32&, void*) {}

inline bool store_key(const MapType&, hmap*, const Key64& key, void* slot) {
  std::memcpy(slot, &key.value, sizeof key.value);
  return true;
}
inline void update_key(const MapType&, const Key64&, void*) {}

// A pointer is searched for as any 8 bytes, and stored with the barrier.
struct Key64Ptr : Key64 {};
inline bool store_key(const MapType&, hmap*, const Key64Ptr& key, void* slot) {
  gc::write_pointer(static_cast<void**>(slot), reinterpret_cast<void*>(key.value));
  return true;
}

// The size stays as it is where only the bytes' place changes.
inline void update_key(const MapType&, const KeyStr& key, void* slot) {
  auto* words = static_cast<StringWords*>(slot);
  if (words->data != key.data) set_pointer(&words->data, key.data);
}
inline bool store_key(const MapType& t, hmap*, const KeyStr& key, void* slot) {
  static_cast<StringWords*>(slot)->size = key.size;
  update_key(t, key, slot);
  return true;
}

bool store_key(const MapType& t, hmap* h, const KeyGeneric& key, void* slot);
void update_key(const MapType& t, const KeyGeneric& key, void* slot);

// Where a key is (found) or could go. An index of kBucketSlots means the chain is full and its last
// bucket is `slot.bucket`.
struct Place {
  Slot slot;
  bool found;
};

template <class Key>
GREYHOUND_INLINE Place find_place(const MapType& t, bmap* bucket, uint8_t top, const Key& key) {
  Slot free;
  for (;;) {
    const TopGroup group(bucket);
    for (unsigned match = group.match(top); match != 0; match &= match - 1) {
      const Slot slot{bucket, lowest_bit(match)};
      if (key.equals(key_slot(t, slot))) return {slot, true};
    }
    if (free.bucket == nullptr) {
      const unsigned empty = group.match_empty();
      if (empty != 0) free = {bucket, lowest_bit(empty)};
    }
    if (group.ends_chain()) return {free, false};
    bmap* next = overflow_of(t, bucket);
    if (next == nullptr) break;
    bucket = next;
  }
  if (free.bucket == nullptr) return {{bucket, kBucketSlots}, false};
  return {free, false};
}

// Before the chain of `hash` is looked at: makes the first table, or evacuates what fills the
// chain. False: out of memory.
bool prepare_chain_slow(const MapType* t, hmap* h, uint64_t hash);

// One more entry calls for a bigger table, or for the same one without its holes.
GREYHOUND_INLINE bool growth_is_due(const hmap& h) {
  return !h.growing() &&
         (overLoadFactor(h.count + 1, h.B) || tooManyOverflowBuckets(h.noverflow, h.B));
}

// Gives the slot memory for an indirect elem. False: out of memory.
bool allocate_elem_slow(const MapType* t, hmap* h, Slot slot);

// Where stacks are not scanned: keeps the tables that a write drops until its end, since its
// arguments may lie in them. An out-of-memory handler that unwinds through here (this layer has no
// cleanups) leaves them to the next such write.
class DroppedTables {
 public:
  explicit DroppedTables(const hmap* h) {
    gc::Mutator* mutator = gc::tls_mutator->self;
    if (!mutator->scans_stacks) [[unlikely]] {
      mutator_ = mutator;
      keep_slow(h);
    }
  }
  ~DroppedTables() {
    if (mutator_ != nullptr) [[unlikely]]
      mutator_->roots().kept_by_write = {};
  }
  DroppedTables(const DroppedTables&) = delete;
  DroppedTables& operator=(const DroppedTables&) = delete;

 private:
  void keep_slow(const hmap* h);

  gc::Mutator* mutator_ = nullptr;
};

// Fills the slot that was found free. Null: out of memory.
template <class Key>
GREYHOUND_INLINE void* claim_slot(const MapType* t, hmap* h, const Key& key, uint8_t top,
                                  Slot slot) {
  if (slot.index == kBucketSlots) [[unlikely]] {
    slot = {newoverflow(t, h, slot.bucket), 0};
    if (slot.bucket == nullptr) return nullptr;
  }
  if (!store_key(*t, h, key, key_slot(*t, slot))) return nullptr;
  if (t->has(kIndirectElem) && !allocate_elem_slow(t, h, slot)) return nullptr;
  slot.bucket->tophash[slot.index] = top;
  ++h->count;
  return elem_of(*t, slot);
}

// While the table grows, or when it must.
template <class Key>
GREYHOUND_NOINLINE void* assign_place_slow(const MapType* t, hmap* h, Key key, uint64_t hash) {
  const DroppedTables kept(h);
  const uint8_t top = tophash_of(hash);
  for (;;) {
    if (h->growing() || h->buckets == nullptr) {
      if (!prepare_chain_slow(t, h, hash)) return nullptr;
    }
    bmap* chain = bucket_at(*t, h->buckets, hash & h->bucket_mask());
    prefetch_rest(chain);
    const Place place = find_place(*t, chain, top, key);
    if (place.found) {
      update_key(*t, key, key_slot(*t, place.slot));
      return elem_of(*t, place.slot);
    }
    if (!growth_is_due(*h)) return claim_slot(t, h, key, top, place.slot);
    if (!hashGrow(t, h)) return nullptr;
  }
}

template <class Key>
GREYHOUND_INLINE void* assign_place(const MapType* t, hmap* h, const Key& key, uint64_t hash) {
  if (h->growing() || h->buckets == nullptr) [[unlikely]] {
    // A growing map takes half of its writes here, so they have no frame of their own.
    if (!gc::tls_mutator->self->scans_stacks) return assign_place_slow(t, h, key, hash);
    if (!prepare_chain_slow(t, h, hash)) return nullptr;
  }
  const uint8_t top = tophash_of(hash);
  bmap* chain = bucket_at(*t, h->buckets, hash & h->bucket_mask());
  prefetch_rest(chain);
  const Place place = find_place(*t, chain, top, key);
  if (place.found) {
    update_key(*t, key, key_slot(*t, place.slot));
    return elem_of(*t, place.slot);
  }
  if (growth_is_due(*h)) [[unlikely]]
    return assign_place_slow(t, h, key, hash);
  return claim_slot(t, h, key, top, place.slot);
}

template <class Key>
GREYHOUND_INLINE void* assign_entry(const MapType* t, hmap* h, const Key& key) {
  if (h == nullptr) [[unlikely]]
    assignment_to_nil_map();
  gc::safepoint("mapassign");
  const uint64_t hash = key.hash(h->hash0);
  begin_write(h);
  void* elem = assign_place(t, h, key, hash);
  end_write(h);
  return elem;
}

}  // namespace greyhound::maps
