// SPDX-License-Identifier: MIT
// Rule 8: mutators that come and go, in every phase: one that attaches adopts the phase, one that
// detaches answers, donates and gives everything back.
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class AttachTest : public SteppingTest {};

struct Adopted {
  const char* name;
  Phase phase;
  bool barrier_on;
  bool alloc_black;
};
constexpr Adopted kAdopted[] = {
    {"Idle", Phase::kIdle, false, false},     {"H1", Phase::kBarrierOn, true, false},
    {"H2", Phase::kAllocBlack, true, true},   {"Drain", Phase::kDrain, true, true},
    {"H3", Phase::kScanRoots, true, true},    {"H4", Phase::kBarrierOff, false, true},
    {"H5", Phase::kAllocWhite, false, false}, {"Sweep", Phase::kSweep, false, false},
};

class AttachIn : public SteppingTest, public ::testing::WithParamInterface<Adopted> {};
void PrintTo(const Adopted& adopted, std::ostream* out) { *out << phase_name(adopted.phase); }

TEST_P(AttachIn, AdoptsThePhase) {
  ASSERT_TRUE(step_to(GetParam().phase));
  Mutator* c = attach("c");
  EXPECT_EQ(c->shading(), GetParam().barrier_on);
  EXPECT_EQ(c->allocation().black(), GetParam().alloc_black);
  EXPECT_EQ(c->allocation().sweepgen(), collector.heap.sweepgen.load());
  EXPECT_FALSE(MutatorTesting::has_pending(*c)) << "it has nothing to answer";
  EXPECT_EQ(marked(make(c)), GetParam().alloc_black);
}

TEST_P(AttachIn, DoesNotHoldTheHandshakeUp) {
  ASSERT_TRUE(step_to(GetParam().phase));
  Mutator* c = attach("c");
  hold_back(c);
  if (GetParam().phase != Phase::kIdle) {
    EXPECT_EQ(step(), Progress::kAdvanced);
  }
}

TEST_P(AttachIn, WhatItThenRootsIsKept) {
  Node* white = make(a);
  white->value = 5;
  PersistentSlot global;
  global.value = address_of(white);
  collector.persistents.add(&global);
  ASSERT_TRUE(step_to(GetParam().phase));
  Mutator* c = attach("c");
  TestRoot root(*c, white);
  Node* fresh = make(c);
  TestRoot fresh_root(*c, fresh);
  store(c, fresh->next, white);
  {
    ActAs act(*c);
    store_word(&global.value, 0);
  }
  finish();
  EXPECT_TRUE(alive(white));
  EXPECT_TRUE(alive(fresh));
  collect();
  EXPECT_TRUE(alive(white));
  EXPECT_TRUE(alive(fresh));
  EXPECT_EQ(white->value, 5u);
  collector.persistents.remove(&global);
}

TEST_P(AttachIn, DetachingThereIsAnAnswer) {
  Mutator* c = attach("c");
  make(c);
  hold_back(c);
  if (GetParam().phase != Phase::kIdle) collector.request_cycle();
  while (collector.phase() != GetParam().phase) {
    if (step() == Progress::kWaiting) answer(c);
  }
  let_go(c);
  detach(c);
  EXPECT_EQ(step(), GetParam().phase == Phase::kIdle ? Progress::kIdle : Progress::kAdvanced);
}

INSTANTIATE_TEST_SUITE_P(EveryPhase, AttachIn, ::testing::ValuesIn(kAdopted),
                         [](const auto& param) { return param.param.name; });

TEST_F(AttachTest, DetachDonatesItsShades) {
  Mutator* c = attach("c");
  Node* child = make(a);
  Node* white = make(a);
  store(a, white->next, child);
  TestRoot target(*a, white);
  ASSERT_TRUE(step_to(Phase::kDrain));
  Node* holder = make(c);
  TestRoot holder_root(*a, holder);
  store(c, holder->next, white);
  target = nullptr;
  EXPECT_EQ(MutatorTesting::shades(*c), 1u);
  EXPECT_FALSE(collector.pool.has_work());
  detach(c);
  EXPECT_TRUE(CollectorTesting::round_wanted(collector));
  EXPECT_TRUE(collector.pool.has_work());
  finish();
  EXPECT_TRUE(alive(white));
  EXPECT_TRUE(alive(child));
}

