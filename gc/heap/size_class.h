// SPDX-License-Identifier: MIT
// Size classes of small objects: multiples of 16 B in eight steps per doubling, so that rounding up
// wastes at most 12.5 %. Computed at compile time; the tables are constants, any thread reads them.
//
// Class 0 is for large objects (above kMaxSmallSize), which own a span. The smallest class is 16 B:
// mark and allocation bits stand for 16 B granules, and noscan objects below 16 B share one
// (malloc.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/base/platform.h"

namespace greyhound::gc {

inline constexpr size_t kPageShift = 13;
inline constexpr size_t kPageSize = size_t{1} << kPageShift;
inline constexpr size_t kGranule = 16;
inline constexpr size_t kMaxSmallSize = 32768;
// Small spans take at least this many pages: fewer refills, and half the span metadata of one page.
inline constexpr size_t kMinSpanPages = 2;

using SizeClass = uint8_t;
inline constexpr SizeClass kLargeClass = 0;

namespace size_class_internal {

constexpr size_t next_class(size_t size) {
  size_t step = kGranule;
  for (size_t base = 128; base <= size; base *= 2) step = base / 8;
  return size + step;
}

constexpr size_t count_classes() {
  size_t count = 1;
  for (size_t size = kGranule; size <= kMaxSmallSize; size = next_class(size)) ++count;
  return count;
}

}  // namespace size_class_internal

inline constexpr size_t kNumSizeClasses = size_class_internal::count_classes();

struct SizeClassInfo {
  uint32_t size = 0;
  uint32_t span_pages = 0;
  uint32_t objects = 0;
  // ceil(2^32 / size): offset * magic >> 32 is offset / size for every offset inside a span.
  uint32_t divide_magic = 0;
};

namespace size_class_internal {

// The fewest pages whose unusable tail is at most 1/16 of the span.
constexpr uint32_t pages_for(size_t size) {
  size_t pages = kMinSpanPages;
  while (pages * kPageSize < size || (pages * kPageSize % size) * 16 > pages * kPageSize) ++pages;
  return static_cast<uint32_t>(pages);
}

constexpr auto make_classes() {
  std::array<SizeClassInfo, kNumSizeClasses> classes{};
  size_t size = kGranule;
  for (size_t i = 1; i < kNumSizeClasses; ++i) {
    classes[i].size = static_cast<uint32_t>(size);
    classes[i].span_pages = pages_for(size);
    classes[i].objects = static_cast<uint32_t>(classes[i].span_pages * kPageSize / size);
    classes[i].divide_magic = static_cast<uint32_t>(((uint64_t{1} << 32) + size - 1) / size);
    size = next_class(size);
  }
  return classes;
}

}  // namespace size_class_internal

inline constexpr std::array<SizeClassInfo, kNumSizeClasses> kSizeClasses =
    size_class_internal::make_classes();

namespace size_class_internal {

constexpr SizeClass class_by_search(size_t size) {
  SizeClass c = 1;
  while (kSizeClasses[c].size < size) ++c;
  return c;
}

constexpr auto make_small_table() {
  std::array<SizeClass, 1024 / 16 + 1> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = class_by_search(i * 16);
  return table;
}

constexpr auto make_medium_table() {
  std::array<SizeClass, (kMaxSmallSize - 1024) / 128 + 1> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = class_by_search(1024 + i * 128);
  return table;
}

inline constexpr auto kSmallTable = make_small_table();
inline constexpr auto kMediumTable = make_medium_table();

}  // namespace size_class_internal

// The class for an object of `size` bytes. REQUIRES: size <= kMaxSmallSize.
GREYHOUND_INLINE constexpr SizeClass size_to_class(size_t size) {
  using namespace size_class_internal;
  if (size <= 1024) return kSmallTable[(size + 15) / 16];
  return kMediumTable[(size - 1024 + 127) / 128];
}

static_assert(kSizeClasses[kNumSizeClasses - 1].size == kMaxSmallSize);
static_assert(size_to_class(1) == 1 && size_to_class(17) == 2 &&
              size_to_class(1025) > size_to_class(1024));

}  // namespace greyhound::gc
