// SPDX-License-Identifier: MIT
// The write barrier (rules 5, 6 and 12): when it shades, what it shades, and that every way to
// store a pointer goes through it.
#include "gc/mutator/write_barrier.h"

#include "runtime/handle.h"
#include "runtime/iface.h"
#include "runtime/string.h"
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class BarrierTest : public SteppingTest {
 protected:
  BarrierTest() : holder_root_(*a), target_root_(*b) {
    holder_root_ = holder = make(a);
    target_root_ = target = make(b);
  }

  Node* holder;
  Node* target;
  TestRoot holder_root_;
  TestRoot target_root_;
};

TEST_F(BarrierTest, DoesNothingWhenIdle) {
  const GcStats before = collector.stats();
  store(a, holder->next, target);
  EXPECT_FALSE(marked(target));
  EXPECT_EQ(MutatorTesting::shades(*a), 0u);
  EXPECT_EQ(collector.stats().barrier_hits, before.barrier_hits);
}

TEST_F(BarrierTest, ShadesTargetWhileMarking) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  store(a, holder->next, target);
  EXPECT_TRUE(marked(target));
  EXPECT_FALSE(marked(holder)) << "the holder is not greyed by a store into it";
  EXPECT_EQ(MutatorTesting::shades(*a), 1u);
}

TEST_F(BarrierTest, ShadesATargetOnce) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  store(a, holder->next, target);
  store(a, holder->other, target);
  store(b, target->other, target);
  EXPECT_EQ(MutatorTesting::shades(*a), 1u);
  EXPECT_EQ(MutatorTesting::shades(*b), 0u);
}

TEST_F(BarrierTest, IsOnFromItsOwnH1AcknowledgementToItsOwnH4Acknowledgement) {
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  EXPECT_TRUE(a->shading());
  EXPECT_FALSE(b->shading()) << "b has not heard yet";
  answer(b);
  EXPECT_TRUE(b->shading());
  let_go(b);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  hold_back(b);
  answer(b);
  while (collector.phase() != Phase::kBarrierOff) {
    step();
    if (collector.phase() == Phase::kScanRoots) answer(b);
  }
  EXPECT_FALSE(a->shading());
  EXPECT_TRUE(b->shading());
  answer(b);
  EXPECT_FALSE(b->shading());
}

TEST_F(BarrierTest, LeavesNullAndForeignPointersAlone) {
  Node foreign;
  ASSERT_TRUE(step_to(Phase::kDrain));
  store<Node>(a, holder->next, nullptr);
  store(a, holder->next, &foreign);
  EXPECT_EQ(holder->next.get(), &foreign);
  EXPECT_EQ(MutatorTesting::shades(*a), 0u);
  store<Node>(a, holder->next, nullptr);
}

TEST_F(BarrierTest, AnInteriorPointerShadesItsObject) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  void* slot = nullptr;
  {
    ActAs act(*a);
    write_pointer(&slot, &target->value);
  }
  EXPECT_EQ(slot, &target->value);
  EXPECT_TRUE(marked(target));
}

TEST_F(BarrierTest, AStoreIntoAFreshBlackObjectIsShaded) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  Node* fresh = make(a);
  ASSERT_TRUE(marked(fresh)) << "allocated black";
  store(a, fresh->next, target);
  EXPECT_TRUE(marked(target));
}

TEST_F(BarrierTest, AnInitialisationShadesToo) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  ActAs act(*a);
  void* memory = newobject(type_of<Node>());
  new (memory) Node{target, nullptr, 1};
  EXPECT_TRUE(marked(target));
}

TEST_F(BarrierTest, HitsAndShadesAreCounted) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  store(a, holder->next, target);
  store(a, holder->next, target);
  store<Node>(a, holder->next, nullptr);
  finish();
  const CycleStats cycle = collector.stats().last_cycle;
  EXPECT_EQ(cycle.barrier_hits, 2u) << "null is no pointer";
  EXPECT_EQ(cycle.barrier_shades, 1u);
}

