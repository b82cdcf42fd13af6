// SPDX-License-Identifier: MIT
// The paths for integers of 4 bytes. See fast64.h.
#include "maps/fast32.h"

#include "maps/assign_inl.h"
#include "maps/erase_inl.h"
#include "maps/lookup_inl.h"

namespace greyhound::maps {

const void* mapaccess1_fast32(const MapType* t, const hmap* h, uint32_t key) {
  const Slot slot = find_entry(*t, h, Key32{key});
  return slot.bucket == nullptr ? t->zero : elem_of(*t, slot);
}

ElemOk mapaccess2_fast32(const MapType* t, const hmap* h, uint32_t key) {
  const Slot slot = find_entry(*t, h, Key32{key});
  if (slot.bucket == nullptr) return {t->zero, false};
  return {elem_of(*t, slot), true};
}

void* mapassign_fast32(const MapType* t, hmap* h, uint32_t key) {
  return assign_entry(t, h, Key32{key});
}

void mapdelete_fast32(const MapType* t, hmap* h, uint32_t key) { erase_entry(t, h, Key32{key}); }

}  // namespace greyhound::maps
