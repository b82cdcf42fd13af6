// SPDX-License-Identifier: MIT
// mapaccess1, mapaccess2, mapaccessK for keys of any type. See lookup.h and lookup_inl.h.
#include "maps/lookup.h"

#include "maps/lookup_inl.h"

namespace greyhound::maps {
namespace {

Slot find(const MapType* t, const hmap* h, const void* key) {
  if (t->has(kHashMightPanic) && maplen(h) == 0) t->hash_key(key, 0);
  return find_entry(*t, h, KeyGeneric{t, key});
}

}  // namespace

void concurrent_read_and_write() { fatal("concurrent map read and map write"); }

const void* mapaccess1(const MapType* t, const hmap* h, const void* key) {
  return mapaccess1_fat(t, h, key, t->zero);
}

const void* mapaccess1_fat(const MapType* t, const hmap* h, const void* key, const void* zero) {
  const Slot slot = find(t, h, key);
  return slot.bucket == nullptr ? zero : elem_of(*t, slot);
}

ElemOk mapaccess2(const MapType* t, const hmap* h, const void* key) {
  const Slot slot = find(t, h, key);
  if (slot.bucket == nullptr) return {t->zero, false};
  return {elem_of(*t, slot), true};
}

KeyElem mapaccessK(const MapType* t, const hmap* h, const void* key) {
  const Slot slot = find(t, h, key);
  if (slot.bucket == nullptr) return {nullptr, nullptr};
  return {KeyGeneric::from_slot(*t, key_slot(*t, slot)).key, elem_of(*t, slot)};
}

}  // namespace greyhound::maps
