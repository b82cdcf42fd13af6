// SPDX-License-Identifier: MIT
// mapdelete, mapclear, and the upkeep of a chain's empty suffix. See assign.h and erase_inl.h.
#include <algorithm>
#include <bit>

#include "gc/mutator/pieces.h"
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

// The slot after the chain's last entry, which may be one after a bucket's last.
Slot end_of_entries(const MapType& t, bmap* chain) {
  Slot end{chain, 0};
  for (bmap* bucket = chain; bucket != nullptr; bucket = overflow_of(t, bucket)) {
    const TopGroup group(bucket);
    const unsigned entries = group.match_entries();
    if (entries != 0) end = {bucket, static_cast<unsigned>(std::bit_width(entries))};
    if (group.ends_chain()) break;
  }
  return end;
}

// A piece of work between two safepoints: some 100 us.
size_t piece_of(const MapType& t) { return std::max(gc::kPieceBytes / t.bucket.size, size_t{1}); }

void poll_each(size_t piece, size_t done) {
  if (done % piece == 0) gc::safepoint("mapclear");
}

void empty_bucket(bmap* bucket) { std::memset(bucket->tophash, kEmptyRest, kBucketSlots); }

// An iterator over a table that mapclear drops, or clears, must not take its entries for living
// ones. The chains' first buckets are the caller's.
void empty_overflow(const MapType& t, bmap* chain, size_t piece) {
  size_t done = 0;
  for (bmap* b = overflow_of(t, chain); b != nullptr; b = overflow_of(t, b)) {
    empty_bucket(b);
    poll_each(piece, ++done);
  }
}

void empty_old_table(const MapType& t, hmap* h) {
  const size_t piece = piece_of(t);
  for (size_t i = 0; i < size_t{1} << h->old_B(); ++i) {
    bmap* chain = bucket_at(t, h->oldbuckets, i);
    empty_bucket(chain);
    empty_overflow(t, chain, piece);
    poll_each(piece, i);
  }
}

void clear_buckets(const MapType& t, bmap* first, size_t count) {
  if (t.has(kNoscanBucket)) {
    std::memset(static_cast<void*>(first), 0, count * t.bucket.size);
  } else {
    gc::typedmemclr_array(&t.bucket, first, count);
  }
}

// The array with all that lies in it; overflow buckets that do not are only emptied, where an
// iterator may be in one.
void clear_table(const MapType& t, hmap* h) {
  const bool iterated = h->has(kIterator);
  const size_t length = bucket_array_length(t, h->B);
  const size_t chains = size_t{1} << h->B;
  const size_t piece = piece_of(t);
  for (size_t i = 0; i < length; i += piece) {
    const size_t end = std::min(i + piece, length);
    if (iterated) {
      for (size_t c = i; c < std::min(end, chains); ++c)
        empty_overflow(t, bucket_at(t, h->buckets, c), piece);
    }
    clear_buckets(t, bucket_at(t, h->buckets, i), end - i);
    gc::safepoint("mapclear");
  }
}

}  // namespace

void release_slot(const MapType& t, bmap* chain, Slot slot) {
  slot.bucket->tophash[slot.index] = kEmptyOne;
  if (has_successor(t, slot)) return;
  // What follows the slot is kEmptyRest already.
  Slot rest = end_of_entries(t, chain);
  while (true) {
    std::memset(rest.bucket->tophash + rest.index, kEmptyRest, kBucketSlots - rest.index);
    if (rest.bucket == slot.bucket) return;
    rest = {overflow_of(t, rest.bucket), 0};
  }
}

void emptied(const MapType& t, hmap* h) {
  h->reseed(gc::fastrand());
  if (h->growing()) end_growth(t, h);
}

void mapdelete(const MapType* t, hmap* h, const void* key) {
  if (t->has(kHashMightPanic) && (h == nullptr || h->count == 0)) t->hash_key(key, 0);
  erase_entry(t, h, KeyGeneric{t, key});
}

void mapclear(const MapType* t, hmap* h) {
  if (h == nullptr || h->count == 0) return;
  begin_write(h);
  if (h->growing() && h->has(kOldIterator)) empty_old_table(*t, h);
  h->count = 0;
  emptied(*t, h);
  h->nevacuate = 0;
  h->noverflow = 0;
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
