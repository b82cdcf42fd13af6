// SPDX-License-Identifier: MIT
// Iteration, after Go's mapiternext. The iterator walks the buckets of the table that it began
// with, from a random bucket and a random slot, and sorts out what growth does to it meanwhile:
//
//  - Its table is still the map's, and a growth is filling it (h->buckets == it->buckets, growing):
//    where an old bucket is not evacuated yet, its entries are read in place of the new bucket, but
//    only those that will move to that new bucket (checkBucket), since its sibling is visited too.
//  - A growth began after it did, and perhaps others since: a table is whole before the next growth
//    begins, and evacuation leaves its entries as they were, marked. So the iterator goes on in its
//    own table, whatever the map's is by now, and asks the map what has become of each entry.
//  - A key that is not equal to itself cannot be asked for. It can be neither updated nor removed
//    one by one either, so the old copy serves; its low tophash bit says which bucket it moves to
//    (evacuate.cc).
//  - The map was emptied since (another hash0): nothing that it was to visit is left. Nor could it
//    tell any more where an entry belongs.
//
// Keep-alive: the iterator is a root. The overflow buckets of a noscan table hang on the lists of
// extra, which a growth drops when it ends: so the iterator holds them, and creates the current one
// if need be, since it may fill up later.
#include "maps/iterate.h"

#include "gc/alloc/malloc.h"
#include "gc/bug.h"
#include "gc/mutator/mutator.h"
#include "maps/assign_inl.h"
#include "maps/iterate_inl.h"
#include "maps/lookup.h"
#include "runtime/base/panic.h"

