// SPDX-License-Identifier: MIT
// Bucket arrays, overflow buckets and the start of a growth. See grow.h.
#include "maps/grow.h"

#include "gc/alloc/malloc.h"
#include "gc/heap/size_class.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/mutator.h"
#include "maps/slots.h"
#include "runtime/base/probes.h"

namespace greyhound::maps {
namespace {

// The chunk of h->extra->overflow with room for one more; null when out of memory.
OverflowList* chunk_with_room(hmap* h) {
  if (!ensure_extra(h)) return nullptr;
  OverflowList* list = h->extra->overflow;
  for (OverflowList* chunk : {list, list == nullptr ? nullptr : list->next}) {
    if (chunk != nullptr && chunk->count < OverflowList::kCapacity) return chunk;
  }
  auto* chunk = static_cast<OverflowList*>(allocate_in_write(h, &kOverflowListType, 1));
  if (chunk == nullptr) return nullptr;
  if (list == nullptr) {
    set_pointer(&h->extra->overflow, chunk);
  } else {
    set_pointer(&chunk->next, list->next);
    set_pointer(&list->next, chunk);
  }
  return chunk;
}

// From the table's own array; null when there are none left.
bmap* take_preallocated(const MapType& t, hmap* h) {
  bmap* bucket = h->extra == nullptr ? nullptr : h->extra->nextOverflow;
  if (bucket == nullptr) return nullptr;
  const bool last = overflow_of(t, bucket) != nullptr;
  if (last) set_overflow(t, bucket, nullptr);
  set_pointer(&h->extra->nextOverflow, last ? nullptr : bucket_at(t, bucket, 1));
  return bucket;
}

// Exact below B = 16; beyond, one in 2^(B-15) on average, so that 16 bits suffice.
void count_overflow(hmap* h) {
  if (h->B < 16 || (gc::fastrand() & ((uint64_t{1} << (h->B - 15)) - 1)) == 0) ++h->noverflow;
}

}  // namespace

size_t bucket_array_length(const MapType& t, unsigned B) {
  const size_t base = size_t{1} << B;
  if (B < kMinPreallocB) return base;
  const size_t bytes = (base + (base >> 4)) * t.bucket.size;
  const size_t rounded = bytes <= gc::kMaxSmallSize
                             ? gc::kSizeClasses[gc::size_to_class(bytes)].size
                             : align_up(bytes, gc::kPageSize);
  return rounded / t.bucket.size;
}

bmap* prepare_prealloc(const MapType& t, bmap* buckets, unsigned B) {
  const size_t length = bucket_array_length(t, B);
  const size_t base = size_t{1} << B;
  if (length == base) return nullptr;
  set_overflow(t, bucket_at(t, buckets, length - 1), buckets);
  return bucket_at(t, buckets, base);
}

BucketArray makeBucketArray(const MapType* t, hmap* h, unsigned B) {
  auto* buckets = static_cast<bmap*>(allocate_in_write(h, &t->bucket, bucket_array_length(*t, B)));
  if (buckets == nullptr) return {nullptr, nullptr};
  return {buckets, prepare_prealloc(*t, buckets, B)};
}

bool ensure_extra(hmap* h) {
  if (h->extra != nullptr) return true;
  auto* extra = static_cast<mapextra*>(allocate_in_write(h, &kMapextraType, 1));
  if (extra == nullptr) return false;
  set_pointer(&h->extra, extra);
  return true;
}

bmap* newoverflow(const MapType* t, hmap* h, bmap* last) {
  OverflowList* chunk = nullptr;
  if (t->has(kNoscanBucket)) {
    chunk = chunk_with_room(h);
    if (chunk == nullptr) return nullptr;
  }
  bmap* overflow = take_preallocated(*t, h);
  if (overflow == nullptr) overflow = static_cast<bmap*>(allocate_in_write(h, &t->bucket, 1));
  if (overflow == nullptr) return nullptr;
  count_overflow(h);
  if (chunk != nullptr && !gc::bug(gc::Bug::kOverflowNotKept)) {
    set_pointer(&chunk->buckets[chunk->count++], overflow);
  }
  set_overflow(*t, last, overflow);
  return overflow;
}

bool hashGrow(const MapType* t, hmap* h) {
  const bool bigger = overLoadFactor(h->count + 1, h->B);
  const unsigned B = h->B + (bigger ? 1u : 0u);
  gc::Mutator& mutator = *gc::current_mutator();
  const uint64_t traced_from = mutator.tracing() ? gc::monotonic_ns() : 0;
  // extra first: nothing new may hang on a local alone while something else is allocated.
  if (B >= kMinPreallocB && !ensure_extra(h)) return false;
  const BucketArray array = makeBucketArray(t, h, B);
  if (array.buckets == nullptr) return false;

  unsigned flags = h->load_flags() & ~(kIterator | kOldIterator);
  if (h->has(kIterator)) flags |= kOldIterator;
  if (!bigger) flags |= kSameSizeGrow;
  h->store_flags(flags);
  h->B = static_cast<uint8_t>(B);
  h->noverflow = 0;
  h->nevacuate = 0;
  set_pointer(&h->oldbuckets, h->buckets);
  set_pointer(&h->buckets, array.buckets);
  if (h->extra != nullptr) {
    set_pointer(&h->extra->oldoverflow, h->extra->overflow);
    set_pointer(&h->extra->overflow, nullptr);
    set_pointer(&h->extra->nextOverflow, array.nextOverflow);
  }
  const size_t old_buckets = size_t{1} << h->old_B();
  mutator.collector()->counters.add_map_growth(old_buckets);
  GREYHOUND_PROBE4(map__grow, t->type.name, h, old_buckets, h->count);
  if (traced_from != 0) {
    mutator.trace_since(traced_from, gc::EventKind::kMapGrow, old_buckets, size_t{1} << B,
                        t->type.name);
  }
  return true;
}

void end_growth(const MapType& t, hmap* h) {
  if (const gc::Mutator* mutator = gc::current_mutator_or_null();
      mutator != nullptr && mutator->tracing()) {
    mutator->trace({.at_ns = gc::monotonic_ns(),
                    .kind = gc::EventKind::kMapGrown,
                    .text = t.type.name,
                    .a = size_t{1} << h->old_B()});
  }
  // An old iterator may hold on to it for as long as it likes.
  if (!h->has(kOldIterator)) gc::known_garbage(h->oldbuckets);
  set_pointer(&h->oldbuckets, nullptr);
  if (h->extra != nullptr) set_pointer(&h->extra->oldoverflow, nullptr);
  h->clear(kSameSizeGrow);
}

bool growWork(const MapType* t, hmap* h, size_t bucket) {
  const size_t old_mask = (size_t{1} << h->old_B()) - 1;
  if (!evacuate(t, h, bucket & old_mask)) return false;
  // Progress: without memory for it, it waits for a later write.
  if (h->growing()) evacuate(t, h, h->nevacuate);
  return true;
}

}  // namespace greyhound::maps
