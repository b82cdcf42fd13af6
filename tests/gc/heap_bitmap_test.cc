// SPDX-License-Identifier: MIT
// The side bitmaps against a model that keeps one byte a granule.
#include "gc/heap/heap_bitmap.h"

#include <algorithm>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class HeapBitmapTest : public ::testing::Test {
 protected:
  static constexpr size_t kGranules = 16 * kPageSize / kGranule;
  static constexpr uintptr_t kBase = uintptr_t{1} << 32;  // never read
  HeapBitmapTest() { bits.initialise(words_, kBase); }

  uintptr_t at(size_t granule) { return kBase + granule * kGranule; }

  uint64_t words_[kGranules / 64] = {};
  HeapBitmap bits;
};

TEST_F(HeapBitmapTest, OneBitStandsForAGranule) {
  EXPECT_TRUE(bits.test_and_set(at(5)));
  EXPECT_TRUE(bits.test(at(5)));
  EXPECT_TRUE(bits.test(at(5) + 15)) << "any address of the granule";
  EXPECT_FALSE(bits.test(at(4)));
  EXPECT_FALSE(bits.test(at(6)));
}

TEST_F(HeapBitmapTest, OnlyTheFirstSetterIsTold) {
  EXPECT_TRUE(bits.test_and_set(at(64)));
  EXPECT_FALSE(bits.test_and_set(at(64)));
  EXPECT_TRUE(bits.test_and_set(at(63)));
}

TEST_F(HeapBitmapTest, APagesBitsAreOneCacheLine) {
  EXPECT_EQ(kBitmapWordsPerPage * sizeof(uint64_t), kCacheLine);
  EXPECT_EQ(bits.word(kBase + kPageSize), words_ + kBitmapWordsPerPage);
}

TEST_F(HeapBitmapTest, AnEmptyRangeSetsNothing) {
  bits.set_slots(at(7), at(7), 32, false);
  EXPECT_EQ(std::count(std::begin(words_), std::end(words_), 0u),
            static_cast<ptrdiff_t>(std::size(words_)));
}

TEST_F(HeapBitmapTest, RangesAgreeWithTheModel) {
  GREYHOUND_SEEDED(random);
  std::vector<char> model(kGranules);
  for (int i = 0; i < 3000; ++i) {
    const size_t step = random() % 3 == 0 ? 1 : 1 + random() % 200;
    const size_t first = random() % kGranules;
    const size_t slots =
        1 + random() % std::max<size_t>(1, std::min<size_t>((kGranules - first) / step, 300));
    if (first + slots * step > kGranules) continue;
    const bool set = random() % 2 == 0;
    const bool atomically = random() % 2 == 0;
    for (size_t s = 0; s < slots; ++s) model[first + s * step] = set;
    if (set) {
      bits.set_slots(at(first), at(first + slots * step), step * kGranule, atomically);
    } else {
      bits.clear_slots(at(first), at(first + slots * step), step * kGranule, atomically);
    }
    for (size_t g = 0; g < kGranules; ++g) {
      ASSERT_EQ((words_[g / 64] >> (g % 64)) & 1, static_cast<uint64_t>(model[g])) << g;
    }
  }
}

}  // namespace
}  // namespace greyhound::gc
