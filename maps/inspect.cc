// SPDX-License-Identifier: MIT
// Shape and invariants of a map. See inspect.h.
#include "maps/inspect.h"

#include <unordered_set>

#include "gc/mutator/hot.h"
#include "maps/grow.h"
#include "maps/lookup_inl.h"

namespace greyhound::maps {
namespace {

// A reader's view: nothing is written through the pointers that the walk hands out.
size_t chain_overflow(const MapType& t, bmap* first) {
  size_t length = 0;
  for (bmap* b = overflow_of(t, first); b != nullptr; b = overflow_of(t, b)) ++length;
  return length;
}

size_t listed(const OverflowList* list) {
  size_t count = 0;
  for (; list != nullptr; list = list->next) count += list->count;
  return count;
}

size_t preallocated_left(const MapType& t, const hmap& h) {
  if (h.extra == nullptr || h.extra->nextOverflow == nullptr) return 0;
  const bmap* end = bucket_at(t, h.buckets, bucket_array_length(t, h.B));
  return (reinterpret_cast<uintptr_t>(end) - reinterpret_cast<uintptr_t>(h.extra->nextOverflow)) /
         t.bucket.size;
}

// Between chains, now and then: other threads' collections are not to wait for a walk.
void poll(size_t chain) {
  if (chain % 1024 == 1023 && gc::current_mutator_or_null() != nullptr) gc::safepoint("inspect");
}

void add_chains(const MapType& t, const hmap& h, MapShape* shape) {
  for (size_t i = 0; i < shape->buckets; ++i) {
    const size_t length = chain_overflow(t, bucket_at(t, h.buckets, i));
    shape->overflow_buckets += length;
    ++shape->chains[length < MapShape::kChainLengths ? length : MapShape::kChainLengths - 1];
    if (length > shape->longest_chain) shape->longest_chain = length;
    poll(i);
  }
  for (size_t i = 0; i < shape->old_buckets; ++i) {
    bmap* chain = bucket_at(t, h.oldbuckets, i);
    shape->old_overflow_buckets += chain_overflow(t, chain);
    shape->evacuated_old_buckets += chain->evacuated() ? 1 : 0;
    poll(i);
  }
}

// Overflow buckets that lie in the array itself are not counted twice.
size_t table_bytes(const MapType& t, const hmap& h, const MapShape& shape) {
  if (h.buckets == nullptr) return 0;
  const size_t length = bucket_array_length(t, h.B);
  const size_t taken = length - shape.buckets - shape.preallocated_left;
  size_t buckets = length + shape.overflow_buckets - taken;
  if (h.growing()) {
    const size_t old_length = bucket_array_length(t, h.old_B());
    const size_t old_spare = old_length - shape.old_buckets;
    buckets += old_length;
    if (shape.old_overflow_buckets > old_spare) buckets += shape.old_overflow_buckets - old_spare;
  }
  return buckets * t.bucket.size;
}

// Verification: the walk stops at the first violation.
class Verifier {
 public:
  Verifier(const MapType& t, const hmap& h) : t_(t), h_(h) {}

  std::string run() {
    if (h_.has(kHashWriting)) return "the writing flag is up outside a write";
    if (h_.buckets == nullptr) return check_unmade();
    if (h_.growing()) check_old_table();
    for (size_t i = 0; i <= h_.bucket_mask(); ++i) {
      check_chain(bucket_at(t_, h_.buckets, i), i, h_.B);
      if (awaits_evacuation(i) && entries_in_chain_ != 0) {
        fail("a chain of the new table has entries before its old chain is evacuated");
      }
    }
    if (entries_ != h_.count) fail("count is not the number of entries");
    if (h_.extra != nullptr && t_.has(kNoscanBucket)) check_listed();
    return violation_;
  }

 private:
  std::string check_unmade() const {
    return h_.count == 0 && h_.B == 0 && !h_.growing() ? "" : "entries without a table";
  }

  void fail(const char* sentence) {
    if (violation_.empty()) violation_ = sentence;
  }

