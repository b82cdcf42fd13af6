// SPDX-License-Identifier: MIT
// Rule 1: barrier first (H1), black allocation second (H2), and what H2's acknowledgement does to
// the memory that a mutator has cached. Rules 2 and 4 in part: nothing goes on before the last
// answer.
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class StartHandshakesTest : public SteppingTest {};

TEST_F(StartHandshakesTest, H2IsNotAskedForBeforeH1sLastAcknowledgement) {
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(step(), Progress::kWaiting);
  EXPECT_EQ(collector.phase(), Phase::kBarrierOn);
  EXPECT_FALSE(a->allocation().black())
      << "a has answered, but b may still store without a barrier";
  answer(b);
  EXPECT_EQ(step(), Progress::kAdvanced);
  EXPECT_EQ(collector.phase(), Phase::kAllocBlack);
}

TEST_F(StartHandshakesTest, MarkingDoesNotBeginBeforeH2sLastAcknowledgement) {
  TestRoot root(*a, make(a));
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  hold_back(b);
  EXPECT_EQ(step(), Progress::kAdvanced);
  EXPECT_EQ(collector.phase(), Phase::kAllocBlack);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(step(), Progress::kWaiting);
  EXPECT_TRUE(a->allocation().black());
  EXPECT_FALSE(b->allocation().black());
  answer(b);
  EXPECT_TRUE(b->allocation().black());
  EXPECT_EQ(step(), Progress::kAdvanced);
  EXPECT_EQ(collector.phase(), Phase::kDrain);
}

TEST_F(StartHandshakesTest, AllocationIsWhiteUntilTheMutatorsOwnH2Acknowledgement) {
  TestRoot before(*b, make(b));
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  Node* after_h1 = make(b);
  EXPECT_FALSE(marked(after_h1));
  hold_back(b);
  step();
  ASSERT_EQ(collector.phase(), Phase::kAllocBlack);
  EXPECT_FALSE(marked(make_past_safepoint(b))) << "b has not heard of H2";
  EXPECT_TRUE(marked(make(a)));
}

TEST_F(StartHandshakesTest, AllocationIsBlackAfterH2) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  // Enough to leave every run that was cached, and to take fresh spans.
  for (int i = 0; i < 3000; ++i) EXPECT_TRUE(marked(make(a)));
  EXPECT_TRUE(marked(make<uint64_t>(a))) << "a tiny object's block";
  EXPECT_TRUE(marked((make<std::array<uint64_t, 4>>(a)))) << "noscan";
  struct Rare {
    std::array<uint64_t, 3> pad;
    Ref<Node> ref;
  };
  EXPECT_TRUE(marked(make<Rare>(a))) << "a shared span";
  EXPECT_TRUE(marked((make<std::array<Node, 5000>>(a)))) << "a large object";
  EXPECT_TRUE(marked((make<std::array<uint64_t, 50000>>(a)))) << "a large noscan object";
}

TEST_F(StartHandshakesTest, AllocationIsWhiteAgainAfterH5) {
  collect();
  EXPECT_FALSE(marked(make(a)));
  EXPECT_FALSE(marked((make<std::array<uint64_t, 50000>>(a))));
}

// The next slots of the cached run, whatever kind of run it is.
struct Run {
  const char* name;
  const Type* type;
};
void PrintTo(const Run& run, std::ostream* out) { *out << run.name; }
struct SharedLayout {
  uint64_t pad = 0;
  Ref<Node> ref;
};

class CachedRun : public SteppingTest, public ::testing::WithParamInterface<Run> {
 protected:
  void* allocate(Mutator* mutator) {
    ActAs act(*mutator);
    return newobject(GetParam().type);
  }
};

TEST_P(CachedRun, TailIsBlackenedAtH2) {
  void* before = allocate(a);
  ASSERT_TRUE(step_to(Phase::kAllocBlack));
  void* after = allocate(a);
  EXPECT_EQ(address_of(after), address_of(before) + (GetParam().type->size + 15) / 16 * 16)
      << "the same run";
  EXPECT_FALSE(marked(before)) << "allocated white, it must be found";
  EXPECT_TRUE(marked(after));
}

TEST_P(CachedRun, TailIsTakenBackAtH5) {
  void* before = allocate(a);
  TestRoot root(*a, before);
  const uintptr_t next = address_of(before) + (GetParam().type->size + 15) / 16 * 16;
  EXPECT_TRUE(alive(reinterpret_cast<void*>(next))) << "a whole run has its allocation bits set";
  collect();
  EXPECT_TRUE(alive(before));
  EXPECT_FALSE(alive(reinterpret_cast<void*>(next)));
}

TEST_P(CachedRun, ObjectAllocatedBlackLivesThroughTheCycleAndDiesInTheNext) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  void* garbage = allocate(a);
  finish();
  EXPECT_TRUE(alive(garbage));
  collect();
  EXPECT_FALSE(alive(garbage));
}

INSTANTIATE_TEST_SUITE_P(
    Of, CachedRun,
    ::testing::Values(Run{"OwnLayout", type_of<Node>()}, Run{"SharedSpan", type_of<SharedLayout>()},
                      Run{"Noscan", type_of<std::array<uint64_t, 4>>()},
                      Run{"NoscanOfOneGranule", type_of<std::array<uint64_t, 2>>()}),
    [](const auto& param) { return param.param.name; });

TEST_F(StartHandshakesTest, OpenTinyBlockIsDroppedAtH2) {
  auto* before = make<uint32_t>(a);
  auto* neighbour = make<uint32_t>(a);
  EXPECT_EQ(address_of(neighbour), address_of(before) + 4) << "they share a block";
  ASSERT_TRUE(step_to(Phase::kAllocBlack));
  auto* after = make<uint32_t>(a);
  EXPECT_EQ(address_of(after) % kGranule, 0u);
  EXPECT_NE(address_of(after) / kGranule, address_of(before) / kGranule);
  EXPECT_TRUE(marked(after));
  EXPECT_FALSE(
      is_marked(collector, reinterpret_cast<void*>(align_down(address_of(before), kGranule))));
}

TEST_F(StartHandshakesTest, OpenTinyBlockIsDroppedAtH5) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  auto* during = make<uint32_t>(a);
  finish();
  auto* after = make<uint32_t>(a);
  EXPECT_NE(address_of(after) / kGranule, address_of(during) / kGranule)
      << "a block of the last cycle would die with its white neighbour";
}

TEST_F(StartHandshakesTest, TinyObjectsKeepTheirWholeBlock) {
  auto* first = make<uint32_t>(a);
  auto* second = make<uint32_t>(a);
  *first = 1;
  *second = 2;
  TestRoot root(*a, second);
  collect();
  EXPECT_TRUE(alive(first)) << "the block's bit is its first granule's";
  EXPECT_EQ(*first, 1u);
  root = nullptr;
  collect();
  EXPECT_FALSE(alive(first));
}

TEST_F(StartHandshakesTest, WhatH1FindsReachableAndUnlinkedMeanwhileSurvivesOrDies) {
  // Between H1 and H2 a mutator allocates white and stores with a barrier: what it stores is grey.
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  Node* white = make(a);
  TestRoot holder(*a, make(a));
  store(a, holder.as<Node>()->next, white);
  EXPECT_TRUE(marked(white));
  finish();
  EXPECT_TRUE(alive(white));
  store<Node>(a, holder.as<Node>()->next, nullptr);
  collect();
  EXPECT_FALSE(alive(white));
}

}  // namespace
}  // namespace greyhound::gc
