// SPDX-License-Identifier: MIT
// When and how tables grow: the facts of Go 1.19's map, measured there, held against ours.
#include "maps/grow.h"

#include <vector>

#include "tests/maps/fixture.h"
#include "tests/maps/kinds.h"

namespace greyhound::maps {
namespace {

class GrowthTest : public IntMapTest {};

TEST_F(GrowthTest, EmptyMapHasNoTable) {
  EXPECT_EQ(shape().buckets, 0u);
  EXPECT_EQ(shape().B, 0u);
  EXPECT_EQ(verify_map(t_, h_), "");
}

TEST_F(GrowthTest, EightEntriesFitOneBucket) {
  put_range(0, 8);
  EXPECT_EQ(shape().buckets, 1u);
  EXPECT_EQ(shape().overflow_buckets, 0u);
}

TEST_F(GrowthTest, InsertNineGrowsToTwoBuckets) {
  put_range(0, 9);
  EXPECT_EQ(shape().B, 1u);
}

TEST_F(GrowthTest, GrowthStartsWhenLoadFactorExceeded) {
  std::vector<int64_t> inserts;  // the counts at which B had grown
  unsigned B = 0;
  for (int64_t i = 0; i < 2000; ++i) {
    put(i, i);
    if (h_->B != B) inserts.push_back(i + 1);
    B = h_->B;
  }
  EXPECT_EQ(inserts, (std::vector<int64_t>{9, 14, 27, 53, 105, 209, 417, 833, 1665}));
}

TEST_F(GrowthTest, HintMakesTableThatNeedsNoGrowth) {
  h_ = keep(makemap(t_, 1000));
  const unsigned B = h_->B;
  EXPECT_EQ(B, 8u);
  put_range(0, 1000);
  EXPECT_EQ(h_->B, B);
  EXPECT_FALSE(h_->growing());
}

TEST_F(GrowthTest, AbsurdHintIsIgnored) {
  h_ = keep(makemap(t_, SIZE_MAX));
  ASSERT_NE(h_, nullptr);
  EXPECT_EQ(h_->B, 0u);
}

TEST_F(GrowthTest, ReadsNeverEvacuate) {
  put_range(0, 6657);  // one more than 6.5 * 1024: the growth has just begun
  ASSERT_TRUE(h_->growing());
  const MapShape before = shape();
  for (int64_t i = 0; i < 100000; ++i) ASSERT_EQ(has(i), i < 6657);
  hiter it;
  for (mapiterinit(t_, h_, &it); it.key != nullptr; mapiternext(&it)) {
  }
  EXPECT_EQ(shape().nevacuate, before.nevacuate);
  EXPECT_EQ(shape().evacuated_old_buckets, before.evacuated_old_buckets);
}

// Each write evacuates the bucket that it needs and one more; the write that starts
// the growth also evacuates.
TEST_F(GrowthTest, WritesFinishGrowthWithinAsManyWritesAsOldBuckets) {
  put_range(0, 6657);
  ASSERT_TRUE(h_->growing());
  ASSERT_EQ(shape().old_buckets, 1024u);
  int64_t writes = 0;
  for (; h_->growing(); ++writes) put(writes % 6657, 0);
  EXPECT_GE(writes, 511);
  EXPECT_LE(writes, 1023);
  EXPECT_EQ(verify_map(t_, h_), "");
}

TEST_F(GrowthTest, DeletionsEvacuateToo) {
  put_range(0, 6657);
  ASSERT_TRUE(h_->growing());
  for (int64_t i = 0; i < 1100; ++i) erase(i);
  EXPECT_FALSE(h_->growing());
  EXPECT_EQ(verify_map(t_, h_), "");
}

TEST_F(GrowthTest, EveryKeyIsFoundAtEachStepOfGrowth) {
  put_range(0, 417);
  ASSERT_TRUE(h_->growing());
  while (h_->growing()) {
    for (int64_t i = 0; i < 417; ++i) ASSERT_TRUE(has(i));
    ASSERT_EQ(verify_map(t_, h_), "");
    put(0, 0);
  }
}

TEST_F(GrowthTest, DeleteAllKeepsB) {
  put_range(0, 10000);
  const unsigned B = h_->B;
  EXPECT_EQ(B, 11u);
  for (int64_t i = 0; i < 10000; ++i) erase(i);
  EXPECT_EQ(maplen(h_), 0);
  EXPECT_EQ(h_->B, B);
  EXPECT_EQ(verify_map(t_, h_), "");
}

TEST_F(GrowthTest, ClearKeepsBAndEndsGrowth) {
  put_range(0, 6657);
  ASSERT_TRUE(h_->growing());
  mapclear(t_, h_);
  EXPECT_EQ(maplen(h_), 0);
  EXPECT_EQ(h_->B, 11u);
  EXPECT_FALSE(h_->growing());
  EXPECT_EQ(verify_map(t_, h_), "");
  put_range(0, 6657);
  EXPECT_EQ(h_->B, 11u);
}

TEST_F(GrowthTest, DeletingLastEntryDrawsNewSeed) {
  put(1, 1);
  const uint32_t seed = h_->hash0;
  erase(1);
  EXPECT_NE(h_->hash0, seed);
}

// Keys that come and go leave holes; overflow buckets gather although the count stays.
TEST_F(GrowthTest, ChurnCausesSameSizeGrowth) {
  constexpr int64_t kLive = 1600;
  put_range(0, kLive);
  finish_growth(0);
  const unsigned B = h_->B;
  bool same_size = false;
  for (int64_t i = kLive; i < 400 * kLive && !same_size; ++i) {
    put(i, i);
    erase(i - kLive);
    same_size = h_->has(kSameSizeGrow);
  }
  EXPECT_TRUE(same_size);
  EXPECT_EQ(h_->B, B);
  EXPECT_EQ(verify_map(t_, h_), "");
  const size_t before = shape().old_overflow_buckets;
  while (h_->growing()) erase(-1);
  EXPECT_LT(shape().overflow_buckets, before / 2) << "the holes are closed";
  EXPECT_EQ(maplen(h_), kLive);
  EXPECT_EQ(verify_map(t_, h_), "");
}

TEST_F(GrowthTest, TablesOfSixteenBucketsPreallocateOverflow) {
  put_range(0, 60);
  finish_growth(0);
  ASSERT_EQ(h_->B, 4u);
  const MapShape s = shape();
  EXPECT_GE(bucket_array_length(*t_, 4), 17u);
  EXPECT_EQ(s.preallocated_left + s.overflow_buckets, bucket_array_length(*t_, 4) - 16);
}

TEST_F(GrowthTest, NoscanOverflowIsListedInExtraAndPointerfulIsNot) {
  put_range(0, 100000);
  finish_growth(0);
  EXPECT_GT(shape().overflow_buckets, 0u);
  EXPECT_EQ(shape().listed_overflow, shape().overflow_buckets);

  const MapType* t = map_type(int64(), PointerKind::type());
  hmap* h = makemap(t, 0);
  for (int64_t i = 0; i < 100000; ++i) ASSERT_NE(mapassign(t, h, &i), nullptr);
  for (int64_t i = 0; h->growing(); ++i) ASSERT_NE(mapassign(t, h, &i), nullptr);
  EXPECT_GT(inspect(t, h).overflow_buckets, 0u);
  EXPECT_EQ(inspect(t, h).listed_overflow, 0u);
}

TEST_F(GrowthTest, OldOverflowListIsDroppedWhenGrowthEnds) {
  put_range(0, 6657);
  ASSERT_TRUE(h_->growing());
  EXPECT_GT(shape().listed_oldoverflow, 0u);
  finish_growth(0);
  EXPECT_EQ(shape().listed_oldoverflow, 0u);
}

}  // namespace
}  // namespace greyhound::maps
