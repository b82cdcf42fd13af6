// SPDX-License-Identifier: MIT
// Rule 10: barrier off (H4), allocate white in a new sweep generation (H5), sweep. A mutator that
// has not answered H5 yet goes on allocating black in the old generation; everything is swept
// exactly once.
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

struct Rare {
  std::array<uint64_t, 5> pad{};
  Ref<Node> ref;
};

class EndHandshakesTest : public SteppingTest {
 protected:
  // To where H5 was asked for, b has not answered it, and a has.
  bool step_to_h5_without_b() {
    if (!step_to(Phase::kBarrierOff)) return false;
    hold_back(b);
    return step_to(Phase::kAllocWhite);
  }
  uint32_t heap_gen() { return collector.heap.sweepgen.load(); }
};

TEST_F(EndHandshakesTest, H5IsNotAskedForBeforeH4sLastAcknowledgement) {
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  hold_back(b);
  const uint32_t gen = heap_gen();
  step();
  ASSERT_EQ(collector.phase(), Phase::kBarrierOff);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(step(), Progress::kWaiting);
  EXPECT_EQ(heap_gen(), gen) << "nothing is swept while a barrier may still shade";
  EXPECT_TRUE(a->allocation().black()) << "black allocation lasts until H5";
  answer(b);
  step();
  EXPECT_EQ(collector.phase(), Phase::kAllocWhite);
  EXPECT_EQ(heap_gen(), gen + 1);
}

TEST_F(EndHandshakesTest, TheCoordinatorDoesNotSweepBeforeH5sLastAcknowledgement) {
  make(b);
  ASSERT_TRUE(step_to_h5_without_b());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(step(), Progress::kWaiting);
  EXPECT_EQ(collector.phase(), Phase::kAllocWhite);
  answer(b);
  EXPECT_EQ(step(), Progress::kAdvanced);
  EXPECT_EQ(collector.phase(), Phase::kSweep);
}

TEST_F(EndHandshakesTest, AMutatorAdoptsTheGenerationInItsOwnAcknowledgement) {
  ASSERT_TRUE(step_to_h5_without_b());
  EXPECT_EQ(a->allocation().sweepgen(), heap_gen());
  EXPECT_EQ(b->allocation().sweepgen(), heap_gen() - 1);
  EXPECT_FALSE(a->allocation().black());
  EXPECT_TRUE(b->allocation().black());
  answer(b);
  EXPECT_EQ(b->allocation().sweepgen(), heap_gen());
  EXPECT_FALSE(b->allocation().black());
}

TEST_F(EndHandshakesTest, FreshSpanBeforeH5AckIsSweptLater) {
  ASSERT_TRUE(step_to_h5_without_b());
  // A layout that b has no span of yet: it takes a fresh one, of the old generation, and marks it.
  promote<Rare>();
  auto* object = make_past_safepoint<Rare>(b);
  TestRoot root(*b, object);
  EXPECT_TRUE(marked(object));
  EXPECT_EQ(collector.heap.span_of(address_of(object))->sweepgen, heap_gen() - 1);
  answer(b);
  ASSERT_TRUE(step_to(Phase::kSweep));
  EXPECT_TRUE(marked(object));
  ASSERT_TRUE(step_to(Phase::kIdle));
  EXPECT_FALSE(marked(object)) << "swept: the mark became the allocation bit";
  EXPECT_TRUE(alive(object));
  EXPECT_EQ(collector.heap.span_of(address_of(object))->sweepgen, heap_gen());
}

TEST_F(EndHandshakesTest, LargeObjectBeforeH5AckIsSweptLater) {
  ASSERT_TRUE(step_to_h5_without_b());
  auto* object = make_past_safepoint<std::array<Node, 3000>>(b);
  EXPECT_TRUE(marked(object));
  answer(b);
  ASSERT_TRUE(step_to(Phase::kIdle));
  EXPECT_FALSE(marked(object));
  EXPECT_TRUE(alive(object));
  collect();
  EXPECT_EQ(collector.heap.findObject(address_of(object)).base, 0u) << "garbage in the next cycle";
}

TEST_F(EndHandshakesTest, AMutatorOfTheOldGenerationSweepsNothing) {
  std::vector<Node*> garbage;
  for (int i = 0; i < 2000; ++i) garbage.push_back(make(a));
  ASSERT_TRUE(step_to_h5_without_b());
  // Enough to need spans: none of them may be one that a's garbage is swept out of.
  for (int i = 0; i < 3000; ++i) {
    Node* object = make_past_safepoint(b);
    ASSERT_TRUE(marked(object));
    ASSERT_EQ(collector.heap.span_of(address_of(object))->sweepgen, heap_gen() - 1);
  }
  answer(b);
}

