// SPDX-License-Identifier: MIT
// Counts and histograms: of their own, and what a cycle reports about a heap that is known.
#include "gc/watch/stats.h"

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

TEST(LatencyHistogram, BucketsFollowEachOtherAndAreAtMostAnEighthWide) {
  uint64_t least = 0;
  for (size_t i = 0; i + 1 < LatencyHistogram::kBuckets; ++i) {
    const uint64_t most = LatencyHistogram::upper_bound(i);
    EXPECT_EQ(LatencyHistogram::bucket_of(least), i);
    EXPECT_EQ(LatencyHistogram::bucket_of(most), i);
    EXPECT_LE((most - least) * 8, least);
    least = most + 1;
  }
}

TEST(LatencyHistogram, CountsAddsAndKeepsTheMaximum) {
  LatencyHistogram h;
  for (uint64_t ns : {0, 1, 2, 2, 3, 1023, 1024}) h.add(ns);
  EXPECT_EQ(h.buckets[0], 1u);
  EXPECT_EQ(h.buckets[2], 2u);
  EXPECT_EQ(h.count, 7u);
  EXPECT_EQ(h.sum_ns, 2055u);
  EXPECT_EQ(h.max_ns, 1024u);
}

TEST(LatencyHistogram, QuantilesAreUpperBoundsAndNeverAboveTheMaximum) {
  LatencyHistogram h;
  for (uint64_t ns = 1; ns <= 1000; ++ns) h.add(ns);
  EXPECT_GE(h.quantile(0.5), 500u);
  EXPECT_LE(h.quantile(0.5), 500u * 9 / 8);
  EXPECT_EQ(h.quantile(1.0), 1000u);
  EXPECT_EQ(h.quantile(0.999), 1000u);
  EXPECT_EQ(LatencyHistogram{}.quantile(0.5), 0u);
}

TEST(LatencyHistogram, HugeValuesGoIntoTheLastBucket) {
  LatencyHistogram h;
  h.add(UINT64_MAX);
  EXPECT_EQ(h.buckets[LatencyHistogram::kBuckets - 1], 1u);
}

TEST(LatencyHistogram, MergingAddsUp) {
  LatencyHistogram one, two;
  one.add(5);
  two.add(5);
  two.add(5000);
  one.merge(two);
  EXPECT_EQ(one.count, 3u);
  EXPECT_EQ(one.buckets[5], 2u);
  EXPECT_EQ(one.max_ns, 5000u);
  EXPECT_EQ(one.sum_ns, 5010u);
}

TEST(LatencyHistogram, TheSharedOneAgrees) {
  LatencyHistogram plain;
  SharedHistogram shared;
  for (uint64_t ns = 0; ns < 5000; ns += 7) {
    plain.add(ns);
    shared.add(ns);
  }
  const LatencyHistogram snapshot = shared.snapshot();
  EXPECT_EQ(snapshot.count, plain.count);
  EXPECT_EQ(snapshot.sum_ns, plain.sum_ns);
  EXPECT_EQ(snapshot.max_ns, plain.max_ns);
  for (size_t i = 0; i < LatencyHistogram::kBuckets; ++i)
    EXPECT_EQ(snapshot.buckets[i], plain.buckets[i]);
}

TEST(MarkCounts, MergingAddsUp) {
  MarkCounts one{1, 2, 3, 4, 5};
  one.merge(MarkCounts{10, 20, 30, 40, 50});
  EXPECT_EQ(one.objects_greyed, 11u);
  EXPECT_EQ(one.noscan_greyed, 22u);
  EXPECT_EQ(one.bytes_marked, 33u);
  EXPECT_EQ(one.words_scanned, 44u);
  EXPECT_EQ(one.objects_resolved, 55u);
}

