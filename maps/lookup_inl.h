// SPDX-License-Identifier: MIT
// The search for a key: hash, bucket, eight tophash bytes at once, then the keys whose byte
// matched. One function, find_entry, serves every path. It is a template over
//   - Shape: where keys and elems lie: a MapType, or constants (StaticShape) in typed maps;
//   - Key: how to hash the key and compare it with a slot: Key32, Key64, KeyStr or KeyGeneric.
// Fast paths only: no thread-local is read, nothing is called but a generic key's own functions.
//
// A search ends early at kEmptyRest (bmap.h, invariant 1), so a miss in a big map touches one
// cache line in most cases. A hit reads the key's line only after the tophash line has
// arrived; the lines are therefore prefetched as soon as the bucket is known (31 instead of 45
// ns a hit at 4 M entries).
//
// Thread rules: see hmap.h. Invariant: no safepoint, so a result is valid until the next one at
// which the map may be written.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "maps/bmap.h"
#include "maps/hash.h"
#include "maps/hmap.h"
#include "maps/map_type.h"
#include "runtime/base/check.h"

namespace greyhound::maps {

// The shape of a map from K to V, as MapType computes it.
template <class K, class V>
struct StaticShape {
  static constexpr bool indirect_key() { return is_indirect(sizeof(K), alignof(K)); }
  static constexpr bool indirect_elem() { return is_indirect(sizeof(V), alignof(V)); }
  static constexpr size_t key_slot() { return indirect_key() ? kWordBytes : sizeof(K); }
  static constexpr size_t elem_slot() { return indirect_elem() ? kWordBytes : sizeof(V); }
  static constexpr size_t elem_offset() { return kDataOffset + kBucketSlots * key_slot(); }
  static constexpr size_t bucket_bytes() {
    return elem_offset() + kBucketSlots * elem_slot() + kWordBytes;
  }
};

// One slot of one bucket. bucket is null when there is none.
struct Slot {
  bmap* bucket = nullptr;
  unsigned index = 0;
};

GREYHOUND_INLINE uint8_t* byte_at(bmap* bucket, size_t offset) {
  return reinterpret_cast<uint8_t*>(bucket) + offset;
}
template <class Shape>
GREYHOUND_INLINE bmap* bucket_at(const Shape& shape, bmap* buckets, size_t index) {
  return reinterpret_cast<bmap*>(byte_at(buckets, index * shape.bucket_bytes()));
}
template <class Shape>
GREYHOUND_INLINE uint8_t* key_slot(const Shape& shape, Slot slot) {
  return byte_at(slot.bucket, kDataOffset + slot.index * shape.key_slot());
}
template <class Shape>
GREYHOUND_INLINE uint8_t* elem_slot(const Shape& shape, Slot slot) {
  return byte_at(slot.bucket, shape.elem_offset() + slot.index * shape.elem_slot());
}
template <class Shape>
GREYHOUND_INLINE bmap** overflow_slot(const Shape& shape, bmap* bucket) {
  return reinterpret_cast<bmap**>(byte_at(bucket, shape.bucket_bytes() - kWordBytes));
}
template <class Shape>
GREYHOUND_INLINE bmap* overflow_of(const Shape& shape, bmap* bucket) {
  return *overflow_slot(shape, bucket);
}
// Where the key and the elem themselves are.
template <class Shape>
GREYHOUND_INLINE const void* key_of(const Shape& shape, Slot slot) {
  const uint8_t* place = key_slot(shape, slot);
  return shape.indirect_key() ? load_unaligned<const void*>(place) : place;
}
template <class Shape>
GREYHOUND_INLINE void* elem_of(const Shape& shape, Slot slot) {
  uint8_t* place = elem_slot(shape, slot);
  return shape.indirect_elem() ? load_unaligned<void*>(place) : place;
}

struct Key32 {
  uint32_t value;
  static Key32 from_slot(const MapType&, const void* slot) {
    return {load_unaligned<uint32_t>(slot)};
  }
  uint64_t hash(uint64_t seed) const { return hash_int64(value, seed); }
  bool equals(const void* slot) const { return load_unaligned<uint32_t>(slot) == value; }
};

struct Key64 {
  uint64_t value;
  static Key64 from_slot(const MapType&, const void* slot) {
    return {load_unaligned<uint64_t>(slot)};
  }
  uint64_t hash(uint64_t seed) const { return hash_int64(value, seed); }
  bool equals(const void* slot) const { return load_unaligned<uint64_t>(slot) == value; }
};

// REQUIRES: sizeof(Word) <= n <= 2 * sizeof(Word).
template <class Word>
GREYHOUND_INLINE bool same_words(const char* a, const char* b, size_t n) {
  const size_t last = n - sizeof(Word);
  return ((load_unaligned<Word>(a) ^ load_unaligned<Word>(b)) |
          (load_unaligned<Word>(a + last) ^ load_unaligned<Word>(b + last))) == 0;
}

// Strings of at most this size are hashed and compared without a call, so that a lookup is a leaf
// and saves no registers (find_string).
inline constexpr size_t kShortString = 32;

struct KeyStr {
  const char* data;
  size_t size;
  static KeyStr from_slot(const MapType&, const void* slot) {
    const auto words = load_unaligned<StringWords>(slot);
    return {words.data, words.size};
  }
  uint64_t hash(uint64_t seed) const { return hash_string(data, size, seed); }
  bool equals(const void* slot) const {
    const auto words = load_unaligned<StringWords>(slot);
    if (words.size != size) return false;
    if (size <= kShortString) return same_bytes(words.data, data, size);
    return words.data == data || std::memcmp(words.data, data, size) == 0;
  }

