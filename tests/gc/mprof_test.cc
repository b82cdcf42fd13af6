// SPDX-License-Identifier: MIT
// The heap profile: what is recorded, where, and what is dead of it.
#include "gc/watch/mprof.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

struct Pair {
  Ref<Node> left, right;
};
using Chunk = std::array<uint64_t, 4>;

Options profiled(uint64_t rate) {
  Options options = quiet_options();
  options.mem_profile_rate = rate;
  return options;
}

class MemProfileTest : public HeapTest {
 protected:
  explicit MemProfileTest(uint64_t rate = 1) : HeapTest(profiled(rate)) {}

  std::vector<MemRecord> records(const Type* type) {
    std::vector<MemRecord> found = collector.mem_profile.records();
    std::erase_if(found, [type](const MemRecord& record) { return record.type != type; });
    return found;
  }
  uint64_t allocs(const Type* type) {
    const auto found = records(type);
    return std::accumulate(found.begin(), found.end(), uint64_t{0},
                           [](uint64_t sum, const MemRecord& r) { return sum + r.allocs; });
  }
  uint64_t frees(const Type* type) {
    const auto found = records(type);
    return std::accumulate(found.begin(), found.end(), uint64_t{0},
                           [](uint64_t sum, const MemRecord& r) { return sum + r.frees; });
  }
};

TEST_F(MemProfileTest, AtRateOneEveryObjectIsRecorded) {
  for (int i = 0; i < 1000; ++i) make<Pair>();
  for (int i = 0; i < 3000; ++i) make<Node>();
  EXPECT_EQ(allocs(type_of<Pair>()), 1000u);
  EXPECT_EQ(allocs(type_of<Node>()), 3000u);
}

TEST_F(MemProfileTest, AtRateOneSoAreTinyOnes) {
  for (int i = 0; i < 1000; ++i) mallocgc(8, nullptr);
  for (int i = 0; i < 500; ++i) mallocgc(1, nullptr);
  EXPECT_EQ(allocs(nullptr), 1500u);
}

TEST_F(MemProfileTest, WhichStillShareTheirBlocks) {
  for (int i = 0; i < 1000; ++i) mallocgc(8, nullptr);
  mutator->flush_counts();
  EXPECT_EQ(collector.stats().alloc_bytes, 8000u);
}

