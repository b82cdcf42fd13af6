// SPDX-License-Identifier: MIT
// The fast path of allocation: a bump through the mutator's run of free slots. No atomic, no color
// test (a run is black or white as a whole), no call; where size and type are known when compiling,
// as in Thread::make, some ten instructions (tests/gc/fast_path_test.cc counts them).
//
// For callers of newobject_inl; the rest of the header is malloc.cc's.
#pragma once

#include "gc/alloc/malloc.h"
#include "gc/mutator/hot.h"
#include "runtime/base/type_of.h"

namespace greyhound::gc {

GREYHOUND_INLINE size_t type_cache_index(const Type* type, SizeClass size_class) {
  return ((reinterpret_cast<uintptr_t>(type) >> 4) ^ (size_class * 37u)) & (kTypeCacheSize - 1);
}

// Null when the run is used up.
GREYHOUND_INLINE void* bump(AllocRun* run, size_t size) {
  const uintptr_t object = run->cur;
  const uintptr_t next = object + size;
  if (next > run->end) return nullptr;
  if (object == 0) __builtin_unreachable();  // so that the caller's test for null goes away
  run->cur = next;
  return reinterpret_cast<void*>(object);
}

// An object without pointers below a granule, aligned to the largest power of two that divides its
// size. Null when the block is used up.
GREYHOUND_INLINE void* bump_tiny(MutatorHot* hot, size_t size) {
  const size_t alignment = size & (~size + 1);
  uintptr_t object = align_up(hot->cache.tiny.cur, alignment);
  // An object must not straddle two blocks: the mark of one block would not keep it. A power of two
  // cannot.
  if (size != alignment && ((object ^ (object + size - 1)) & ~uintptr_t{kGranule - 1}) != 0)
    object = align_up(object, kGranule);
  const uintptr_t next = object + size;
  if (next > hot->cache.tiny.end) return nullptr;
  if (object == 0) __builtin_unreachable();
  hot->cache.tiny.cur = next;
  ++hot->cache.tiny_allocs;
  return reinterpret_cast<void*>(object);
}

// The object when the fast path has one. REQUIRES: size_class is that of `size`, which is neither
// zero nor large; `slot` is its slot size, or 0 where the compiler does not know it.
GREYHOUND_INLINE void* malloc_fast(MutatorHot* hot, size_t size, SizeClass size_class, size_t slot,
                                   const Type* type, bool noscan) {
  if (hot->request.load(std::memory_order_relaxed) != Handshake::kNone) [[unlikely]]
    return nullptr;
  if (noscan && size < kGranule) return bump_tiny(hot, size);
  if (noscan) {
    AllocRun* run = &hot->cache.noscan[size_class];
    return bump(run, slot != 0 ? slot : run->size);
  }
  const TypeCacheEntry& entry = hot->cache.types[type_cache_index(type, size_class)];
  if (entry.type != type || entry.size_class != size_class) [[unlikely]]
    return nullptr;
  return bump(entry.run, slot != 0 ? slot : entry.run->size);
}

// `kSize` bytes without pointers. Null where the slow path must be taken.
template <size_t kSize>
GREYHOUND_INLINE void* malloc_noscan_inl() {
  constexpr SizeClass kClass = size_to_class(kSize);
  return malloc_fast(tls_mutator, kSize, kClass, kSizeClasses[kClass].size, nullptr, true);
}

// As newobject(type_of<T>()), its fast path inlined.
template <class T>
GREYHOUND_INLINE void* newobject_inl() {
  const Type* type = type_of<T>();
  if constexpr (sizeof(T) <= kMaxSmallSize) {
    constexpr SizeClass kClass = size_to_class(sizeof(T));
    constexpr bool kNoscan = type_of<T>()->noscan();
    void* object =
        malloc_fast(tls_mutator, sizeof(T), kClass, kSizeClasses[kClass].size, type, kNoscan);
    if (object != nullptr) [[likely]]
      return object;
  }
  return mallocgc(sizeof(T), type);
}

}  // namespace greyhound::gc