  // REQUIRES: n <= kShortString. No shortcut for the same pointer: its bytes have just been hashed
  // and are in the cache, and the branch costs 20 of 109 ns a hit in a map of 4 M entries.
  GREYHOUND_INLINE static bool same_bytes(const char* a, const char* b, size_t n) {
    if (n > 16)
      return same_words<uint64_t>(a, b, 16) && same_words<uint64_t>(a + n - 16, b + n - 16, 16);
    if (n >= 8) return same_words<uint64_t>(a, b, n);
    if (n >= 4) return same_words<uint32_t>(a, b, n);
    if (n >= 2) return same_words<uint16_t>(a, b, n);
    return n == 0 || *a == *b;
  }
};

// REQUIRES: size <= kShortString.
struct KeyShortStr : KeyStr {
  uint64_t hash(uint64_t seed) const { return hash_short_bytes(data, size, seed); }
  bool equals(const void* slot) const {
    const auto words = load_unaligned<StringWords>(slot);
    return words.size == size && same_bytes(words.data, data, size);
  }
};

struct KeyGeneric {
  const MapType* type;
  const void* key;
  static KeyGeneric from_slot(const MapType& type, const void* slot) {
    return {&type, type.has(kIndirectKey) ? load_unaligned<const void*>(slot) : slot};
  }
  uint64_t hash(uint64_t seed) const { return type->hash_key(key, seed); }
  bool equals(const void* slot) const {
    return type->equal_keys(key,
                            type->has(kIndirectKey) ? load_unaligned<const void*>(slot) : slot);
  }
};

// Asks for the lines of a bucket after its first one, which the caller is about to read.
// Three lines hold a bucket of eight-byte keys and elems; more would cost small maps
// more than it gives big ones.
GREYHOUND_INLINE void prefetch_rest(bmap* bucket) {
  __builtin_prefetch(byte_at(bucket, kCacheLine));
  __builtin_prefetch(byte_at(bucket, 2 * kCacheLine));
}

[[noreturn]] void concurrent_read_and_write() __attribute__((cold));

// The first bucket of the chain that a key with `hash` is in: of the old table while that chain has
// not been evacuated. REQUIRES: h->buckets is set.
template <class Shape>
GREYHOUND_INLINE bmap* chain_for_read(const Shape& shape, const hmap* h, uint64_t hash) {
  bmap* bucket = bucket_at(shape, h->buckets, hash & h->bucket_mask());
  if (h->growing()) [[unlikely]] {
    const uint64_t old_mask = (uint64_t{1} << h->old_B()) - 1;
    bmap* old = bucket_at(shape, h->oldbuckets, hash & old_mask);
    if (!old->evacuated()) bucket = old;
  }
  return bucket;
}

// The entry of `key` in the chain that begins at `bucket`.
template <class Shape, class Key>
GREYHOUND_INLINE Slot find_in_chain(const Shape& shape, bmap* bucket, uint8_t top, const Key& key) {
  do {
    const TopGroup group(bucket);
    for (unsigned match = group.match(top); match != 0; match &= match - 1) {
      const Slot slot{bucket, lowest_bit(match)};
      if (key.equals(key_slot(shape, slot))) [[likely]]
        return slot;
    }
    if (group.ends_chain()) break;
    bucket = overflow_of(shape, bucket);
  } while (bucket != nullptr);
  return {};
}

// The entry of `key` in the map; an empty Slot when there is none. h may be null.
template <class Shape, class Key>
GREYHOUND_INLINE Slot find_entry(const Shape& shape, const hmap* h, const Key& key) {
  if (h == nullptr || h->count == 0) return {};
  if (h->has(kHashWriting)) [[unlikely]]
    concurrent_read_and_write();
  const uint64_t hash = key.hash(h->hash0);
  bmap* bucket = chain_for_read(shape, h, hash);
  prefetch_rest(bucket);
  return find_in_chain(shape, bucket, tophash_of(hash), key);
}

template <class Shape>
GREYHOUND_NOINLINE Slot find_long_string(const Shape& shape, const hmap* h, const KeyStr& key) {
  return find_entry(shape, h, key);
}
template <class Shape>
GREYHOUND_INLINE Slot find_string(const Shape& shape, const hmap* h, const KeyStr& key) {
  if (key.size > kShortString) [[unlikely]]
    return find_long_string(shape, h, key);
  return find_entry(shape, h, KeyShortStr{key});
}

}  // namespace greyhound::maps
