// SPDX-License-Identifier: MIT
// Loops over maps keyed by strings, written as a Go compiler would lower them: the calls below are
// those that Go's own code for the same statement makes. Shared by X1 and X15; X3 uses the keys.
// Each function is one repetition of an arm: it makes its own runtime and a map of kKeys entries.
// Any thread that is attached to no other runtime it still needs.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tools/experiments/figures.h"
#include "tools/experiments/measured_runtime.h"

namespace greyhound::lab {

inline constexpr uint64_t kKeys = 64;  // a power of two; small enough to stay in the cache

// The keys' bytes are constants, off every heap.
const std::array<std::string_view, kKeys>& string_keys();
GREYHOUND_INLINE std::string_view string_key(uint64_t i) { return string_keys()[i % kKeys]; }

// A map[string]V with all keys, its values `value(i)`. Keep the result in use while the map is
// needed.
template <class V, class Value>
maps::hmap* map_of(Value value) {
  const auto map = maps::Map<String, V>::make(kKeys);
  for (uint64_t i = 0; i < kKeys; ++i) {
    const std::string_view key = string_key(i);
    if (!map.insert_or_assign(String(key.data(), key.size()), value(i))) throw std::bad_alloc();
  }
  return map.header();
}

Measurement read_int(uint64_t ops);         // v := m[k]        map[string]int
Measurement read_any(uint64_t ops);         // v, ok := m[k]    map[string]any
Measurement read_wide(uint64_t ops);        // v, ok := m[k]    map[string][8]int64
Measurement write_int(uint64_t ops);        // m[k] = 1000 + i  map[string]int
Measurement write_any_small(uint64_t ops);  // m[k] = 7         map[string]any
Measurement write_any_big(uint64_t ops);    // m[k] = 1000 + i  map[string]any
Measurement address_of_v(uint64_t ops);     // v, ok := m[k]; sink = &v

}  // namespace greyhound::lab
