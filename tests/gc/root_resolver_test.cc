// SPDX-License-Identifier: MIT
// What an ambiguous word keeps, wherever such words are resolved: the object in whose slot it lies,
// the one that ends just before it and the one that begins just after it; and that words which are
// known to be pointers keep the first of these alone. Words of a registered stack stand for all
// ambiguous ones: they are where the test puts them, and nowhere else.
#include "gc/mark/root_resolver.h"

#include <algorithm>
#include <set>

#include "tests/gc/root_resolver.h"

namespace greyhound::gc {
namespace {

TEST_F(RootResolverTest, AWordAtASlotsBaseKeepsTheObjectThatEndsThereToo) {
  const uintptr_t first = address(64);
  const uintptr_t second = address(64);
  const uintptr_t third = address(64);
  ASSERT_EQ(second, first + 64);
  ASSERT_EQ(third, second + 64);
  ParkedWord word(a, second);
  collect();
  EXPECT_TRUE(lives(first));
  EXPECT_TRUE(lives(second));
  EXPECT_FALSE(lives(third));
}

TEST_F(RootResolverTest, AnObjectInFrontOfAFreeSlotIsKept) {
  const uintptr_t object = address(64);
  const uintptr_t garbage = address(64);
  TestRoot root(*a, reinterpret_cast<void*>(object));
  collect();
  ASSERT_FALSE(lives(garbage));
  root = nullptr;
  ParkedWord word(a, garbage);
  collect();
  EXPECT_TRUE(lives(object));
  EXPECT_FALSE(lives(garbage));
}

// A loop's pointer is at most one step outside; by that much the neighbours reach.
TEST_F(RootResolverTest, AWordJustPastAnObjectOrBeforeItKeepsIt) {
  const uintptr_t before = address(1024);
  const uintptr_t object = address(1024);
  const uintptr_t after = address(1024);
  ASSERT_EQ(after, object + 1024);
  ParkedWord word(a, 0);
  for (const size_t outside : {size_t{1}, size_t{8}, size_t{56}, kRootReach - 1}) {
    word = object + 1024 + outside;
    TestRoot others(*a, reinterpret_cast<void*>(before));
    collect();
    EXPECT_TRUE(lives(object)) << outside;
    word = object - outside;
    collect();
    EXPECT_TRUE(lives(object)) << outside;
  }
  word = object - kRootReach;
  collect();
  EXPECT_TRUE(lives(object));
  word = object + 1024 + kRootReach;
  collect();
  EXPECT_FALSE(lives(object)) << "too far away";
}

TEST_F(RootResolverTest, AnObjectThatEndsBeforeASpansUnusableTailIsKept) {
  int tails = 0;
  for (size_t c = 1; c < kNumSizeClasses; ++c) {
    const uintptr_t object = address(kSizeClasses[c].size);
    const mspan* span = collector.heap.span_of(object);
    if (span->limit() == span->base + span->bytes()) continue;
    ++tails;
    uintptr_t last = object;
    while (last + span->elem_size < span->limit()) last = address(kSizeClasses[c].size);
    ParkedWord word(a, span->limit());
    collect();
    EXPECT_TRUE(lives(last)) << span->elem_size;
    word = span->limit() + 24;
    collect();
    EXPECT_TRUE(lives(last)) << span->elem_size;
    if (span->base + span->bytes() - span->limit() < 2 * kRootReach) continue;
    word = span->limit() + kRootReach;
    collect();
    EXPECT_FALSE(lives(last)) << span->elem_size;
  }
  EXPECT_GT(tails, 10);
}

class LargeObject : public RootResolverTest {
 protected:
  static constexpr size_t kBytes = 8 * kPageSize;  // would fill its pages
  // Two large objects side by side, of which the second is kept.
  void SetUp() override {
    object = address(kBytes);
    next = address(kBytes);
    ASSERT_EQ(next, object + kBytes + kPageSize);
  }
  uintptr_t object = 0;
  uintptr_t next = 0;
};

TEST_F(LargeObject, IsKeptByAWordPastItsEndAndHasNoNeighbourThere) {
  ParkedWord word(a, object + kBytes);
  collect();
  EXPECT_TRUE(lives(object));
  EXPECT_FALSE(lives(next));
  word = object + kBytes + kRootReach - 1;
  collect();
  EXPECT_TRUE(lives(object));
}

// A table that a map has dropped and the one that it has now.
TEST_F(LargeObject, IsNotKeptByTheBaseOfTheNextSpan) {
  ParkedWord word(a, next);
  collect();
  EXPECT_FALSE(lives(object));
  EXPECT_TRUE(lives(next));
}

TEST_F(LargeObject, HasRoomBehindItWhateverItsSize) {
  for (size_t size = 40'000; size < 40'000 + 2 * kPageSize; size += 64) {
    const uintptr_t large = address(size);
    EXPECT_GE(collector.heap.span_of(large)->bytes(), size + kRootReach) << size;
  }
}

TEST_F(LargeObject, IsKeptByAWordBeforeItsBase) {
  ParkedWord word(a, next - 8);
  collect();
  EXPECT_TRUE(lives(next));
  EXPECT_TRUE(lives(object)) << "the word is in its slot";
}

TEST_F(LargeObject, IsKeptWhereTheNextSpanWasFreed) {
  TestRoot root(*a, reinterpret_cast<void*>(object));
  collect();
  ASSERT_EQ(collector.heap.span_of(next), nullptr);
  root = nullptr;
  ParkedWord word(a, object + kBytes);
  collect();
  EXPECT_TRUE(lives(object));
}

TEST_F(LargeObject, IsKeptWhereNoSpanEverFollowed) {
  ParkedWord word(a, next + kBytes);
  ASSERT_EQ(collector.heap.span_of(next + kBytes + kPageSize), nullptr);
  collect();
  EXPECT_FALSE(lives(object));
  EXPECT_TRUE(lives(next));
}

TEST_F(LargeObject, IsKeptByAWordInFrontOfItInAFreedSpan) {
  TestRoot root(*a, reinterpret_cast<void*>(next));
  collect();
  ASSERT_EQ(collector.heap.span_of(object), nullptr);
  root = nullptr;
  ParkedWord word(a, next - 24);
  collect();
  EXPECT_TRUE(lives(next));
}

TEST_F(LargeObject, IsNotKeptByTheBaseOfASpanOfSmallObjects) {
  const uintptr_t last = address(kBytes);
  const uintptr_t end = last + collector.heap.span_of(last)->bytes();
  uintptr_t small = 0;
  for (size_t size = 16; size <= 4096 && small != end; size *= 2) small = address(size);
  ASSERT_EQ(small, end) << "a fresh span begins behind the last object";
  ParkedWord word(a, end);
  collect();
  EXPECT_FALSE(lives(last));
  EXPECT_TRUE(lives(small));
}

TEST_F(LargeObject, ASmallOneThatEndsAtItsBaseIsKept) {
  constexpr size_t kSize = 1024;
  uintptr_t small = 0;
  do {
    small = address(kSize);
  } while (collector.heap.span_of(small + kSize) != nullptr);
  const uintptr_t large = address(kBytes);
  ASSERT_EQ(large, small + kSize) << "a fresh span begins behind the last one";
  ParkedWord word(a, large);
  collect();
  EXPECT_TRUE(lives(large));
  EXPECT_TRUE(lives(small));
}

class SmallestHeap : public RootResolverTest {
 protected:
  SmallestHeap() : RootResolverTest(smallest()) {}
  static Options smallest() {
    Options options = quiet_options(Mode::kStepping);
    options.reserve = PageAllocator::kChunkBytes;
    return options;
  }
};

TEST_F(SmallestHeap, AWordAtTheEndOfTheRangeKeepsTheObjectThatEndsThere) {
  constexpr size_t kSize = 1024;
  const uintptr_t large = address(collector.heap.size() - 2 * kPageSize);
  ASSERT_EQ(large, collector.heap.base());
  const uintptr_t end = large + collector.heap.size();
  ASSERT_FALSE(collector.heap.contains(end));
  uintptr_t small = 0;
  do {
    small = address(kSize);
    ASSERT_NE(small, 0u);
  } while (small + kSize != end);
  ParkedWord word(a, end);
  for (const uintptr_t outside : {end, end + 8, end + kRootReach - 1}) {
    word = outside;
    collect();
    EXPECT_TRUE(lives(small)) << outside - end;
    EXPECT_FALSE(lives(large));
  }
  word = end + kRootReach;
  collect();
  EXPECT_FALSE(lives(small));
}

TEST_F(SmallestHeap, AWordInFrontOfTheRangeKeepsTheObjectThatBeginsThere) {
  const uintptr_t large = address(collector.heap.size() - kPageSize);
  ASSERT_EQ(large, collector.heap.base());
  ParkedWord word(a, large - 8);
  for (const uintptr_t outside : {large - 8, large - kRootReach}) {
    word = outside;
    collect();
    EXPECT_TRUE(lives(large)) << large - outside;
  }
  word = large - kRootReach - 1;
  collect();
  EXPECT_FALSE(lives(large));
}

TEST_F(RootResolverTest, OfASharedSpanBothObjectsAreKeptAndScanned) {
  struct Rare {
    Ref<Node> first;
    std::array<uint64_t, 5> numbers;
    Ref<Node> last;
    uint64_t pad;
  };
  struct Rarer {
    uint64_t number;
    Ref<Node> only;
    std::array<uint64_t, 6> numbers;
  };
  auto* one = make<Rare>(a);
  auto* two = make<Rarer>(a);
  ASSERT_EQ(address_of(two), address_of(one) + 64);
  ASSERT_EQ(collector.heap.span_of(address_of(one))->layout, nullptr);
  Node* kept[3] = {make(a), make(a), make(a)};
  store(a, one->first, kept[0]);
  store(a, one->last, kept[1]);
  store(a, two->only, kept[2]);
  ParkedWord word(a, address_of(two));
  collect();
  EXPECT_TRUE(alive(one));
  EXPECT_TRUE(alive(two));
  for (Node* node : kept) EXPECT_TRUE(alive(node));
}

TEST_F(RootResolverTest, ATinyObjectIsKeptByAWordPastItsBlock) {
  uintptr_t block = address(8);
  if (block % kGranule != 0) block = address(8);
  const uintptr_t second = address(8);
  ASSERT_EQ(second, block + 8);
  ParkedWord word(a, second + 8);
  collect();
  EXPECT_TRUE(lives(block));
}

// As AttachTest's WhatADetachingMutatorHoldsIsKeptForWhoeverGotIt. No span follows the object: it
// is all that the word keeps, and so all that can ask for another round.
TEST_F(RootResolverTest, WhatADetachingMutatorsStackPointsPastIsKeptForWhoeverGotIt) {
  Mutator* c = attach("c");
  constexpr size_t kSize = 1024;
  uintptr_t object = 0;
  do {
    object = address_of(allocate(kSize, c));
  } while (collector.heap.span_of(object + kSize) != nullptr);
  TestRoot received(*a);
  ASSERT_TRUE(step_to(Phase::kDrain));
  hold_back(c);
  ASSERT_TRUE(step_to(Phase::kScanRoots));  // a has answered
  received = reinterpret_cast<void*>(object);
  uintptr_t words[] = {object + kSize};
  const size_t stack = c->add_stack(reinterpret_cast<uintptr_t>(words + 1));
  c->set_saved_sp(stack, reinterpret_cast<uintptr_t>(words));
  let_go(c);
  detach(c);
  finish();
  EXPECT_TRUE(lives(object));
}

TEST_F(RootResolverTest, ADetachWhileSweepingTouchesNoMark) {
  Mutator* c = attach("c");
  const auto object = address_of(allocate(64, c));
  const auto next = address_of(allocate(64, c));
  ParkedWord word(c, next);
  ASSERT_TRUE(step_to(Phase::kSweep));
  word.forget();
  detach(c);
  EXPECT_TRUE(lives(object));
  finish();  // and verifyheap finds no mark
  EXPECT_TRUE(lives(object));
  collect();
  EXPECT_FALSE(lives(object));
}

TEST_F(RootResolverTest, AHandleKeepsNoNeighbour) {
  const uintptr_t first = address(64);
  const uintptr_t second = address(64);
  ASSERT_EQ(second, first + 64);
  TestRoot handle(*a, reinterpret_cast<void*>(second));
  collect();
  EXPECT_FALSE(lives(first));
  EXPECT_TRUE(lives(second));
}

TEST_F(RootResolverTest, AFieldOfAnObjectKeepsNoNeighbour) {
  TestRoot holder(*a, make(a));
  const uintptr_t first = address_of(make(a));
  Node* second = make(a);
  ASSERT_EQ(address_of(second), first + collector.heap.span_of(first)->elem_size);
  store(a, holder.as<Node>()->next, second);
  collect();
  EXPECT_FALSE(lives(first));
  EXPECT_TRUE(alive(second));
}

TEST_F(RootResolverTest, ARangeKeepsNeighboursIfItSaysThatItIsAmbiguous) {
  for (const bool ambiguous : {true, false}) {
    const uintptr_t first = address(64);
    const uintptr_t second = address(64);
    ASSERT_EQ(second, first + 64);
    const uintptr_t words[] = {0, second};
    RootRange range{words, 2, ambiguous};
    a->add_root_range(&range);
    collect();
    EXPECT_EQ(lives(first), ambiguous);
    EXPECT_TRUE(lives(second));
    a->remove_root_range(&range);
    collect();
  }
}

TEST_F(RootResolverTest, APersistentSlotKeepsNoNeighbour) {
  const uintptr_t first = address(64);
  const uintptr_t second = address(64);
  PersistentSlot global;
  global.value = second;
  collector.persistents.add(&global);
  collect();
  EXPECT_FALSE(lives(first));
  EXPECT_TRUE(lives(second));
  collector.persistents.remove(&global);
}

// The rule as root_resolver.h words it, applied to a list of all slots.
TEST_F(RootResolverTest, RandomWordsAgreeWithTheListOfSlots) {
  GREYHOUND_SEEDED(random);
  for (int i = 0; i < 3000; ++i) address(16 + random() % (random() % 20 == 0 ? 100'000 : 300));
  struct Slot {
    uintptr_t base;
    uintptr_t end;
    bool large;
  };
  std::vector<Slot> slots;
  collector.heap.for_each_span([&](const mspan* span) {
    for (uint32_t i = 0; i < span->nelems; ++i)
      slots.push_back({span->object_base(i), span->object_base(i) + span->slot_bytes(),
                       span->size_class == kLargeClass});
  });
  std::ranges::sort(slots, {}, &Slot::base);
  for (int i = 0; i < 30'000; ++i) {
    const Slot& near = slots[random() % slots.size()];
    const uintptr_t word = (random() % 2 == 0 ? near.base : near.end) + random() % 400 - 200;
    std::set<uintptr_t> expected;
    auto at = std::ranges::upper_bound(slots, word, {}, &Slot::base);
    bool at_base = false;
    if (at != slots.end() && at->base - word <= kRootReach) expected.insert(at->base);
    if (at != slots.begin() && word < (at - 1)->end) {
      --at;
      at_base = at->base == word;
      if (at_base) expected.clear();
      expected.insert(at->base);
    }
    if (at != slots.begin() && !(at - 1)->large && word - (at - 1)->end < kRootReach)
      expected.insert((at - 1)->base);
    std::erase_if(expected, [&](uintptr_t base) { return !lives(base); });
    std::set<uintptr_t> found;
    for_each_root_object(collector.heap, word,
                         [&](const FoundObject& object) { found.insert(object.base); });
    ASSERT_EQ(found, expected) << "the word " << word << " near the slot at " << near.base;
  }
}

class CheckedRootResolverDeathTest : public RootResolverTest {
 protected:
  CheckedRootResolverDeathTest() : RootResolverTest(checking()) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
  static Options checking() {
    Options options = quiet_options(Mode::kStepping);
    options.debug.gccheckmark = 1;
    return options;
  }
};

TEST_F(CheckedRootResolverDeathTest, CheckmarkMissesAnObjectPastWhoseEndAStackWordPoints) {
  const uintptr_t object = address(64);
  ParkedWord word(a, object + 64);
  collect();
  EXPECT_TRUE(lives(object));
  {
    ActAs act(*a);
    weak_cell(reinterpret_cast<void*>(object));
  }
  const auto lose_its_mark = [&] {
    step_to(Phase::kReferences);  // there are some: marking is over, and not yet checked
    collector.heap.marks.clear_slots(object, object + kGranule, kGranule, true);
    step_to(Phase::kIdle);
  };
  EXPECT_EXIT(lose_its_mark(), ::testing::ExitedWithCode(2),
              "reachable from a scanned stack word but not marked");
}

// One past the end, an interior word of an object points into the next slot, which may be free.
TEST_F(CheckedRootResolverDeathTest, CheckmarkTakesAnInteriorWordIntoAFreeSlotAsTheMarkerDoes) {
  struct Range {
    Ref<Bytes64> array;
    uint64_t unused;
  };
  constexpr uint64_t kBothWords[] = {3};
  Type type = *type_of<Range>();
  type.ptrmask = kBothWords;
  type.ptrdata = 16;
  type.flags = 0;  // inexact
  TestRoot holder(*a);
  {
    ActAs act(*a);
    holder = newobject(&type);
  }
  const uintptr_t object = address(64);
  const uintptr_t garbage = address(64);
  ASSERT_EQ(garbage, object + 64);
  {
    ActAs act(*a);
    write_pointer(&holder.as<void*>()[0], reinterpret_cast<void*>(object));
  }
  collect();
  ASSERT_FALSE(lives(garbage));
  {
    ActAs act(*a);
    write_pointer(&holder.as<void*>()[1], reinterpret_cast<void*>(garbage));
  }
  collect();
  EXPECT_TRUE(lives(object));
  EXPECT_FALSE(lives(garbage));
}

}  // namespace
}  // namespace greyhound::gc