TEST(RoundsHistogram, QuantilesAreTheLeastRoundsThatEnoughCyclesKeepTo) {
  RoundsHistogram h;
  EXPECT_EQ(h.quantile(0.99), 0u);
  for (int i = 0; i < 98; ++i) h.add(2);
  h.add(5);
  h.add(9);
  EXPECT_EQ(h.quantile(0.5), 2u);
  EXPECT_EQ(h.quantile(0.98), 2u);
  EXPECT_EQ(h.quantile(0.99), 5u);
  EXPECT_EQ(h.quantile(1), 9u);
}

TEST(RoundsHistogram, MoreRoundsThanItHasRoomForGoIntoTheLast) {
  RoundsHistogram h;
  h.add(1000);
  EXPECT_EQ(h.quantile(1), RoundsHistogram::kMost);
}

class StatsTest : public SteppingTest {};

TEST_F(StatsTest, ACycleReportsWhatItMarked) {
  TestRoot root(*a, make(a));
  store(a, root.as<Node>()->next, make(a));
  TestRoot noscan(*a, make<std::array<uint64_t, 6>>(a));
  for (int i = 0; i < 10; ++i) make(a);
  collect();
  const CycleStats cycle = collector.stats().last_cycle;
  EXPECT_EQ(cycle.cycle, 1u);
  EXPECT_TRUE(cycle.forced);
  EXPECT_EQ(cycle.mark.objects_greyed, 3u);
  EXPECT_EQ(cycle.mark.noscan_greyed, 1u);
  EXPECT_EQ(cycle.mark.bytes_marked, 2u * 32 + 48);
  EXPECT_EQ(cycle.mark.words_scanned, 4u);
  EXPECT_EQ(cycle.rounds, 2u);
}

TEST_F(StatsTest, TotalsAddUpOverCycles) {
  TestRoot root(*a, make(a));
  for (int i = 0; i < 3; ++i) collect();
  const GcStats stats = collector.stats();
  EXPECT_EQ(stats.cycles, 3u);
  EXPECT_EQ(stats.forced_cycles, 3u);
  EXPECT_EQ(stats.rounds, 6u);
  EXPECT_EQ(stats.rounds_per_cycle.cycles[2], 3u);
  EXPECT_EQ(stats.mark.objects_greyed, 3u);
}

TEST_F(StatsTest, PagesAndMetadataAreReported) {
  EXPECT_EQ(collector.stats().heap_pages_bytes, 0u);
  TestRoot root(*a, make<std::array<uint64_t, 10'000>>(a));
  const GcStats stats = collector.stats();
  EXPECT_GE(stats.heap_pages_bytes, 80'000u);
  EXPECT_GE(stats.heap_resident_bytes, stats.heap_pages_bytes);
  EXPECT_GT(stats.metadata_bytes, 0u);
}

TEST_F(StatsTest, MetadataIsAtMostThreeHundredthsOfABigHeap) {
  std::vector<std::unique_ptr<TestRoot>> roots;
  for (int i = 0; i < 1000; ++i) {
    Node* head = make(a);
    roots.push_back(std::make_unique<TestRoot>(*a, head));
    for (int n = 0; n < 600; ++n) {
      Node* node = make(a);
      store(a, node->next, head->next.get());
      store(a, head->next, node);
    }
  }
  collect();
  const CycleStats cycle = collector.stats().last_cycle;
  EXPECT_LE(cycle.metadata_bytes * 100, cycle.heap_pages_bytes * 3);
}

TEST_F(StatsTest, EveryAcknowledgementIsCountedOnce) {
  const uint64_t before = collector.stats().time_to_safepoint.count;
  collect();  // no roots: H1, H2, one H3, H4, H5 for each of two mutators
  EXPECT_EQ(collector.stats().time_to_safepoint.count - before, 10u);
}

TEST_F(StatsTest, AMutatorsOwnAllocationsAreSeenAtOnce) {
  ActAs act(*a);
  const uint64_t before = collector.stats().mallocs;
  newobject(type_of<Node>());
  EXPECT_EQ(collector.stats().mallocs, before + 1);
}

}  // namespace
}  // namespace greyhound::gc
