// SPDX-License-Identifier: MIT
// Builds MapType: slot sizes, the bucket's pointer mask, the key's hasher, equality and path.
// See map_type.h.
#include "maps/map_type.h"

#include <cstdio>

#include "maps/hash.h"
#include "runtime/base/check.h"

namespace greyhound::maps {
namespace {

constexpr uint64_t kOnePointer = 1;

bool is_indirect(const Type& type) { return type.size > kMaxInlineBytes || type.align > 8; }

SlotKind slot_kind(const Type& type, bool indirect) {
  if (indirect) return SlotKind::kPointer;
  if (type.noscan()) return SlotKind::kNoscan;
  return type.size == kWordBytes ? SlotKind::kPointer : SlotKind::kTyped;
}

// Keys and elems: the slots' pointer words. An indirect slot is one pointer.
void mark_slots(uint64_t* mask, size_t offset, const Type& type, bool indirect) {
  const size_t slot = indirect ? kWordBytes : type.size;
  const size_t words = indirect ? 1 : type.ptrdata / kWordBytes;
  for (size_t i = 0; i < kBucketSlots; ++i) {
    const size_t first = (offset + i * slot) / kWordBytes;
    for (size_t word = 0; word < words; ++word) {
      if (!indirect && !type.is_pointer_word(word)) continue;
      mask[(first + word) / 64] |= uint64_t{1} << ((first + word) % 64);
    }
  }
}

FastPath path_of(const Type& key) {
  switch (key.kind) {
    case Kind::kInt:
    case Kind::kUint:
    case Kind::kInt32:
    case Kind::kUint32:
    case Kind::kInt64:
    case Kind::kUint64:
    case Kind::kUintptr:
      return key.size == 8 ? FastPath::kFast64 : FastPath::kFast32;
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

// A descriptor does not list its fields, so an array or a struct may hold floats, strings, interfaces.
bool is_aggregate(Kind kind) { return kind == Kind::kArray || kind == Kind::kStruct; }

uint8_t key_flags(const Type& key) {
  switch (key.kind) {
    case Kind::kFloat32:
    case Kind::kFloat64:
    case Kind::kComplex64:
    case Kind::kComplex128:
      return kNeedKeyUpdate;
    case Kind::kInterface:
      return kNeedKeyUpdate | kHashMightPanic;
    case Kind::kString:  // the new string may keep less memory alive than the old one
      return kReflexiveKey | kNeedKeyUpdate;
    default:
      if (!is_aggregate(key.kind)) return kReflexiveKey;
      return kNeedKeyUpdate | (key.noscan() ? 0 : kHashMightPanic);
  }
}

// The paths hash inline, so the hasher of such keys must be ours whatever the descriptor says.
KeyOps ops_of(const Type& key, FastPath path) {
  if (path == FastPath::kFast32) return key_ops(Kind::kUint32);
  if (path != FastPath::kGeneric) return key_ops(key.kind);
  if (key.hasher != nullptr && key.equal != nullptr) return {key.hasher, key.equal};
  return key_ops(key.kind);
}

}  // namespace

const char* verify_map_key(const Type& key) {
  if (const char* broken = verify_type(key)) return broken;
  const KeyOps ops = ops_of(key, path_of(key));
  if (ops.hasher == nullptr || ops.equal == nullptr) return "values of the type cannot be compared";
  return nullptr;
}

MapType::MapType(const Type* key_type, const Type* elem_type) : key(key_type), elem(elem_type) {
  if (const char* why = verify_map_key(*key)) fatal("invalid map key type %s: %s", key->name, why);
  if (const char* why = verify_type(*elem)) fatal("invalid map elem type %s: %s", elem->name, why);
  path = path_of(*key);
  const KeyOps ops = ops_of(*key, path);
  hasher = ops.hasher;
  equal = ops.equal;

  const bool indirect_key = is_indirect(*key);
  const bool indirect = is_indirect(*elem);
  key_size = static_cast<uint8_t>(indirect_key ? kWordBytes : key->size);
  elem_size = static_cast<uint8_t>(indirect ? kWordBytes : elem->size);
  elems = static_cast<uint16_t>(kDataOffset + kBucketSlots * key_size);
  key_kind = slot_kind(*key, indirect_key);
  elem_kind = slot_kind(*elem, indirect);
  const bool noscan = key_kind == SlotKind::kNoscan && elem_kind == SlotKind::kNoscan;
  flags = static_cast<uint8_t>(key_flags(*key) | (indirect_key ? kIndirectKey : 0) |
                               (indirect ? kIndirectElem : 0) | (noscan ? kNoscanBucket : 0));

  std::snprintf(name_, sizeof name_, "map[%s]%s", key->name, elem->name);
  type.size = type.ptrdata = kWordBytes;
  type.ptrmask = &kOnePointer;
  type.name = name_;
  type.hash = key->hash * 31 + elem->hash + 1;
  type.align = kWordBytes;
  type.kind = Kind::kMap;
  type.flags = kTypePointerShaped | kTypeExactPointers;

  bucket.size = elems + kBucketSlots * size_t{elem_size} + kWordBytes;
  bucket.align = kWordBytes;
  bucket.kind = Kind::kStruct;
  bucket.name = name_;
  if (noscan) return;
  mark_slots(bucket_mask_, kDataOffset, *key, indirect_key);
  mark_slots(bucket_mask_, elems, *elem, indirect);
  const size_t overflow_word = bucket.size / kWordBytes - 1;
  bucket_mask_[overflow_word / 64] |= uint64_t{1} << (overflow_word % 64);
  bucket.ptrmask = bucket_mask_;
  bucket.ptrdata = bucket.size;
}

}  // namespace greyhound::maps
