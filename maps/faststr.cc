// SPDX-License-Identifier: MIT
// The paths for string keys. See faststr.h; the code is the templates' in lookup_inl.h,
// assign_inl.h and erase_inl.h.
#include "maps/faststr.h"

#include "maps/assign_inl.h"
#include "maps/erase_inl.h"
#include "maps/lookup_inl.h"

namespace greyhound::maps {
namespace {

KeyStr key_of(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

const void* mapaccess1_faststr(const MapType* t, const hmap* h, std::string_view key) {
  const Slot slot = find_string(*t, h, key_of(key));
  return slot.bucket == nullptr ? t->zero : elem_of(*t, slot);
}

ElemOk mapaccess2_faststr(const MapType* t, const hmap* h, std::string_view key) {
  const Slot slot = find_string(*t, h, key_of(key));
  if (slot.bucket == nullptr) return {t->zero, false};
  return {elem_of(*t, slot), true};
}

void* mapassign_faststr(const MapType* t, hmap* h, std::string_view key) {
  return assign_entry(t, h, key_of(key));
}

void mapdelete_faststr(const MapType* t, hmap* h, std::string_view key) {
  erase_entry(t, h, key_of(key));
}

}  // namespace greyhound::maps
