// SPDX-License-Identifier: MIT
// Evacuation: moves the entries of one old bucket's chain into the new table. In a doubling they
// are split by the hash bit that the bigger table adds: X keeps the bucket's number, Y has it plus
// the old size. In a same-size growth they move to X, close together. After Go's evacuate.
//
// Overflow buckets that the destination will need are linked in before the first entry moves, so
// that running out of memory leaves the old chain whole: X and Y together never need more of them
// than the old chain has. Chains of one bucket, most of them, skip that pass.
//
// A key that is not equal to itself (NaN) hashes differently each time; its low tophash
// bit decides instead, which an iterator can repeat (iterate.cc), and it gets a fresh
// tophash for the next time.
//
// The old chain stays as it was but for the marks: an iteration reads it, and so may the caller,
// who has found a key or an elem there and hands it to the very write that moves it. The collector
// frees the old table when nobody can. Until the growth ends it is the map's, and keeps alive what
// it has copies of; those of removed entries are cleared (erase_inl.h), those of elems that are
// overwritten are not.
#include "gc/alloc/malloc.h"
#include "gc/mutator/hot.h"
#include "gc/mutator/mutator.h"
#include "maps/grow.h"
#include "maps/slots.h"
#include "runtime/base/probes.h"

namespace greyhound::maps {
namespace {

struct Decision {
  unsigned half;  // 0: X, 1: Y
  uint8_t top;
};

template <class Key>
GREYHOUND_INLINE Decision decide(const MapType& t, const hmap& h, Slot from) {
  const uint8_t top = from.bucket->tophash[from.index];
  if (h.has(kSameSizeGrow)) return {0, top};
  const Key key = Key::from_slot(t, key_slot(t, from));
  const uint64_t hash = key.hash(h.hash0);
  if (!t.has(kReflexiveKey) && !key.equals(key_slot(t, from))) {
    return {top & 1u, tophash_of(hash)};
  }
  return {static_cast<unsigned>(hash >> (h.B - 1)) & 1u, top};
}

template <class Visit>
void for_each_entry(const MapType& t, bmap* chain, Visit visit) {
  for (bmap* bucket = chain; bucket != nullptr; bucket = overflow_of(t, bucket)) {
    for (unsigned left = TopGroup(bucket).match_entries(); left != 0; left &= left - 1) {
      visit(Slot{bucket, lowest_bit(left)});
    }
    gc::safepoint("evacuate");
  }
}

// Makes the chain that begins at `bucket` long enough for `entries`.
bool lengthen(const MapType* t, hmap* h, bmap* bucket, size_t entries) {
  for (size_t room = kBucketSlots; room < entries; room += kBucketSlots) {
    bmap* next = overflow_of(*t, bucket);
    if (next == nullptr) next = newoverflow(t, h, bucket);
    if (next == nullptr) return false;
    bucket = next;
  }
  return true;
}

template <class Key>
GREYHOUND_NOINLINE bool reserve(const MapType* t, hmap* h, bmap* old, bmap* x, bmap* y) {
  size_t entries[2] = {0, 0};
  for_each_entry(*t, old, [&](Slot from) { ++entries[decide<Key>(*t, *h, from).half]; });
  return lengthen(t, h, x, entries[0]) && lengthen(t, h, y, entries[1]);
}

// Planted fault kEvacuateWithoutBarrier: as copy_slot, but the collector is not told.
void copy_slot_unshaded(SlotKind kind, size_t bytes, void* destination, const void* source) {
  if (kind == SlotKind::kNoscan) return copy_noscan(destination, source, bytes);
  for (size_t i = 0; i < bytes; i += kWordBytes) {
    store_word(static_cast<uint8_t*>(destination) + i,
               load_unaligned<uintptr_t>(static_cast<const uint8_t*>(source) + i));
  }
}

GREYHOUND_INLINE void copy_entry(const MapType& t, Slot to, Slot from) {
  if (gc::bug(gc::Bug::kEvacuateWithoutBarrier)) {
    copy_slot_unshaded(t.key_kind, t.key_size, key_slot(t, to), key_slot(t, from));
    copy_slot_unshaded(t.elem_kind, t.elem_size, elem_slot(t, to), elem_slot(t, from));
    return;
  }
  copy_slot(t.key_kind, t.key, t.key_size, key_slot(t, to), key_slot(t, from));
  copy_slot(t.elem_kind, t.elem, t.elem_size, elem_slot(t, to), elem_slot(t, from));
}

// Moves the entries of one bucket; to[half] is where the next entry of that half goes.
template <class Key>
void move_bucket(const MapType& t, const hmap& h, bmap* old, Slot to[2]) {
  uint8_t marks[kBucketSlots];
  std::memset(marks, kEvacuatedEmpty, sizeof marks);
  for (unsigned left = TopGroup(old).match_entries(); left != 0; left &= left - 1) {
    const Slot from{old, lowest_bit(left)};
    const Decision decision = decide<Key>(t, h, from);
    Slot& next = to[decision.half];
    if (next.index == kBucketSlots) next = {overflow_of(t, next.bucket), 0};
    next.bucket->tophash[next.index] = decision.top;
    copy_entry(t, next, from);
    ++next.index;
    marks[from.index] = static_cast<uint8_t>(kEvacuatedX + decision.half);
  }
  std::memcpy(old->tophash, marks, sizeof marks);
}

void prefetch_bucket(bmap* bucket) {
  __builtin_prefetch(bucket);
  prefetch_rest(bucket);
}

template <class Key>
bool evacuate_chain(const MapType* t, hmap* h, size_t oldbucket) {
  bmap* const chain = bucket_at(*t, h->oldbuckets, oldbucket);
  bmap* const x = bucket_at(*t, h->buckets, oldbucket);
  bmap* const y =
      h->has(kSameSizeGrow) ? x : bucket_at(*t, h->buckets, oldbucket + (size_t{1} << (h->B - 1)));
  prefetch_bucket(x);
  prefetch_bucket(y);
  if (overflow_of(*t, chain) != nullptr && !reserve<Key>(t, h, chain, x, y)) return false;

  Slot to[2] = {{x, 0}, {y, 0}};
  for (bmap* bucket = chain;;) {
    move_bucket<Key>(*t, *h, bucket, to);
    bucket = overflow_of(*t, bucket);
    if (bucket == nullptr) return true;
    // Between buckets the old table has everything, and the new one what was moved.
    gc::safepoint("evacuate");
  }
}

// Moves nevacuate past what is evacuated, at most 1024 buckets further so that a write stays short,
// and ends the growth when all is.
void advanceEvacuationMark(const MapType& t, hmap* h) {
  const size_t old_length = size_t{1} << h->old_B();
  const size_t stop = h->nevacuate + 1025 < old_length ? h->nevacuate + 1025 : old_length;
  do {
    ++h->nevacuate;
  } while (h->nevacuate != stop && bucket_at(t, h->oldbuckets, h->nevacuate)->evacuated());
  if (h->nevacuate == old_length) end_growth(t, h);
}

bool evacuate_by_path(const MapType* t, hmap* h, size_t oldbucket) {
  switch (t->path) {
    case FastPath::kFast32:
      return evacuate_chain<Key32>(t, h, oldbucket);
    case FastPath::kFast64:
    case FastPath::kFast64Ptr:
      return evacuate_chain<Key64>(t, h, oldbucket);
    case FastPath::kFastStr:
      return evacuate_chain<KeyStr>(t, h, oldbucket);
    case FastPath::kGeneric:
      break;
  }
  return evacuate_chain<KeyGeneric>(t, h, oldbucket);
}

}  // namespace

bool evacuate(const MapType* t, hmap* h, size_t oldbucket) {
  GREYHOUND_PROBE3(map__evacuate, t, h, oldbucket);
  bmap* chain = bucket_at(*t, h->oldbuckets, oldbucket);
  prefetch_rest(chain);
  if (!chain->evacuated() && !evacuate_by_path(t, h, oldbucket)) return false;
  if (oldbucket == h->nevacuate) advanceEvacuationMark(*t, h);
  return true;
}

}  // namespace greyhound::maps
