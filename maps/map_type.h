// SPDX-License-Identifier: MIT
// MapType: what the map code knows of map[K]V. As Go's maptype, it holds the descriptors of key and
// elem, a descriptor of the bucket with its pointer mask, where things lie in a bucket, and which
// of the specialised paths serves the key.
//
// Built at run time from two descriptors, in one piece, but for the zeros of a huge elem. It must
// stay where it is (the bucket's mask lies inside it). As every descriptor, it must outlive every
// runtime that allocated with it (type.h), and so must its key and elem descriptors.
//
// A bucket, when neither key nor elem is indirect:
//   tophash[8] | key[8] | elem[8] | overflow            all offsets are multiples of 8
// Keys and elems above 128 bytes, or aligned above 8, are indirect: their slot is a pointer.
//
// Thread rules: immutable once built.
#pragma once

#include <cstddef>
#include <cstdint>

#include "maps/bmap.h"
#include "maps/hash.h"
#include "runtime/base/type.h"

namespace greyhound::maps {

inline constexpr size_t kMaxInlineBytes = 128;
// What a lookup that finds nothing returns, as Go's zeroVal; larger elems have zeros of their own.
inline constexpr size_t kZeroValBytes = 1024;
extern const unsigned char zeroVal[kZeroValBytes];

// Larger or more strictly aligned keys and elems lie outside the bucket.
constexpr bool is_indirect(size_t size, size_t align) {
  return size > kMaxInlineBytes || align > kWordBytes;
}
inline constexpr size_t kDataOffset = sizeof(bmap);
inline constexpr size_t kMaxBucketBytes =
    kDataOffset + kBucketSlots * 2 * kMaxInlineBytes + kWordBytes;

// Which specialised path serves the key. A map may be reached through the generic functions and
// through those of its own path, in any mixture.
enum class FastPath : uint8_t {
  kGeneric,
  kFast32,     // 4-byte integers
  kFast64,     // 8-byte integers
  kFast64Ptr,  // pointers and channels
  kFastStr,    // strings
};
constexpr FastPath fast_path(Kind kind, size_t size) {
  switch (kind) {
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kInt32:
    case Kind::kUint32:
    case Kind::kInt64:
    case Kind::kUint64:
    case Kind::kUintptr:
      return size == 8 ? FastPath::kFast64 : FastPath::kFast32;
    case Kind::kPointer:
    case Kind::kUnsafePointer:
    case Kind::kChan:
      return FastPath::kFast64Ptr;
    case Kind::kString:
      return FastPath::kFastStr;
    default:
      return FastPath::kGeneric;
  }
}

// What a slot holds, for copying and clearing it (slots.h).
enum class SlotKind : uint8_t {
  kNoscan,
  kPointer,       // one pointer; an indirect key or elem too
  kPointerFirst,  // a pointer and another word (a string)
  kPointerLast,   // another word and a pointer (an interface)
  kTyped,         // pointers among other words
};

enum MapTypeFlags : uint8_t {
  kIndirectKey = 1,
  kIndirectElem = 2,
  kReflexiveKey = 4,   // k == k for every k (not so for floats and what may hold them)
  kNeedKeyUpdate = 8,  // equal keys may differ (+0 and -0), or the new one should replace the old
  kHashMightPanic = 16,
  kNoscanBucket = 32,  // neither key nor elem slots hold pointers
};

struct MapType {
  // `ops`, when given, are the hasher and equality of a struct or an array, in place of the ones
  // that follow from its descriptor.
  // Fatal when the descriptors are not valid or the key cannot be compared: see verify_map_key.
  MapType(const Type* key_type, const Type* elem_type, KeyOps ops = {});
  MapType(const MapType&) = delete;
  MapType& operator=(const MapType&) = delete;
  ~MapType();

  uint64_t hash_key(const void* value, uint64_t seed) const {
    return hasher != nullptr ? hasher(value, seed) : typehash(*key, value, seed);
  }
  bool equal_keys(const void* a, const void* b) const {
    return equal != nullptr ? equal(a, b) : typeequal(*key, a, b);
  }

  bool has(MapTypeFlags flag) const { return (flags & flag) != 0; }

  // Where things lie. Typed maps give the lookup the same functions as constants (lookup_inl.h).
  size_t key_slot() const { return key_size; }
  size_t elem_slot() const { return elem_size; }
  size_t elem_offset() const { return elems; }
  size_t bucket_bytes() const { return bucket.size; }
  bool indirect_key() const { return has(kIndirectKey); }
  bool indirect_elem() const { return has(kIndirectElem); }

  Type type;  // of the map as a value: one pointer to its hmap
  const Type* key;
  const Type* elem;
  Type bucket;
  const void* zero;  // an elem's size of zero bytes
  // Both null for a key that is hashed and compared by its fields.
  uint64_t (*hasher)(const void* key, uint64_t seed);
  bool (*equal)(const void* a, const void* b);
  uint8_t key_size;  // of a slot: 8 when indirect
  uint8_t elem_size;
  uint16_t elems;  // offset of the first elem in a bucket
  uint8_t flags;
  FastPath path;
  SlotKind key_kind;
  SlotKind elem_kind;

 private:
  uint64_t bucket_mask_[(kMaxBucketBytes / kWordBytes + 63) / 64] = {};
  char name_[104] = {};  // "map[K]V", cut short when longer
};

// Null when values of the type can be keys (with these functions), else why they cannot.
const char* verify_map_key(const Type& key, KeyOps ops = {});

}  // namespace greyhound::maps
