// SPDX-License-Identifier: MIT
// Writing the parts of a bucket: copying and clearing key and elem slots, and linking overflow
// buckets. Every pointer word goes through the write barrier and moves as a word; noscan slots,
// which no marker reads, are plain memory. For the writers of this folder only.
#pragma once

#include <cstring>
#include <type_traits>

#include "gc/bug.h"
#include "gc/mutator/write_barrier.h"
#include "maps/hmap.h"
#include "maps/lookup_inl.h"
#include "maps/map_type.h"
#include "runtime/base/platform.h"

namespace greyhound::maps {

// A pointer field of the header or its extra.
template <class T>
GREYHOUND_INLINE void set_pointer(T** field, std::type_identity_t<T>* value) {
  using Plain = std::remove_const_t<T>;
  gc::write_pointer(reinterpret_cast<void**>(const_cast<Plain**>(field)),
                    const_cast<Plain*>(value));
}

GREYHOUND_INLINE void copy_noscan(void* destination, const void* source, size_t bytes) {
  // Sizes known to the compiler become single moves; the rest is a call.
  if (bytes == 8) {
    std::memcpy(destination, source, 8);
  } else if (bytes == 4) {
    std::memcpy(destination, source, 4);
  } else {
    std::memcpy(destination, source, bytes);
  }
}

GREYHOUND_INLINE void copy_pointer(void* destination, const void* source) {
  gc::write_pointer(static_cast<void**>(destination), load_unaligned<void*>(source));
}

// `bytes` is the slot's size. `type` describes what kTyped slots hold.
GREYHOUND_INLINE void copy_slot(SlotKind kind, const Type* type, size_t bytes, void* destination,
                                const void* source) {
  auto* to = static_cast<uint8_t*>(destination);
  const auto* from = static_cast<const uint8_t*>(source);
  switch (kind) {
    case SlotKind::kNoscan:
      return copy_noscan(to, from, bytes);
    case SlotKind::kPointer:
      return copy_pointer(to, from);
    case SlotKind::kPointerFirst:
      copy_pointer(to, from);
      return copy_noscan(to + kWordBytes, from + kWordBytes, kWordBytes);
    case SlotKind::kPointerLast:
      copy_noscan(to, from, kWordBytes);
      return copy_pointer(to + kWordBytes, from + kWordBytes);
    case SlotKind::kTyped:
      return gc::typedmemmove(type, to, from);
  }
}

GREYHOUND_INLINE void clear_slot(SlotKind kind, const Type* type, size_t bytes, void* slot) {
  if (kind == SlotKind::kNoscan) {
    std::memset(slot, 0, bytes);
  } else if (kind == SlotKind::kPointer) {
    gc::write_pointer(static_cast<void**>(slot), nullptr);
  } else {
    gc::typedmemclr(type, slot);
  }
}

GREYHOUND_INLINE void set_overflow(const MapType& t, bmap* bucket, bmap* overflow) {
  bmap** slot = overflow_slot(t, bucket);
  if (t.has(kNoscanBucket)) {
    *slot = overflow;
  } else {
    set_pointer(slot, overflow);
  }
}

}  // namespace greyhound::maps