TEST_F(MemProfileTest, AndLargeOnes) {
  for (int i = 0; i < 10; ++i) mallocgc(100'000, nullptr);
  EXPECT_EQ(allocs(nullptr), 10u);
  for (const MemRecord& record : records(nullptr)) EXPECT_GE(record.size, 100'000u);
}

TEST_F(MemProfileTest, WhileMarkingToo) {
  for (int i = 0; i < 20; ++i) {
    collector.request_cycle();
    for (int n = 0; n < 1000; ++n) make<Pair>();
  }
  EXPECT_EQ(allocs(type_of<Pair>()), 20'000u);
}

TEST_F(MemProfileTest, WhatACollectionFindsDeadIsFreed) {
  TestRoot kept(*mutator, make<Pair>());
  for (int i = 0; i < 99; ++i) make<Pair>();
  EXPECT_EQ(frees(type_of<Pair>()), 0u) << "nothing is known before a collection";
  collector.collect();
  EXPECT_EQ(allocs(type_of<Pair>()), 100u);
  EXPECT_EQ(frees(type_of<Pair>()), 99u);
  kept = nullptr;
  collector.collect();
  EXPECT_EQ(frees(type_of<Pair>()), 100u);
}

TEST_F(MemProfileTest, ASlotThatIsUsedAgainIsAnotherObject) {
  for (int round = 1; round <= 5; ++round) {
    for (int i = 0; i < 1000; ++i) make<Pair>();
    collector.collect();
    EXPECT_EQ(frees(type_of<Pair>()), 1000u * static_cast<unsigned>(round));
  }
}

GREYHOUND_NOINLINE void* here() {
  void* object = mallocgc(sizeof(Chunk), type_of<Chunk>());
  asm volatile("" : "+r"(object));
  return object;
}
GREYHOUND_NOINLINE void* there() {
  asm volatile("nop");  // or the linker might fold it with here()
  void* object = mallocgc(sizeof(Chunk), type_of<Chunk>());
  asm volatile("" : "+r"(object));
  return object;
}

TEST_F(MemProfileTest, SitesAreToldApartByTheirStacks) {
  for (int i = 0; i < 3; ++i) here();
  there();
  ASSERT_EQ(allocs(type_of<Chunk>()), 4u);
  // The innermost frame is mallocgc's, the next one its caller's. The test's own may be several, as
  // a loop may be unrolled.
  uint64_t by_here = 0;
  for (const MemRecord& record : records(type_of<Chunk>())) {
    ASSERT_GE(record.stack.size(), 3u);
    const auto h = reinterpret_cast<uintptr_t>(here), t = reinterpret_cast<uintptr_t>(there);
    const uintptr_t caller = record.stack[1];
    if (caller > h && (t < h || caller < t)) by_here += record.allocs;
  }
  EXPECT_EQ(by_here, 3u);
}

TEST_F(MemProfileTest, LabelsOfTheScopeAreRecorded) {
  {
    ProfileLabels scenario("scenario", "boxed");
    ProfileLabels key("key", "small");
    here();
  }
  const std::vector<MemRecord> found = records(type_of<Chunk>());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].labels, (LabelSet{{"key", "small"}, {"scenario", "boxed"}}));
}

class NoProfileTest : public MemProfileTest {
 protected:
  NoProfileTest() : MemProfileTest(0) {}
};

TEST_F(NoProfileTest, RecordsNothing) {
  for (int i = 0; i < 1000; ++i) make<Node>();
  mallocgc(100'000, nullptr);
  EXPECT_TRUE(collector.mem_profile.records().empty());
}

constexpr uint64_t kRate = 4096;

class SampledTest : public MemProfileTest {
 protected:
  SampledTest() : MemProfileTest(kRate) {}
  // What the samples say was allocated, within five standard deviations of what was.
  void expect_estimate(const Type* type, uint64_t objects, uint64_t size) {
    const auto truth = static_cast<double>(objects);
    const double share = 1 / unsampled(1, size, kRate);
    const double deviation = std::sqrt(truth * share * (1 - share)) / share;
    EXPECT_NEAR(unsampled(allocs(type), size, kRate), truth, 5 * deviation + 1);
  }
};

TEST_F(SampledTest, TheEstimateIsUnbiasedForSmallObjects) {
  for (int i = 0; i < 400'000; ++i) make<Pair>();
  expect_estimate(type_of<Pair>(), 400'000, 16);
}

TEST_F(SampledTest, AndForObjectsAroundTheRate) {
  for (int i = 0; i < 20'000; ++i) mallocgc(4096, nullptr);
  expect_estimate(nullptr, 20'000, 4096);
}

TEST_F(SampledTest, AndForLargeOnes) {
  for (int i = 0; i < 500; ++i) mallocgc(40'000, nullptr);
  expect_estimate(nullptr, 500, records(nullptr).front().size);
}

TEST_F(SampledTest, AndWhenCyclesTakeTheRunsAway) {
  for (int i = 0; i < 200'000; ++i) {
    if (i % 5000 == 0) collector.request_cycle();
    make<Node>();
  }
  expect_estimate(type_of<Node>(), 200'000, records(type_of<Node>()).front().size);
}

TEST(UnsampledTest, DividesByTheProbability) {
  EXPECT_DOUBLE_EQ(unsampled(7, 100, 1), 7);
  EXPECT_NEAR(unsampled(1, 512, 512), 1 / (1 - std::exp(-1)), 1e-12);
  EXPECT_NEAR(unsampled(2, 16, 512 << 10), 2 * (512 << 10) / 16.0, 2);
}

}  // namespace
}  // namespace greyhound::gc