  // New chain `i` will be filled from an old one.
  bool awaits_evacuation(size_t i) const {
    if (!h_.growing()) return false;
    return !bucket_at(t_, h_.oldbuckets, i & ((size_t{1} << h_.old_B()) - 1))->evacuated();
  }

  void check_old_table() {
    const size_t length = size_t{1} << h_.old_B();
    if (h_.nevacuate >= length) fail("the growth goes on with nothing left to evacuate");
    for (size_t i = 0; i < length; ++i) {
      bmap* chain = bucket_at(t_, h_.oldbuckets, i);
      if (chain->evacuated()) continue;
      if (i < h_.nevacuate) fail("a bucket below nevacuate is not evacuated");
      check_chain(chain, i, h_.old_B());
    }
  }

  void check_chain(bmap* chain, size_t number, unsigned B) {
    poll(number);
    bool rest = false;  // kEmptyRest was seen
    entries_in_chain_ = 0;
    for (bmap* b = chain; b != nullptr; b = overflow_of(t_, b)) {
      if (b != chain) overflow_.insert(b);
      for (unsigned i = 0; i < kBucketSlots; ++i) {
        const uint8_t top = b->tophash[i];
        if (rest && top != kEmptyRest) fail("something follows kEmptyRest in a chain");
        if (top == kEmptyRest) rest = true;
        if (top > kEmptyOne && top < kMinTopHash) fail("an evacuation mark in a living chain");
        if (top >= kMinTopHash) check_entry({b, i}, top, number, B);
      }
    }
    entries_ += entries_in_chain_;
  }

  void check_entry(Slot slot, uint8_t top, size_t number, unsigned B) {
    ++entries_in_chain_;
    const KeyGeneric key = KeyGeneric::from_slot(t_, key_slot(t_, slot));
    if (!t_.has(kReflexiveKey) && !t_.equal_keys(key.key, key.key))
      return;  // NaN: no hash to check
    const uint64_t hash = key.hash(h_.hash0);
    if (tophash_of(hash) != top) fail("a tophash is not that of its key");
    if ((hash & ((uint64_t{1} << B) - 1)) != number) fail("an entry is in a wrong chain");
  }

  void check_listed() {
    for (const OverflowList* list : {h_.extra->overflow, h_.extra->oldoverflow}) {
      for (; list != nullptr; list = list->next) {
        for (size_t i = 0; i < list->count; ++i) overflow_.erase(list->buckets[i]);
      }
    }
    if (!overflow_.empty()) fail("an overflow bucket of a noscan table is not listed in extra");
  }

  const MapType& t_;
  const hmap& h_;
  std::unordered_set<const bmap*> overflow_;
  int64_t entries_ = 0;
  int64_t entries_in_chain_ = 0;
  std::string violation_;
};

}  // namespace

MapShape inspect(const MapType* t, const hmap* h) {
  MapShape shape;
  if (h == nullptr) return shape;
  shape.count = h->count;
  shape.B = h->B;
  shape.noverflow = h->noverflow;
  shape.nevacuate = h->nevacuate;
  shape.growing = h->growing();
  shape.same_size_grow = h->has(kSameSizeGrow);
  shape.has_extra = h->extra != nullptr;
  shape.buckets = h->buckets == nullptr ? 0 : size_t{1} << h->B;
  shape.old_buckets = h->growing() ? size_t{1} << h->old_B() : 0;
  shape.preallocated_left = preallocated_left(*t, *h);
  if (h->extra != nullptr) {
    shape.listed_overflow = listed(h->extra->overflow);
    shape.listed_oldoverflow = listed(h->extra->oldoverflow);
  }
  add_chains(*t, *h, &shape);
  shape.bucket_bytes = t->bucket.size;
  shape.table_bytes = table_bytes(*t, *h, shape);
  if (shape.buckets != 0)
    shape.load = static_cast<double>(shape.count) / static_cast<double>(shape.buckets);
  return shape;
}

std::string verify_map(const MapType* t, const hmap* h) {
  return h == nullptr ? "" : Verifier(*t, *h).run();
}

}  // namespace greyhound::maps
