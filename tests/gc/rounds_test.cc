// SPDX-License-Identifier: MIT
// Root-scan rounds until quiet (rules 2 and 3), assists in them (rule 7), and the escalation that
// bounds them. The scenarios hide an object from the marker by moving the only pointer to it into a
// stack that was scanned already; each names who has acknowledged when.
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class RoundsTest : public SteppingTest {
 protected:
  // A list of `length` nodes, all white, the first of which is returned.
  Node* make_list(Mutator* mutator, size_t length) {
    TestRoot head(*mutator);
    for (size_t i = length; i-- > 0;) {
      Node* node = make(mutator);
      node->value = i;
      store(mutator, node->next, head.as<Node>());
      head = node;
    }
    return head.as<Node>();
  }
  // As a mutator that fills its buffer of shades with `count` stores of white objects.
  void shade_list(Mutator* mutator, Node* holder, Node* list) {
    for (Node* node = list; node != nullptr; node = node->next) store(mutator, holder->other, node);
  }
};

TEST_F(RoundsTest, WithoutRootsOneRoundIsQuiet) {
  collect();
  EXPECT_EQ(collector.stats().last_cycle.rounds, 1u);
}

TEST_F(RoundsTest, NewlyGreyRootsAskForASecondRound) {
  TestRoot root(*a, make(a));
  collect();
  EXPECT_EQ(collector.stats().last_cycle.rounds, 2u);
}

TEST_F(RoundsTest, RoundRepeatsWhenAShadeWasDonated) {
  Node* white = make(b);
  TestRoot target(*b, white);
  ASSERT_TRUE(step_to(Phase::kDrain));
  TestRoot holder(*a, make(a));
  store(b, holder.as<Node>()->next, white);
  target = nullptr;
  EXPECT_FALSE(collector.pool.has_work()) << "it waits in b's buffer";
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  EXPECT_TRUE(collector.pool.has_work()) << "b's acknowledgement donated it";
  EXPECT_TRUE(CollectorTesting::round_wanted(collector));
  step();
  EXPECT_EQ(collector.phase(), Phase::kDrain);
  EXPECT_EQ(rounds(), 2u);
  finish();
  EXPECT_TRUE(alive(white));
}

TEST_F(RoundsTest, QuietNeedsAllAcknowledgements) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(step(), Progress::kWaiting);
  EXPECT_EQ(collector.phase(), Phase::kScanRoots);
  answer(b);
  EXPECT_EQ(step(), Progress::kAdvanced);
  EXPECT_EQ(collector.phase(), Phase::kBarrierOff);
}

TEST_F(RoundsTest, WhatOnlyTheLastToAnswerHoldsIsKept) {
  Node* white = make(b);
  TestRoot root(*b, white);
  ASSERT_TRUE(step_to(Phase::kDrain));
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  EXPECT_FALSE(marked(white));
  answer(b);
  finish();
  EXPECT_TRUE(alive(white));
}

// The textbook's lost object: the pointer is moved from a place not yet scanned to a stack.
TEST_F(RoundsTest, LoadedFromAnObjectThatIsOverwrittenBeforeItsScanIsKept) {
  Node* hidden = make(a);
  TestRoot holder(*a, make(a));
  store(a, holder.as<Node>()->next, hidden);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  step();  // the holder is grey now, and queued
  ASSERT_EQ(collector.phase(), Phase::kDrain);
  TestRoot loaded(*b, holder.as<Node>()->next.get());
  store<Node>(a, holder.as<Node>()->next, nullptr);
  finish();
  EXPECT_TRUE(alive(hidden));
}

// b answers first and has nothing; then a publishes a white object, b takes the white child out of
// it, and a cuts the child off before anybody scans it. Only a's donation can bring b's stack up
// again.
TEST_F(RoundsTest, StoreBeforeOtherMutatorsAckKeepsObject) {
  Node* child = make(a);
  Node* parent = make(a);
  store(a, parent->next, child);
  TestRoot holder_root(*b);
  ASSERT_TRUE(step_to(Phase::kDrain));
  Node* holder = make(b);
  PersistentSlot global;
  collector.persistents.add(&global);
  store_word(&global.value, address_of(holder));
  TestRoot root(*a, parent);
  hold_back(a);
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  answer(b);
  store(a, holder->next, parent);
  root = nullptr;
  TestRoot stolen(*b, holder->next.get()->next.get());
  store<Node>(a, parent->next, nullptr);
  answer(a);
  let_go(a);
  let_go(b);
  finish();
  EXPECT_TRUE(alive(parent));
  EXPECT_TRUE(alive(child));
  collector.persistents.remove(&global);
}

