// SPDX-License-Identifier: MIT
// Builds MapType: slot sizes, the bucket's pointer mask, the key's hasher, equality and path.
// See map_type.h.
#include "maps/map_type.h"

#include <cstdio>

#include "gc/memory/os_memory.h"
#include "maps/hash.h"
#include "runtime/base/check.h"

namespace greyhound::maps {
namespace {

constexpr uint64_t kOnePointer = 1;

SlotKind slot_kind(const Type& type, bool indirect) {
  if (indirect) return SlotKind::kPointer;
  if (type.noscan()) return SlotKind::kNoscan;
  if (type.size == kWordBytes) return SlotKind::kPointer;
  if (type.size != 2 * kWordBytes || (type.is_pointer_word(0) && type.is_pointer_word(1))) {
    return SlotKind::kTyped;
  }
  return type.is_pointer_word(0) ? SlotKind::kPointerFirst : SlotKind::kPointerLast;
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

uint8_t key_flags(const Type& key, bool has_ops) {
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
    case Kind::kArray:
    case Kind::kStruct:
      // Functions of its own may take unequal values for equal, fields may be floats or interfaces.
      if (!has_ops && regular_memory(key)) return kReflexiveKey;
      return kNeedKeyUpdate | (key.noscan() ? 0 : kHashMightPanic);
    default:
      return kReflexiveKey;
  }
}

// The paths hash inline, so the hasher of such keys must be ours whatever the descriptor says.
KeyOps choose_ops(const Type& key, KeyOps given) {
  switch (fast_path(key.kind, key.size)) {
    case FastPath::kFast32:
      return key_ops(Kind::kUint32);
    case FastPath::kFast64:
      return key_ops(Kind::kUint64);
    case FastPath::kFast64Ptr:
    case FastPath::kFastStr:
      return key_ops(key.kind);
    case FastPath::kGeneric:
      break;
  }
  if (given.hasher != nullptr && given.equal != nullptr) return given;
  return key_ops(key);
}

}  // namespace

const char* verify_map_key(const Type& key, KeyOps given) {
  if (const char* broken = verify_type(key)) return broken;
  if (choose_ops(key, given).hasher != nullptr || comparable(key)) return nullptr;
  return "values of the type cannot be compared";
}

alignas(kCacheLine) constinit const unsigned char zeroVal[kZeroValBytes] = {};

MapType::~MapType() {
  if (zero != zeroVal) gc::os_free_zero_pages(zero, elem->size);
}

MapType::MapType(const Type* key_type, const Type* elem_type, KeyOps given)
    : key(key_type), elem(elem_type), path(fast_path(key_type->kind, key_type->size)) {
  if (const char* why = verify_map_key(*key, given))
    fatal("invalid map key type %s: %s", key->name, why);
  if (const char* why = verify_type(*elem)) fatal("invalid map elem type %s: %s", elem->name, why);
  const KeyOps ops = choose_ops(*key, given);
  hasher = ops.hasher;
  equal = ops.equal;

  const bool indirect_key = is_indirect(key->size, key->align);
  const bool indirect = is_indirect(elem->size, elem->align);
  key_size = static_cast<uint8_t>(indirect_key ? kWordBytes : key->size);
  elem_size = static_cast<uint8_t>(indirect ? kWordBytes : elem->size);
  elems = static_cast<uint16_t>(kDataOffset + kBucketSlots * key_size);
  key_kind = slot_kind(*key, indirect_key);
  elem_kind = slot_kind(*elem, indirect);
  const bool noscan = key_kind == SlotKind::kNoscan && elem_kind == SlotKind::kNoscan;
  flags = static_cast<uint8_t>(key_flags(*key, given.hasher != nullptr && !given.of_memory) |
                               (indirect_key ? kIndirectKey : 0) | (indirect ? kIndirectElem : 0) |
                               (noscan ? kNoscanBucket : 0));

  zero = elem->size <= kZeroValBytes ? zeroVal : gc::os_zero_pages(elem->size);

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
  bucket.flags = kTypeNeverWalked;
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
