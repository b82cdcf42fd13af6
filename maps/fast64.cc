// SPDX-License-Identifier: MIT
// The paths for keys of 8 bytes. See fast64.h; the code is the templates' in lookup_inl.h,
// assign_inl.h and erase_inl.h.
#include "maps/fast64.h"

#include "maps/assign_inl.h"
#include "maps/erase_inl.h"
#include "maps/lookup_inl.h"

namespace greyhound::maps {

const void* mapaccess1_fast64(const MapType* t, const hmap* h, uint64_t key) {
  const Slot slot = find_entry(*t, h, Key64{key});
  return slot.bucket == nullptr ? t->zero : elem_of(*t, slot);
}

ElemOk mapaccess2_fast64(const MapType* t, const hmap* h, uint64_t key) {
  const Slot slot = find_entry(*t, h, Key64{key});
  if (slot.bucket == nullptr) return {t->zero, false};
  return {elem_of(*t, slot), true};
}

void* mapassign_fast64(const MapType* t, hmap* h, uint64_t key) {
  return assign_entry(t, h, Key64{key});
}

void* mapassign_fast64ptr(const MapType* t, hmap* h, void* key) {
  return assign_entry(t, h, Key64Ptr{{reinterpret_cast<uint64_t>(key)}});
}

void mapdelete_fast64(const MapType* t, hmap* h, uint64_t key) { erase_entry(t, h, Key64{key}); }

}  // namespace greyhound::maps