TEST_F(AttachTest, DetachInTheMiddleOfAScanDonatesToo) {
  Mutator* c = attach("c");
  Node* child = make(a);
  Node* white = make(a);
  store(a, white->next, child);
  TestRoot target(*a, white);
  ASSERT_TRUE(step_to(Phase::kDrain));
  Node* holder = make(c);
  TestRoot holder_root(*a, holder);
  hold_back(c);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  store(c, holder->next, white);
  target = nullptr;
  let_go(c);
  detach(c);
  finish();
  EXPECT_TRUE(alive(white));
  EXPECT_TRUE(alive(child));
}

// A thread that ends may have given what it holds to one that has answered already, as a return
// value say, with no barrier in between.
TEST_F(AttachTest, WhatADetachingMutatorHoldsIsKeptForWhoeverGotIt) {
  Mutator* c = attach("c");
  Node* result = make(c);
  const uintptr_t words[] = {address_of(result)};
  RootRange range{words, 1};
  c->add_root_range(&range);
  TestRoot received(*a);
  ASSERT_TRUE(step_to(Phase::kDrain));
  hold_back(c);
  ASSERT_TRUE(step_to(Phase::kScanRoots));  // a has answered
  received = result;
  let_go(c);
  detach(c);
  finish();
  EXPECT_TRUE(alive(result));
}

TEST_F(AttachTest, DetachGivesItsSpansBack) {
  Mutator* c = attach("c");
  make(c);
  const size_t pages = collector.heap.page_bytes();
  detach(c);
  // Another mutator goes on in the same span, at the slot that c left.
  make(a);
  EXPECT_EQ(collector.heap.page_bytes(), pages);
}

// The unused tail of a run is allocated as long as the run is: an interior pointer to it shades it.
TEST_F(AttachTest, ADetachBetweenH1AndH2LeavesItsTails) {
  Mutator* c = attach("c");
  const uintptr_t object = address_of(make(c));
  const uintptr_t tail = object + collector.heap.span_of(object)->elem_size;
  ASSERT_TRUE(collector.heap.allocs.test(tail));
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  ASSERT_TRUE(c->shading());
  ASSERT_FALSE(c->allocation().black());
  detach(c);
  EXPECT_TRUE(collector.heap.allocs.test(tail)) << "a may be about to mark it";
  finish();
  EXPECT_FALSE(collector.heap.allocs.test(tail));
}

TEST_F(AttachTest, DetachWhileMarkingLeavesItsObjectsBlack) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  Mutator* c = attach("c");
  Node* object = make(c);
  TestRoot root(*a, object);
  detach(c);
  EXPECT_TRUE(marked(object));
  // The tail it gave back is black for the next owner again.
  EXPECT_TRUE(marked(make(a)));
  finish();
  EXPECT_TRUE(alive(object));
}

TEST_F(AttachTest, DetachBetweenItsScanAndTheJudgementLosesNothingReachable) {
  Mutator* c = attach("c");
  Node* white = make(c);
  TestRoot shared(*a);
  {
    TestRoot root(*c, white);
    ASSERT_TRUE(step_to(Phase::kDrain));
    hold_back(a);
    ASSERT_TRUE(step_to(Phase::kScanRoots));  // c's words are collected, not yet resolved
    Node* holder = make_past_safepoint(a);
    shared = holder;
    store(c, holder->next, white);  // before it goes it hands the object over
  }
  detach(c);
  answer(a);
  finish();
  EXPECT_TRUE(alive(white));
}

TEST_F(AttachTest, TheCountOfMutatorsFollows) {
  EXPECT_EQ(collector.world.count(), 2u);
  Mutator* c = attach("c");
  EXPECT_EQ(collector.world.count(), 3u);
  detach(c);
  detach(a);
  EXPECT_EQ(collector.world.count(), 1u);
  collect();
}

}  // namespace
}  // namespace greyhound::gc