TEST_F(BarrierTest, IsOffAgainAfterTheCycle) {
  collect();
  store(a, holder->next, target);
  EXPECT_FALSE(marked(target));
}

// Every way to store a pointer, each with a target of its own.
struct Site {
  const char* name;
  void (*store)(PersistentSlot* global, void* holder, void* target);
};
void PrintTo(const Site& site, std::ostream* out) { *out << site.name; }

struct Everything {
  Ref<Node> ref;
  String string;
  eface any;
  std::array<Ref<Node>, 2> refs;
  InteriorRef<uint64_t> inside;
};

Everything* as_everything(void* p) { return static_cast<Everything*>(p); }
Node* as_node(void* p) { return static_cast<Node*>(p); }

const Site kSites[] = {
    {"RefAssignment",
     [](PersistentSlot*, void* h, void* t) { as_everything(h)->ref = as_node(t); }},
    {"RefCopy",
     [](PersistentSlot*, void* h, void* t) {
       alignas(Ref<Node>) char raw[sizeof(Ref<Node>)];
       std::memcpy(raw, &t, sizeof t);  // a Ref made without its barrier
       as_everything(h)->ref = *reinterpret_cast<Ref<Node>*>(raw);
     }},
    {"RefConstruction",
     [](PersistentSlot*, void* h, void* t) { new (&as_everything(h)->ref) Ref<Node>(as_node(t)); }},
    {"InteriorRefAssignment",
     [](PersistentSlot*, void* h, void* t) { as_everything(h)->inside = &as_node(t)->value; }},
    {"InteriorRefConstruction",
     [](PersistentSlot*, void* h, void* t) {
       new (&as_everything(h)->inside) InteriorRef<uint64_t>(&as_node(t)->value);
     }},
    {"StringAssignment",
     [](PersistentSlot*, void* h, void* t) {
       as_everything(h)->string = String(static_cast<char*>(t) + 3, 5);
     }},
    {"EfaceAssignment",
     [](PersistentSlot*, void* h, void* t) { as_everything(h)->any = eface(type_of<Node>(), t); }},
    {"WritePointer",
     [](PersistentSlot*, void* h, void* t) { write_pointer(reinterpret_cast<void**>(h), t); }},
    {"Typedmemmove",
     [](PersistentSlot*, void* h, void* t) {
       uintptr_t source[sizeof(Everything) / 8] = {};
       source[6] = address_of(t);
       typedmemmove(type_of<Everything>(), h, source);
     }},
    {"TypedmemmoveOfTheLastPointer",
     [](PersistentSlot*, void* h, void* t) {
       uintptr_t source[sizeof(Everything) / 8] = {};
       source[5] = address_of(t);
       typedmemmove(type_of<Everything>(), h, source);
     }},
    {"TypedmemmoveArray",
     [](PersistentSlot*, void* h, void* t) {
       const uintptr_t source[2] = {0, address_of(t)};
       typedmemmove_array(type_of<Ref<Node>>(), &as_everything(h)->refs, source, 2);
     }},
    {"PersistentAssignment",
     [](PersistentSlot* global, void*, void* t) {
       write_barrier(nullptr, t);
       store_word(&global->value, address_of(t));
     }},
};

class BarrierSite : public SteppingTest, public ::testing::WithParamInterface<Site> {
 protected:
  BarrierSite() { promote<Everything>(); }
};

TEST_P(BarrierSite, Shades) {
  TestRoot holder(*a, make<Everything>(a));
  TestRoot target(*b, make(b));
  ASSERT_TRUE(step_to(Phase::kDrain));
  {
    ActAs act(*a);
    PersistentSlot global;
    GetParam().store(&global, holder.as<void>(), target.as<void>());
  }
  EXPECT_TRUE(marked(target.as<void>()));
}

