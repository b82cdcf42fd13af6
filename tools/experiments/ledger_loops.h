// SPDX-License-Identifier: MIT
// The one statement that the page is about, `m[k] = v`, and the read beside it, as a Go compiler
// would lower them: what the ledger times and what the page's flame graphs profile is this same
// code, on maps of the same size. Keys go round, so that every write overwrites.
//
// Thread rules: on an attached thread, while the map's runtime is current.
#pragma once

#include <cstdint>
#include <new>

#include "runtime/greyhound.h"

namespace greyhound::lab {

inline constexpr uint64_t kLedgerEntries = uint64_t{1} << 14;
using AnyMap = maps::Map<int64_t, eface>;
using IntMap = maps::Map<int64_t, int64_t>;

// No value that is boxed without an allocation.
inline int64_t ledger_value(uint64_t i) { return static_cast<int64_t>(1000 + i); }

template <class V>
GREYHOUND_INLINE V* slot_of(maps::hmap* map, uint64_t i) {
  void* elem = maps::mapassign_fast64(maps::Map<int64_t, V>::type(), map, i % kLedgerEntries);
  if (elem == nullptr) [[unlikely]]
    throw std::bad_alloc();
  return static_cast<V*>(elem);
}

// m[k] = v on a map[int]int.
GREYHOUND_INLINE void write_int(maps::hmap* map, uint64_t i) {
  *slot_of<int64_t>(map, i) = ledger_value(i);
}

// m[k] = v on a map[int]any: the box first, then the slot, then the two words with the barrier.
// `box` gives the memory that holds the value.
template <class Box>
GREYHOUND_INLINE void write_any(maps::hmap* map, uint64_t i, Box box) {
  void* const made = box(static_cast<uint64_t>(ledger_value(i)));
  *slot_of<eface>(map, i) = eface(type_of<int64_t>(), made);
}
GREYHOUND_INLINE void write_any(maps::hmap* map, uint64_t i) {
  write_any(map, i, [](uint64_t value) { return runtime::convT64(value); });
}

// v, ok := m[k] on a map[int]any, and v.(int); 0 where there is nothing.
GREYHOUND_INLINE int64_t read_any(const maps::hmap* map, uint64_t i) {
  const maps::ElemOk entry = maps::mapaccess2_fast64(AnyMap::type(), map, i % kLedgerEntries);
  return entry.ok ? *static_cast<const eface*>(entry.elem)->as<int64_t>() : 0;
}

// Full maps with room for all entries, so that nothing grows later.
inline maps::hmap* full_int_map() {
  const auto map = IntMap::make(kLedgerEntries).header();
  for (uint64_t i = 0; i < kLedgerEntries; ++i) *slot_of<int64_t>(map, i) = 0;
  return map;
}
inline maps::hmap* full_any_map() {
  const auto map = AnyMap::make(kLedgerEntries).header();
  for (uint64_t i = 0; i < kLedgerEntries; ++i) write_any(map, i);
  return map;
}

}  // namespace greyhound::lab
