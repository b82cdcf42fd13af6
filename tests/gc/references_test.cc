// SPDX-License-Identifier: MIT
// Weak cells, ephemerons, finalizers and cleanups, in stepped cycles with precise roots: what dies
// when, and that a weak load and the judgement of quiet cannot both win.
#include <algorithm>
#include <array>

#include "tests/gc/references.h"

namespace greyhound::gc {
namespace {

TEST_F(ReferencesTest, AWeakCellDoesNotKeepItsTarget) {
  TestRoot cell(*a, weak(make(a), a));
  collect();
  EXPECT_EQ(cell.as<WeakCell>()->target, 0u);
}

TEST_F(ReferencesTest, AWeakCellLeadsToItsTargetWhileThatLives) {
  TestRoot node(*a, make(a));
  TestRoot cell(*a, weak(node.as<Node>(), a));
  for (int i = 0; i < 3; ++i) {
    collect();
    EXPECT_EQ(get(a, cell.as<WeakCell>()), node.as<Node>());
  }
  node = nullptr;
  collect();
  EXPECT_EQ(get(a, cell.as<WeakCell>()), nullptr);
}

TEST_F(ReferencesTest, ATargetHasOneCellThatDiesWhenNobodyHoldsIt) {
  TestRoot node(*a, make(a));
  TestRoot cell(*a, weak(node.as<Node>(), a));
  EXPECT_EQ(weak(node.as<Node>(), b), cell.as<WeakCell>());
  collect();
  EXPECT_EQ(weak(node.as<Node>(), b), cell.as<WeakCell>());
  WeakCell* old = cell.as<WeakCell>();
  cell = nullptr;
  collect();
  EXPECT_FALSE(alive(old));
  TestRoot again(*a, weak(node.as<Node>(), a));
  EXPECT_EQ(get(a, again.as<WeakCell>()), node.as<Node>());
}

TEST_F(ReferencesTest, ACellTakenFromTheListWhileMarkingStaysAlive) {
  TestRoot node(*a, make(a));
  WeakCell* cell = weak(node.as<Node>(), a);
  ASSERT_TRUE(step_to(Phase::kReferences));  // white, and quiet is judged
  EXPECT_FALSE(marked(cell));
  TestRoot again(*b, weak(node.as<Node>(), b));
  EXPECT_EQ(again.as<WeakCell>(), cell);
  finish();
  EXPECT_TRUE(alive(cell));
  node = nullptr;
  collect();
  EXPECT_EQ(cell->target, 0u) << "it is still on the list";
}

TEST_F(ReferencesTest, AWeakLoadWhileMarkingKeepsTheTargetAndWhatItRefersTo) {
  Node* target = make(a);
  Node* child = make(a);
  store(a, target->next, child);
  TestRoot cell(*a, weak(target, a));
  // Round 2 would be the quiet one: the first greys the cell. In it b answers with no root, then
  // gets the object that nobody else has.
  hold_back(b);
  while (rounds() < 2 || collector.phase() != Phase::kScanRoots) {
    if (collector.phase() == Phase::kIdle) collector.request_cycle();
    step();
    if (rounds() < 2 && MutatorTesting::has_pending(*b)) answer(b);
  }
  answer(b);
  Node* got = get(b, cell.as<WeakCell>());
  EXPECT_EQ(got, target);
  TestRoot held(*b, got);
  finish();
  EXPECT_TRUE(alive(target));
  EXPECT_TRUE(alive(child));
  EXPECT_EQ(get(b, cell.as<WeakCell>()), target);
  EXPECT_GT(collector.stats().last_cycle.rounds, 2u) << "the load vetoed quiet";
}

TEST_F(ReferencesTest, OnceTheRoundIsClosedTheDeadStayDead) {
  TestRoot cell(*a, weak(make(a), a));
  ASSERT_TRUE(step_to(Phase::kReferences));
  EXPECT_EQ(get(b, cell.as<WeakCell>()), nullptr) << "though the cell is not emptied yet";
  finish();
  EXPECT_EQ(get(b, cell.as<WeakCell>()), nullptr);
}

TEST_F(ReferencesTest, TheLivingCanBeLoadedInEveryPhase) {
  TestRoot node(*a, make(a));
  TestRoot cell(*a, weak(node.as<Node>(), a));
  collector.request_cycle();
  do {
    step();
    EXPECT_EQ(get(b, cell.as<WeakCell>()), node.as<Node>()) << phase_name(collector.phase());
  } while (collector.phase() != Phase::kIdle);
}

TEST_F(ReferencesTest, AnEphemeronsValueLivesWithItsKey) {
  TestRoot key(*a, make(a));
  Node* value = make(a);
  Node* child = make(a);
  store(a, value->next, child);
  store(a, value->other, key.as<Node>());  // that the value refers to the key keeps neither
  TestRoot cell(*a, ephemeron(a, key.as<Node>(), value));
  collect();
  EXPECT_TRUE(alive(value));
  EXPECT_TRUE(alive(child));
  key = nullptr;
  collect();
  EXPECT_FALSE(alive(value));
  EXPECT_FALSE(alive(child));
  EXPECT_EQ(cell.as<EphemeronCell>()->key, 0u);
  EXPECT_EQ(cell.as<EphemeronCell>()->value, 0u);
}

TEST_F(ReferencesTest, AnEphemeronsValueDiesWithTheEphemeron) {
  TestRoot key(*a, make(a));
  Node* value = make(a);
  ephemeron(a, key.as<Node>(), value);
  collect();
  EXPECT_FALSE(alive(value));
}

TEST_F(ReferencesTest, EphemeronsChain) {
  constexpr int kLength = 20;
  for (const bool forward : {true, false}) {
    std::vector<std::unique_ptr<TestRoot>> cells;
    std::vector<Node*> nodes;
    for (int i = 0; i <= kLength; ++i) nodes.push_back(make(a));
    TestRoot first(*a, nodes[0]);
    for (int i = 0; i < kLength; ++i) {
      const int at = forward ? i : kLength - 1 - i;
      cells.push_back(std::make_unique<TestRoot>(*a, ephemeron(a, nodes[at], nodes[at + 1])));
    }
    collect();
    for (Node* node : nodes) EXPECT_TRUE(alive(node));
    first = nullptr;
    collect();
    for (Node* node : nodes) EXPECT_FALSE(alive(node));
  }
}

TEST_F(ReferencesTest, AnEphemeronMadeAfterTheLastPassKeepsItsValue) {
  TestRoot value(*b, make(b));
  hold_back(b);
  collector.request_cycle();
  while (collector.phase() != Phase::kScanRoots) {
    step();
    if (MutatorTesting::has_pending(*b) && collector.phase() != Phase::kScanRoots) answer(b);
  }
  TestRoot key(*b, make_past_safepoint(b));
  TestRoot cell(*b);
  {
    ActAs act(*b);
    PastSafepoint past(*b);
    cell = new_ephemeron(key.as<Node>(), value.as<Node>());
  }
  Node* kept = value.as<Node>();
  value = nullptr;  // before b answers: only the ephemeron has it
  finish();
  EXPECT_TRUE(alive(kept));
}

TEST_F(ReferencesTest, AFinalizerSeesItsObjectWithAllItRefersTo) {
  Node* object = make_value(a, 7);
  Node* child = make_value(a, 8);
  store(a, object->next, child);
  finalize(a, object);
  collect();
  EXPECT_TRUE(alive(object));
  EXPECT_TRUE(alive(child));
  collect();
  EXPECT_TRUE(alive(object)) << "until the finalizer has run";
  run_due(a);
  EXPECT_EQ(finalized, std::vector<uint64_t>{7});
  collect();
  EXPECT_FALSE(alive(object));
  EXPECT_FALSE(alive(child));
  run_due(a);
  EXPECT_EQ(finalized.size(), 1u);
}

TEST_F(ReferencesTest, AFinalizerMayBringItsObjectBackAndRunsOnce) {
  TestRoot rescued(*a);
  keep = &rescued;
  Node* object = make_value(a, 7);
  finalize(a, object);
  collect();
  run_due(a);
  EXPECT_EQ(rescued.as<Node>(), object);
  collect();
  EXPECT_TRUE(alive(object));
  rescued = nullptr;
  collect();
  EXPECT_FALSE(alive(object));
  run_due(a);
  EXPECT_EQ(finalized.size(), 1u);
}

TEST_F(ReferencesTest, AnObjectIsFinalizedBeforeWhatItRefersTo) {
  Node* inner = make_value(a, 1);
  Node* outer = make_value(a, 2);
  store(a, outer->next, inner);
  finalize(a, inner);
  finalize(a, outer);
  collect();
  run_due(a);
  EXPECT_EQ(finalized, (std::vector<uint64_t>{2}));
  collect();
  run_due(a);
  EXPECT_EQ(finalized, (std::vector<uint64_t>{2, 1}));
}

TEST_F(ReferencesTest, AnObjectThatCanReachItselfIsNeverFinalized) {
  Node* object = make_value(a, 1);
  Node* other = make_value(a, 2);
  store(a, object->next, other);
  store(a, other->next, object);
  finalize(a, object);
  for (int i = 0; i < 3; ++i) collect();
  run_due(a);
  EXPECT_TRUE(finalized.empty());
  EXPECT_TRUE(alive(object));
}

TEST_F(ReferencesTest, ARemovedFinalizerDoesNotRun) {
  Node* object = make_value(a, 1);
  finalize(a, object);
  {
    ActAs act(*a);
    collector.references.set_finalizer(object, {});
  }
  collect();
  run_due(a);
  EXPECT_TRUE(finalized.empty());
  EXPECT_FALSE(alive(object));
}

TEST_F(ReferencesTest, ASecondFinalizerReplacesTheFirst) {
  Node* object = make_value(a, 1);
  int second = 0;
  finalize(a, object);
  {
    ActAs act(*a);
    collector.references.set_finalizer(object, [&](void*) { ++second; });
  }
  collect();
  run_due(a);
  EXPECT_TRUE(finalized.empty());
  EXPECT_EQ(second, 1);
}

TEST_F(ReferencesTest, WeakCellsAreEmptyBeforeTheFinalizerRuns) {
  Node* object = make_value(a, 1);
  Node* child = make_value(a, 2);
  store(a, object->next, child);
  TestRoot to_object(*a, weak(object, a));
  TestRoot to_child(*a, weak(child, a));
  TestRoot rescued(*a);
  keep = &rescued;
  finalize(a, object);
  collect();
  EXPECT_EQ(get(b, to_object.as<WeakCell>()), nullptr);
  EXPECT_EQ(get(b, to_child.as<WeakCell>()), nullptr);
  run_due(a);
  EXPECT_EQ(get(b, to_object.as<WeakCell>()), nullptr) << "also when it is brought back";
}

TEST_F(ReferencesTest, ACellThatOnlyAFinalizerSeesIsEmptiedAllTheSame) {
  struct Holder {
    Ref<WeakCell> cell;
  };
  promote<Holder>();
  auto* holder = make<Holder>(a);
  TestRoot target(*a, make(a));
  store(a, holder->cell, weak(target.as<Node>(), a));
  TestRoot rescued(*a);
  {
    ActAs act(*a);
    collector.references.set_finalizer(holder, [&](void* dead) { rescued = dead; });
  }
  collect();  // the cell is white until the holder is revived
  run_due(a);
  WeakCell* cell = rescued.as<Holder>()->cell.get();
  EXPECT_EQ(get(a, cell), target.as<Node>());
  target = nullptr;
  collect();
  EXPECT_EQ(cell->target, 0u);
}

TEST_F(ReferencesTest, CleanupsRunOnceAfterDeathAndAfterTheFinalizer) {
  int first = 0;
  int second = 0;
  Node* object = make_value(a, 1);
  finalize(a, object);
  {
    ActAs act(*a);
    collector.references.add_cleanup(object, [&] { ++first; });
    collector.references.add_cleanup(object, [&] { ++second; });
  }
  collect();
  run_due(a);
  EXPECT_EQ(finalized.size(), 1u);
  EXPECT_EQ(first, 0) << "the finalizer might have brought it back";
  for (int i = 0; i < 2; ++i) {
    collect();
    run_due(a);
    EXPECT_EQ(first, 1);
    EXPECT_EQ(second, 1);
  }
}

TEST_F(ReferencesTest, AnObjectMayHaveSeveralCleanups) {
  Node* object = make(a);
  int ran = 0;
  {
    ActAs act(*a);
    for (int i = 0; i < 3; ++i) collector.references.add_cleanup(object, [&] { ++ran; });
  }
  collect();
  run_due(a);
  EXPECT_EQ(ran, 3);
}

TEST_F(ReferencesTest, ACancelledCleanupDoesNotRun) {
  int ran = 0;
  Node* object = make(a);
  {
    ActAs act(*a);
    const uint64_t id = collector.references.add_cleanup(object, [&] { ++ran; });
    collector.references.add_cleanup(object, [&] { ran += 10; });
    EXPECT_TRUE(collector.references.cancel_cleanup(id));
    EXPECT_FALSE(collector.references.cancel_cleanup(id));
    EXPECT_FALSE(collector.references.cancel_cleanup(12345));
  }
  collect();
  run_due(a);
  EXPECT_EQ(ran, 10);
}

TEST_F(ReferencesTest, AnObjectAllocatedWhereADeadOneWasHasNoneOfItsSpecials) {
  Node* object = make_value(a, 1);
  TestRoot cell(*a, weak(object, a));
  int ran = 0;
  {
    ActAs act(*a);
    collector.references.add_cleanup(object, [&] { ++ran; });
  }
  collect();
  run_due(a);
  std::vector<std::unique_ptr<TestRoot>> kept;
  Node* same = nullptr;
  for (int i = 0; i < 2000 && same != object; ++i) {
    same = make(a);
    kept.push_back(std::make_unique<TestRoot>(*a, same));
  }
  ASSERT_EQ(same, object) << "the slot is used again";
  EXPECT_EQ(get(a, cell.as<WeakCell>()), nullptr);
  EXPECT_NE(weak(same, a), cell.as<WeakCell>());
  kept.clear();
  collect();
  run_due(a);
  EXPECT_EQ(ran, 1);
}

// What a finalizer or a cleanup has captured may have a destructor that registers or cancels.
TEST_F(ReferencesTest, WhatAReplacedOrCancelledCallHeldMayCancelOthers) {
  struct Cancels {
    ReferenceProcessor* references;
    uint64_t id;
    ~Cancels() { EXPECT_TRUE(references->cancel_cleanup(id)); }
  };
  TestRoot root(*a, make(a));
  Node* node = root.as<Node>();
  ActAs act(*a);
  ReferenceProcessor& references = collector.references;
  const auto cancels = [&] {
    return std::shared_ptr<Cancels>(new Cancels{&references, references.add_cleanup(node, [] {})});
  };
  references.set_finalizer(node, [held = cancels()](void*) {});
  references.set_finalizer(node, [held = cancels()](void*) {});
  references.set_finalizer(node, nullptr);
  EXPECT_TRUE(references.cancel_cleanup(references.add_cleanup(node, [held = cancels()] {})));
  EXPECT_TRUE(references.empty());
}

}  // namespace
}  // namespace greyhound::gc