// The holder is allocated black, so nobody scans it: only the barrier can tell the collector.
TEST_P(BarrierSite, KeepsWhatOnlyABlackObjectPointsTo) {
  Node* white = make(a);
  Node* child = make(a);
  store(a, white->next, child);
  white->value = 77;
  child->value = 78;
  TestRoot target(*a, white);
  PersistentSlot global;
  collector.persistents.add(&global);
  ASSERT_TRUE(step_to(Phase::kDrain));
  TestRoot holder(*a, make<Everything>(a));
  {
    ActAs act(*a);
    GetParam().store(&global, holder.as<void>(), white);
  }
  target = nullptr;
  finish();
  EXPECT_TRUE(alive(white));
  EXPECT_TRUE(alive(child)) << "what was shaded is scanned too";
  EXPECT_EQ(white->value, 77u);
  EXPECT_EQ(child->value, 78u);
  collector.persistents.remove(&global);
}

INSTANTIATE_TEST_SUITE_P(All, BarrierSite, ::testing::ValuesIn(kSites),
                         [](const auto& param) { return param.param.name; });

TEST_F(BarrierTest, ATypedMoveCopiesEveryWord) {
  struct Mixed {
    uint64_t first;
    Ref<Node> ref;
    std::array<uint32_t, 4> rest;
  };
  promote<Mixed>();
  TestRoot to(*a, make<Mixed>(a));
  uintptr_t source[sizeof(Mixed) / 8] = {0x1122334455667788, address_of(target), 0x99,
                                         0xaabbccddeeff0011};
  ActAs act(*a);
  typedmemmove(type_of<Mixed>(), to.as<void>(), source);
  EXPECT_EQ(std::memcmp(to.as<void>(), source, sizeof source), 0);
  typedmemclr(type_of<Mixed>(), to.as<void>());
  const uintptr_t zero[sizeof(Mixed) / 8] = {};
  EXPECT_EQ(std::memcmp(to.as<void>(), zero, sizeof zero), 0);
}

TEST_F(BarrierTest, AClearShadesNothing) {
  store(a, holder->next, target);
  ASSERT_TRUE(step_to(Phase::kDrain));
  {
    ActAs act(*a);
    typedmemclr(type_of<Node>(), holder);
  }
  EXPECT_EQ(holder->next.get(), nullptr);
  EXPECT_FALSE(marked(target));
}

TEST_F(BarrierTest, AMoveOfPointerFreeBytesTakesNoBarrier) {
  const uint64_t hits = collector.stats().barrier_hits;
  ASSERT_TRUE(step_to(Phase::kDrain));
  const uint64_t source = address_of(target);
  uint64_t to = 0;
  {
    ActAs act(*a);
    typedmemmove(type_of<uint64_t>(), &to, &source);
  }
  EXPECT_EQ(to, source);
  EXPECT_FALSE(marked(target));
  finish();
  EXPECT_EQ(collector.stats().barrier_hits, hits);
}

Options hybrid_options() {
  Options options = quiet_options(Mode::kStepping);
  options.barrier = Barrier::kHybrid;
  return options;
}

class HybridBarrierTest : public SteppingTest {
 protected:
  HybridBarrierTest() : SteppingTest(hybrid_options()) {}
};

// A mutator's roots are scanned once. What it loads afterwards and then removes from the heap is
// known to nobody but the store that overwrote it.
TEST_F(HybridBarrierTest, WhatAStoreOverwritesIsKeptForAMutatorThatWasScanned) {
  Node* holder = make(a);
  const TestRoot root(*a, holder);
  Node* object = make(a);
  store(a, holder->next, object);
  ASSERT_TRUE(step_to(Phase::kDrain));
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  ASSERT_EQ(step(), Progress::kWaiting) << "a has answered, b has not";
  ASSERT_FALSE(marked(object));
  const TestRoot loaded(*a, object);
  store<Node>(a, holder->next, nullptr);
  finish();
  EXPECT_TRUE(alive(object));
}

}  // namespace
}  // namespace greyhound::gc