// a shades a white object after its acknowledgement of the first round, so that the object waits in
// a's buffer while the second round clears the flag and drains. b answers that round's scan with
// nothing, takes the white child out of the object, and a cuts it off; then a's acknowledgement
// donates the object, and an assist drains it at once. Every queue is empty, nothing was shaded in
// this round, and b's stack holds a white object: the donation itself must ask for another round.
TEST_F(RoundsTest, DonationDrainedBeforeTheJudgementAsksForAnotherRound) {
  Node* child = make(a);
  Node* parent = make(a);
  store(a, parent->next, child);
  TestRoot root(*a, parent);
  ASSERT_TRUE(step_to(Phase::kDrain));
  TestRoot holder(*b, make(b));
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  store(a, holder.as<Node>()->next, parent);
  EXPECT_EQ(MutatorTesting::shades(*a), 1u);
  step();
  ASSERT_EQ(collector.phase(), Phase::kDrain);
  EXPECT_FALSE(CollectorTesting::round_wanted(collector)) << "cleared for the second round";
  hold_back(a);
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  answer(b);
  TestRoot stolen(*b, holder.as<Node>()->next->next.get());
  EXPECT_EQ(stolen.as<Node>(), child);
  store<Node>(a, parent->next, nullptr);
  answer(a);
  Marker assist(&collector.heap, &collector.pool, &collector.pacer);
  while (assist.gcDrainN(1 << 20) > 0) {
  }
  EXPECT_TRUE(collector.pool.quiet());
  EXPECT_FALSE(marked(child));
  step();
  EXPECT_EQ(collector.phase(), Phase::kDrain) << "another round";
  let_go(a);
  let_go(b);
  finish();
  EXPECT_TRUE(alive(child));
}

// A donation before the acknowledgement, because the buffer was full.
TEST_F(RoundsTest, EarlyDonationAsksForAnotherRound) {
  TestRoot filler(*a, make_list(a, WorkBuffer::kCapacity));
  ASSERT_TRUE(step_to(Phase::kDrain));
  TestRoot holder(*b, make(b));
  hold_back(a);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  shade_list(a, holder.as<Node>(), filler.as<Node>());
  EXPECT_EQ(MutatorTesting::shades(*a), 0u) << "donated when full";
  EXPECT_TRUE(collector.pool.has_work());
  EXPECT_TRUE(CollectorTesting::round_wanted(collector));
  Marker assist(&collector.heap, &collector.pool, &collector.pacer);
  while (assist.gcDrainN(1 << 20) > 0) {
  }
  filler = nullptr;
  answer(a);
  step();
  EXPECT_EQ(collector.phase(), Phase::kDrain) << "another round, though every queue is empty";
}

// a gave the object as a root word, and shades it before the collector has resolved that word: the
// collector finds it marked, but it lies unscanned in a's buffer.
TEST_F(RoundsTest, AShadeOfARootNotYetResolvedAsksForAnotherRound) {
  Node* child = make(a);
  Node* parent = make(a);
  store(a, parent->next, child);
  TestRoot root(*a, parent);
  TestRoot holder(*b);
  ASSERT_TRUE(step_to(Phase::kDrain));
  holder = make(b);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  store(a, holder.as<Node>()->next, parent);
  step();
  EXPECT_EQ(collector.phase(), Phase::kDrain) << "another round";
  finish();
  EXPECT_TRUE(alive(child));
}

TEST_F(RoundsTest, FlagRaisedDuringTheDrainStaysUpUntilItIsJudged) {
  TestRoot filler(*a, make_list(a, WorkBuffer::kCapacity));
  ASSERT_TRUE(step_to(Phase::kDrain));
  TestRoot holder(*b, make(b));
  shade_list(a, holder.as<Node>(), filler.as<Node>());
  EXPECT_TRUE(CollectorTesting::round_wanted(collector));
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  EXPECT_TRUE(CollectorTesting::round_wanted(collector)) << "rule 3: cleared before the drain only";
  EXPECT_TRUE(collector.pool.quiet());
  answer(b);
  step();
  EXPECT_EQ(collector.phase(), Phase::kDrain) << "another round";
}

TEST_F(RoundsTest, AnActiveAssistKeepsTheRoundOpen) {
  TestRoot root(*a, make_list(a, 3));
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  step();
  ASSERT_EQ(collector.phase(), Phase::kDrain);
  WorkBuffer* taken = collector.pool.try_get(true);
  ASSERT_NE(taken, nullptr);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(step(), Progress::kWaiting) << "an assist holds grey objects";
  collector.pool.put(taken);
  collector.pool.finish();
  finish();
  EXPECT_TRUE(alive(root.as<Node>()->next->next));
}

