// SPDX-License-Identifier: MIT
// makemap, mapassign, and what assignment needs out of line. See assign.h and assign_inl.h.
#include "maps/assign.h"

#include "gc/alloc/malloc.h"
#include "gc/bug.h"
#include "maps/assign_inl.h"
#include "runtime/base/panic.h"

namespace greyhound::maps {
namespace {

// A hint whose table would be larger than any address space is no hint, as in Go.
constexpr size_t kMaxHintBytes = size_t{1} << 47;

// The smallest table that holds `hint` entries within the load factor.
unsigned B_for(const MapType& t, size_t hint) {
  if (hint > kMaxHintBytes / t.bucket.size) return 0;
  unsigned B = 0;
  while (overLoadFactor(static_cast<int64_t>(hint), B)) ++B;
  return B;
}

// REQUIRES: h is reachable by the collector, and empty.
bool make_table(const MapType* t, hmap* h, unsigned B) {
  if (B >= kMinPreallocB && !ensure_extra(h)) return false;
  const BucketArray array = makeBucketArray(t, h, B);
  if (array.buckets == nullptr) return false;
  h->B = static_cast<uint8_t>(B);
  set_pointer(&h->buckets, array.buckets);
  if (array.nextOverflow != nullptr) set_pointer(&h->extra->nextOverflow, array.nextOverflow);
  return true;
}

}  // namespace

void concurrent_writes() { fatal("concurrent map writes"); }
void assignment_to_nil_map() { panic("assignment to entry in nil map"); }

hmap* makemap(const MapType* t, size_t hint, hmap* h) {
  if (h == nullptr) h = static_cast<hmap*>(gc::newobject(&kHmapType));
  if (h == nullptr) return nullptr;
  h->hash0 = static_cast<uint32_t>(gc::fastrand());
  return mapreserve(t, h, hint) ? h : nullptr;
}

bool mapreserve(const MapType* t, hmap* h, size_t hint) {
  GREYHOUND_DCHECK(h->count == 0 && h->buckets == nullptr);
  // A table of one bucket is left to the first insertion.
  const unsigned B = B_for(*t, hint);
  return B == 0 || make_table(t, h, B);
}

bool prepare_chain_slow(const MapType* t, hmap* h, uint64_t hash) {
  if (h->buckets == nullptr) return make_table(t, h, 0);
  return growWork(t, h, hash & h->bucket_mask());
}

void DroppedTables::keep_slow(const hmap* h) {
  if (gc::bug(gc::Bug::kDroppedTablesNotKept)) return;
  mutator_->roots().kept_by_write[0] = reinterpret_cast<uintptr_t>(h->buckets);
  mutator_->roots().kept_by_write[1] = reinterpret_cast<uintptr_t>(h->oldbuckets);
  if (h->extra == nullptr) return;
  mutator_->roots().kept_by_write[2] = reinterpret_cast<uintptr_t>(h->extra->overflow);
  mutator_->roots().kept_by_write[3] = reinterpret_cast<uintptr_t>(h->extra->oldoverflow);
}

bool allocate_elem_slow(const MapType* t, hmap* h, Slot slot) {
  void* elem = allocate_in_write(h, t->elem, 1);
  if (elem == nullptr) return false;
  gc::write_pointer(reinterpret_cast<void**>(elem_slot(*t, slot)), elem);
  return true;
}

bool store_key(const MapType& t, hmap* h, const KeyGeneric& key, void* slot) {
  if (!t.has(kIndirectKey)) {
    copy_slot(t.key_kind, t.key, t.key_size, slot, key.key);
    return true;
  }
  void* stored = allocate_in_write(h, t.key, 1);
  if (stored == nullptr) return false;
  gc::write_pointer(static_cast<void**>(slot), stored);
  gc::typedmemmove(t.key, stored, key.key);
  return true;
}

void update_key(const MapType& t, const KeyGeneric& key, void* slot) {
  if (!t.has(kNeedKeyUpdate)) return;
  if (t.has(kIndirectKey)) {
    gc::typedmemmove(t.key, load_unaligned<void*>(slot), key.key);
  } else {
    copy_slot(t.key_kind, t.key, t.key_size, slot, key.key);
  }
}

void* mapassign(const MapType* t, hmap* h, const void* key) {
  return assign_entry(t, h, KeyGeneric{t, key});
}

}  // namespace greyhound::maps