namespace greyhound::maps {
namespace {

template <class T>
T* load_acquire(T* const* field) {
  return reinterpret_cast<T*>(load_word(field));
}

// Sets *field, which several readers may want to do at once, to a new object of `type`. The lock is
// held for two stores, with no safepoint in between.
template <class T>
void create_once(hmap* h, T** field, const Type* type) {
  if (load_acquire(field) != nullptr) return;
  auto* created = static_cast<T*>(gc::newobject(type));
  if (created == nullptr) panic("out of memory at the start of a map iteration");
  const std::atomic_ref<uint8_t> flags(h->flags);
  // acquire, release: partners of each other; the second to come sees what the first has set.
  while ((flags.fetch_or(kExtraLock, std::memory_order_acquire) & kExtraLock) != 0) _mm_pause();
  if (*field == nullptr) set_pointer(field, created);
  flags.fetch_and(static_cast<uint8_t>(~kExtraLock), std::memory_order_release);
}

void keep_overflow_buckets(hiter* it) {
  hmap* h = it->h;
  create_once(h, &h->extra, &kMapextraType);
  create_once(h, &h->extra->overflow, &kOverflowListType);
  it->overflow = h->extra->overflow;
  it->oldoverflow = h->extra->oldoverflow;
}

// The bucket to read after the last one of a chain; sets checkBucket. Null at the end.
bmap* next_chain(hiter* it) {
  const hmap* h = it->h;
  if (it->wrapped && it->bucket == it->startBucket) return nullptr;
  gc::safepoint("mapiternext");
  const size_t bucket = it->bucket;
  bmap* b = bucket_at(*it->t, it->buckets, bucket);
  it->checkBucket = kNoCheck;
  if (h->growing() && it->buckets == h->buckets) {
    const size_t old_mask = (size_t{1} << h->old_B()) - 1;
    bmap* old = bucket_at(*it->t, h->oldbuckets, bucket & old_mask);
    if (!old->evacuated()) {
      b = old;
      if (!h->has(kSameSizeGrow)) it->checkBucket = bucket;
    }
  }
  advance_bucket(it);
  return b;
}

// The entry of an old bucket will move, or has moved, to the bucket that is being visited.
bool belongs_here(const IterationState& it, const KeyGeneric& key, uint8_t top, bool reproducible) {
  if (!reproducible) return it.checkBucket >> (it.B - 1) == (top & 1u);
  return (key.hash(it.h->hash0) & ((uint64_t{1} << it.B) - 1)) == it.checkBucket;
}

// Makes the slot's entry the current one; false when it is to be passed over.
bool visit(hiter* it, Slot slot) {
  const MapType& t = *it->t;
  const uint8_t top = slot.bucket->tophash[slot.index];
  if (top <= kEmptyOne || top == kEvacuatedEmpty)
    return false;  // removed since its bucket was entered
  const bool moved = top < kMinTopHash;
  const KeyGeneric key = KeyGeneric::from_slot(t, key_slot(t, slot));
  const bool reproducible = t.has(kReflexiveKey) || t.equal_keys(key.key, key.key);
  if (it->checkBucket != kNoCheck && !belongs_here(*it, key, top, reproducible)) return false;
  const KeyElem entry =
      moved && reproducible ? mapaccessK(&t, it->h, key.key) : KeyElem{key.key, elem_of(t, slot)};
  it->key = entry.key;
  it->elem = entry.elem;
  return entry.key != nullptr;
}

// The next entry of it->bptr, whatever growth has done to it; false when the bucket has no more.
bool next_in_bucket(hiter* it) {
  while (it->left != 0) {
    const Slot slot = slot_of(*it, it->left);
    it->left = static_cast<uint8_t>(it->left & (it->left - 1));
    if (visit(it, slot)) return true;
  }
  return false;
}

// The bucket after it->bptr; null at the end.
bmap* next_bucket(hiter* it) {
  bmap* next = it->bptr == nullptr ? nullptr : overflow_of(*it->t, it->bptr);
  if (next == nullptr) return next_chain(it);
  gc::safepoint("mapiternext");
  return next;
}

// Finds the next entry where step_in_place does not.
GREYHOUND_NOINLINE void next_slow(hiter* it) {
  const bool emptied = it->h->hash0 != it->hash0;
  while (emptied || !next_in_bucket(it)) {
    bmap* next = emptied ? nullptr : next_bucket(it);
    if (next == nullptr) {
      it->key = nullptr;
      it->elem = nullptr;
      return;
    }
    enter_bucket(it, next, TopGroup(next).match_not_empty());
  }
}

}  // namespace

void hiter::take_root() {
  drop_root();
  if (gc::bug(gc::Bug::kIteratorsNotRoots)) return;
  gc::Mutator* mutator = gc::current_mutator();
  // Below every object on the stack that the thread runs on, which may be scanned anyway.
  const auto frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const auto self = reinterpret_cast<uintptr_t>(this);
  if (mutator->scans_stacks && self - frame < mutator->stacks().end() - frame) return;
  root_.begin = reinterpret_cast<const uintptr_t*>(static_cast<IterationState*>(this));
  root_.count = offsetof(IterationState, startBucket) / kWordBytes;
  mutator->add_root_range(&root_);
}

void mapiterinit(const MapType* t, hmap* h, hiter* it) {
  static_cast<IterationState&>(*it) = {};
  it->t = t;
  if (maplen(h) == 0) return;
  it->take_root();
  it->h = h;
  it->hash0 = h->hash0;
  it->B = h->B;
  it->buckets = h->buckets;
  if (t->has(kNoscanBucket)) keep_overflow_buckets(it);
  const uint64_t random = gc::fastrand();
  it->startBucket = it->bucket = random & h->bucket_mask();
  it->offset = static_cast<uint8_t>(random >> 61);
  // Atomic, since other readers may do the same. Relaxed: only a later writer acts on it, and
  // whatever orders that writer after this reader orders this.
  constexpr uint8_t kBoth = kIterator | kOldIterator;
  if ((h->load_flags() & kBoth) != kBoth) {
    std::atomic_ref<uint8_t>(h->flags).fetch_or(kBoth, std::memory_order_relaxed);
  }
  mapiternext(it);
}

void mapiternext(hiter* it) {
  if (it->h->has(kHashWriting)) [[unlikely]]
    fatal("concurrent map iteration and map write");
  if (!step_in_place(*it->t, it)) next_slow(it);
}

}  // namespace greyhound::maps
