// SPDX-License-Identifier: MIT
#include "gc/heap/size_class.h"

#include <gtest/gtest.h>

namespace greyhound::gc {
namespace {

TEST(SizeClass, EverySizeFitsItsClassAndNoSmallerOne) {
  for (size_t size = 1; size <= kMaxSmallSize; ++size) {
    const SizeClass c = size_to_class(size);
    ASSERT_GE(kSizeClasses[c].size, size);
    ASSERT_TRUE(c == 1 || kSizeClasses[c - 1].size < size) << size;
  }
}

TEST(SizeClass, RoundingUpWastesAtMostAnEighth) {
  for (size_t size = 113; size <= kMaxSmallSize; ++size) {
    const size_t slot = kSizeClasses[size_to_class(size)].size;
    ASSERT_LE((slot - size) * 8, slot) << size;
  }
}

TEST(SizeClass, SmallSizesRoundToGranules) {
  for (size_t size = 1; size <= 128; ++size) {
    ASSERT_EQ(kSizeClasses[size_to_class(size)].size, (size + kGranule - 1) / kGranule * kGranule);
  }
}

TEST(SizeClass, EverySlotIsGranuleAligned) {
  for (size_t c = 1; c < kNumSizeClasses; ++c) EXPECT_EQ(kSizeClasses[c].size % kGranule, 0u) << c;
}

TEST(SizeClass, ASpansTailIsAtMostASixteenth) {
  for (size_t c = 1; c < kNumSizeClasses; ++c) {
    const SizeClassInfo& info = kSizeClasses[c];
    const size_t bytes = info.span_pages * kPageSize;
    EXPECT_EQ(info.objects, bytes / info.size);
    EXPECT_LE((bytes - info.objects * info.size) * 16, bytes) << info.size;
    EXPECT_GE(info.span_pages, kMinSpanPages);
  }
}

TEST(SizeClass, TheMultiplicationIsTheDivision) {
  for (size_t c = 1; c < kNumSizeClasses; ++c) {
    const SizeClassInfo& info = kSizeClasses[c];
    for (uint64_t offset = 0; offset < info.span_pages * kPageSize; ++offset) {
      ASSERT_EQ((offset * info.divide_magic) >> 32, offset / info.size)
          << info.size << " at " << offset;
    }
  }
}

TEST(SizeClass, TheLastClassIsTheLargestSmallSize) {
  EXPECT_EQ(kSizeClasses[kNumSizeClasses - 1].size, kMaxSmallSize);
  EXPECT_EQ(size_to_class(kMaxSmallSize), kNumSizeClasses - 1);
}

}  // namespace
}  // namespace greyhound::gc
