// SPDX-License-Identifier: MIT
// The fields of a class that lists them by hand (GREYHOUND_TYPE), and whether any is missing.
#pragma once

#include <array>
#include <cstddef>

#include "runtime/base/platform.h"
#include "runtime/base/type.h"

namespace greyhound::type_internal {

// Fields listed by hand: where they lie.
struct FieldList {
  static constexpr size_t kCapacity = 64;
  size_t offset[kCapacity] = {};
  size_t size[kCapacity] = {};
  const Type* type[kCapacity] = {};
  size_t count = 0;

  constexpr void add(size_t at, size_t bytes, const Type* of) {
    offset[count] = at;
    size[count] = bytes;
    type[count++] = of;
  }
  // Every gap is what the next field's alignment asks for, as far as can be seen: nothing is
  // missing that equality would have to look at.
  constexpr bool explains(size_t total, size_t align) const {
    size_t end = 0;
    for (size_t i = 0; i < count; ++i) {
      if (offset[i] != align_up(end, type[i]->align)) return false;
      end = offset[i] + size[i];
    }
    return align_up(end, align) == total;
  }
  // Every gap is smaller than a reference. Quadratic, at compile time, over few fields.
  constexpr bool covers(size_t total) const {
    size_t end = 0;
    while (end + 8 <= total) {
      size_t reach = end;
      for (size_t i = 0; i < count; ++i) {
        if (offset[i] < end + 8 && offset[i] + size[i] > reach) reach = offset[i] + size[i];
      }
      if (reach == end) return false;
      end = reach;
    }
    return true;
  }
};

template <size_t N>
constexpr std::array<TypeField, N> fields_of_list(const FieldList& list) {
  std::array<TypeField, N> fields{};
  for (size_t i = 0; i < N; ++i) fields[i] = {list.type[i], list.offset[i], 1, true};
  return fields;
}

}  // namespace greyhound::type_internal