TEST_F(RoundsTest, WorkLeftInThePoolKeepsItFromBeingQuiet) {
  Node* white = make(a);
  TestRoot root(*a, white);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  // Donated after the acknowledgement, without the flag: the queue alone must be enough.
  ASSERT_TRUE(collector.heap.marks.test_and_set(address_of(white)));
  WorkBuffer* donated = collector.pool.get_empty();
  donated->entries[donated->count++] = MarkEntry::at(address_of(white), MarkEntry::kGrey);
  collector.pool.put(donated);
  step();
  EXPECT_EQ(collector.phase(), Phase::kDrain);
}

TEST_F(RoundsTest, EveryRoundGreysOneMoreOfAListThatIsUnlinkedInFrontOfIt) {
  Node* const first = make_list(a, 6);
  std::vector<Node*> nodes;
  for (Node* node = first; node != nullptr; node = node->next) nodes.push_back(node);
  TestRoot root(*a, first);
  ASSERT_TRUE(step_to(Phase::kDrain));
  for (size_t i = 1; i < nodes.size(); ++i) {
    ASSERT_TRUE(step_to(Phase::kScanRoots));
    // a has acknowledged with its root at nodes[i - 1]; it walks on and unlinks what it leaves.
    root = nodes[i];
    store<Node>(a, nodes[i - 1]->next, nullptr);
    step();
    ASSERT_EQ(collector.phase(), Phase::kDrain) << "round " << i;
    EXPECT_TRUE(marked(nodes[i - 1]));
    EXPECT_FALSE(marked(nodes[i]));
  }
  finish();
  for (Node* node : nodes) EXPECT_TRUE(alive(node)) << node->value;
  EXPECT_EQ(collector.stats().last_cycle.rounds, nodes.size() + 1);
  EXPECT_EQ(collector.stats().last_cycle.escalations, 0u);
}

TEST_F(RoundsTest, EscalatesAfterEightRounds) {
  Node* const first = make_list(a, 20);
  std::vector<Node*> nodes;
  for (Node* node = first; node != nullptr; node = node->next) nodes.push_back(node);
  TestRoot root(*a, first);
  ASSERT_TRUE(step_to(Phase::kDrain));
  size_t at = 0;
  while (!collector.world.parked()) {
    ASSERT_TRUE(step_to(Phase::kScanRoots));
    ASSERT_LT(at + 1, nodes.size()) << "the rounds never end";
    ++at;
    root = nodes[at];
    store<Node>(a, nodes[at - 1]->next, nullptr);
    step();
  }
  EXPECT_EQ(at, 8u);
  EXPECT_EQ(a->state(), MutatorState::kClaimed) << "held for the last round";
  EXPECT_EQ(b->state(), MutatorState::kClaimed);
  ASSERT_TRUE(step_to(Phase::kBarrierOff));
  EXPECT_FALSE(collector.world.parked());
  EXPECT_EQ(a->state(), MutatorState::kBlocked);
  finish();
  for (Node* node : nodes) EXPECT_TRUE(alive(node)) << node->value;
  EXPECT_EQ(collector.stats().last_cycle.escalations, 1u);
  EXPECT_LE(collector.stats().last_cycle.rounds, 11u);
}

TEST_F(RoundsTest, AThreadThatStepsIsNotLeftHeldByItsStep) {
  Node* const first = make_list(a, 20);
  std::vector<Node*> nodes;
  for (Node* node = first; node != nullptr; node = node->next) nodes.push_back(node);
  TestRoot root(*a, first);
  ASSERT_TRUE(step_to(Phase::kDrain));
  for (size_t at = 1; at <= 8; ++at) {
    ASSERT_TRUE(step_to(Phase::kScanRoots));
    root = nodes[at];
    store<Node>(a, nodes[at - 1]->next, nullptr);
    ActAs act(*a);
    step();  // without end when a, which is held in the eighth, has nobody to go on
  }
  EXPECT_EQ(collector.phase(), Phase::kBarrierOff);
  EXPECT_FALSE(collector.world.parked());
  finish();
  for (Node* node : nodes) EXPECT_TRUE(alive(node)) << node->value;
  EXPECT_EQ(collector.stats().last_cycle.escalations, 1u);
}

// The word that says whether a round is quiet is left closed by the cycle before.
TEST_F(RoundsTest, ABarrierBetweenH1AndTheFirstRoundShades) {
  collect();
  TestRoot holder(*a, make(a));
  TestRoot target(*a, make(a));
  ASSERT_TRUE(step_to(Phase::kAllocBlack));
  EXPECT_TRUE(a->shading());
  store(a, holder.as<Node>()->next, target.as<Node>());
  EXPECT_TRUE(marked(target.as<Node>()));
}

}  // namespace
}  // namespace greyhound::gc