// What b would see if, between its look at the generations and its look into the list, the heap's
// generation were raised and a quicker mutator gave a span of the new one back.
TEST_F(EndHandshakesTest, AMutatorThatAllocatesBlackLooksForNoUnsweptSpan) {
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  ASSERT_EQ(b->allocation().sweepgen(), heap_gen());
  Layout* layout = collector.heap.layouts().intern(type_of<Node>(), size_to_class(sizeof(Node)));
  mspan* newer = collector.heap.allocate_small_span(layout, layout->size_class, heap_gen() + 1);
  ASSERT_NE(newer, nullptr);
  newer->central->push(newer, true);
  for (int i = 0; i < 3000; ++i)
    ASSERT_NE(collector.heap.span_of(address_of(make(b))), newer) << "swept, and taken";
  EXPECT_EQ(newer->sweepgen, heap_gen() + 1);
  ASSERT_TRUE(step_to(Phase::kSweep));
  EXPECT_EQ(newer->central->pop_partial(heap_gen()), newer) << "and whose time has come";
  newer->central->push(newer, true);
}

TEST_F(EndHandshakesTest, AMutatorOfTheNewGenerationSweepsWhatItNeeds) {
  for (int i = 0; i < 2000; ++i) make(a)->value = 2;
  const size_t pages = collector.heap.page_bytes();
  ASSERT_TRUE(step_to_h5_without_b());
  for (int i = 0; i < 2000; ++i) {
    Node* object = make(a);
    ASSERT_FALSE(marked(object));
    ASSERT_EQ(collector.heap.span_of(address_of(object))->sweepgen, heap_gen());
    ASSERT_EQ(object->value, 0u) << "reused slots are zeroed";
    object->value = 1;
  }
  EXPECT_EQ(collector.heap.page_bytes(), pages)
      << "the garbage's spans are reused, before the coordinator sweeps";
  answer(b);
}

TEST_F(EndHandshakesTest, MarksAreZeroBetweenCycles) {
  TestRoot root(*a, make(a));
  TestRoot rare(*b, make<Rare>(b));
  TestRoot large(*b, make<std::array<Node, 3000>>(b));
  TestRoot tiny(*a, make<uint16_t>(a));
  for (int cycle = 0; cycle < 3; ++cycle) {
    collect();
    size_t spans = 0;
    collector.heap.for_each_span([&](const mspan* span) {
      ++spans;
      const size_t first = collector.heap.marks.granule(span->base) >> 6;
      for (size_t w = 0; w < size_t{span->npages} * kBitmapWordsPerPage; ++w) {
        ASSERT_EQ(collector.heap.marks.load(first + w), 0u);
      }
    });
    EXPECT_GE(spans, 4u);
    make(a);
    make<Rare>(b);
  }
}

TEST_F(EndHandshakesTest, SpansWithoutAnyLiveObjectGoBackToTheHeap) {
  for (int i = 0; i < 5000; ++i) make(a);
  EXPECT_GT(collector.heap.page_bytes(), size_t{100} << 10);
  collect();
  EXPECT_EQ(collector.heap.page_bytes(), 0u);
}

TEST_F(EndHandshakesTest, WhatIsUnreachableAtTheStartIsGoneAtTheEnd) {
  TestRoot kept(*a, make(a));
  Node* garbage = make(a);
  Node* cyclic = make(b);
  store(b, cyclic->next, cyclic);
  store(a, garbage->next, kept.as<Node>());
  collect();
  EXPECT_TRUE(alive(kept.as<Node>()));
  EXPECT_FALSE(alive(garbage));
  EXPECT_FALSE(alive(cyclic));
}

TEST_F(EndHandshakesTest, CollectFromAMutatorFinishesTheRunningCycleAndRunsAnother) {
  Node* garbage = make(a);
  TestRoot root(*a, garbage);
  ASSERT_TRUE(step_to(Phase::kScanRoots));  // it is seen as a root
  root = nullptr;
  const uint64_t before = collector.completed_cycles();
  {
    ActAs act(*b);
    collector.collect();
  }
  EXPECT_EQ(collector.completed_cycles(), before + 2);
  EXPECT_FALSE(alive(garbage));
}

}  // namespace
}  // namespace greyhound::gc
