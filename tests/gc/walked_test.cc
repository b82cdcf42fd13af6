// SPDX-License-Identifier: MIT
// Which objects a pointer past their end may stand for: arrays, of one element too, what holds one,
// and bytes. Neither the parts of maps nor a single value that holds no array: a word on a stack
// that is the base of the object beside it would keep what is dead.
#include <array>
#include <utility>
#include <vector>

#include "gc/mark/root_resolver.h"
#include "tests/gc/root_resolver.h"

namespace greyhound::gc {
namespace {

// All of them fill their slot, and have the same words.
struct Single {
  Ref<Node> first, second;
};
struct Nested {
  Single inside;
};
struct Holder {
  std::array<Ref<Node>, 2> array;
};

class Walked : public RootResolverTest {
 protected:
  // Allocates in a shared span, then in one of the layout's own, and tells of the last two
  // objects, which lie side by side, whether a word at the later one's base keeps both.
  template <class Allocate>
  void expect_neighbours(bool kept, Allocate allocate) {
    for (const int made : {8, 4000}) {
      collect();  // so that what is made next lies in a row
      uintptr_t before = 0;
      uintptr_t last = 0;
      for (int i = 0; i < made; ++i) {
        ActAs act(*a);
        before = std::exchange(last, address_of(allocate()));
      }
      const size_t slot = last - before;
      ASSERT_EQ(slot, collector.heap.span_of(last)->elem_size);
      ParkedWord word(a, last);
      collect();
      EXPECT_TRUE(lives(last)) << made;
      EXPECT_EQ(lives(before), kept) << made;
      // Inside the one before, of which it is a part: as a loop that runs backward has it.
      word = last - kWordBytes;
      collect();
      EXPECT_EQ(lives(last), kept) << made;
    }
  }
};

TEST_F(Walked, ASingleThatHoldsNoArrayIsNobodysNeighbour) {
  expect_neighbours(false, [] { return newobject(type_of<Single>()); });
  expect_neighbours(false, [] { return newobject(type_of<Nested>()); });
  // With room in its slot: 24 bytes of 32.
  expect_neighbours(false, [] { return newobject(type_of<Node>()); });
}

TEST_F(Walked, AnArrayIsOfOneElementToo) {
  for (const size_t count : {1, 2, 3, 5}) {
    expect_neighbours(true, [=] { return newarray(type_of<Single>(), count); });
    expect_neighbours(true, [=] { return newarray(type_of<Node>(), count); });
    expect_neighbours(true, [=] { return newarray(type_of<Ref<Node>>(), 2 * count); });
  }
}

TEST_F(Walked, WhatHoldsAnArrayIs) {
  expect_neighbours(true, [] { return newobject(type_of<Holder>()); });
  expect_neighbours(true, [] { return newobject(type_of<std::array<Single, 1>>()); });
}

TEST_F(Walked, BytesAre) {
  expect_neighbours(true, [] { return mallocgc(32, nullptr); });
}

TEST_F(Walked, AnArrayOfOneHasRoomForWhatItSays) {
  ActAs act(*a);
  auto* array = static_cast<Single*>(newarray(type_of<Single>(), 1));
  EXPECT_EQ(collector.heap.span_of(address_of(array))->elem_size, 32u);
  EXPECT_EQ(collector.heap.span_of(address_of(newobject(type_of<Single>())))->elem_size, 16u);
}

// Of whatever type: a type of the runtime's own may say so of its arrays as well.
TEST_F(Walked, OfATypeThatIsNeverWalkedNoneIs) {
  Type part = *type_of<Holder>();
  part.flags |= kTypeNeverWalked;
  expect_neighbours(false, [&] { return newobject(&part); });
  expect_neighbours(false, [&] { return newarray(&part, 3); });
}

// A stack that shows another object of a list to each scan: if it greyed the garbage beside it, no
// round would be quiet.
TEST_F(Walked, WhatLiesBesideTheObjectsOfAListAsksForNoFurtherRound) {
  TestRoot list(*a);
  std::vector<uintptr_t> live;
  for (int i = 0; i < 400; ++i) {
    make(a);
    Node* node = make(a);
    store(a, node->next, list.as<Node>());
    list = node;
    live.push_back(address_of(node));
  }
  ASSERT_EQ(live[399], live[398] + 2 * 32);
  ParkedWord word(a, 0);
  collector.request_cycle();
  do {
    if (collector.phase() == Phase::kDrain) {
      ASSERT_FALSE(live.empty()) << "no round is quiet";
      word = live.back();
      live.pop_back();
      ASSERT_TRUE(step_to(Phase::kScanRoots));
    }
    step();
  } while (collector.phase() != Phase::kIdle);
  EXPECT_EQ(collector.stats().last_cycle.rounds, 2u);
}

// Nothing is hidden behind what has no pointers.
TEST_F(Walked, AWordThatLeadsToBytesAsksForNoFurtherRound) {
  const uintptr_t before = address(64);
  ParkedWord word(a, address(64));
  collect();
  EXPECT_TRUE(lives(before));
  EXPECT_EQ(collector.stats().last_cycle.rounds, 1u);
}

// But it may be a key.
TEST_F(Walked, AnEphemeronWhoseKeyIsBytesOnAStackKeepsItsValue) {
  const uintptr_t key = address(64);
  TestRoot cell(*a);
  uintptr_t value = 0;
  {
    ActAs act(*a);
    Node* node = static_cast<Node*>(newobject(type_of<Node>()));
    value = address_of(node);
    cell = new_ephemeron(reinterpret_cast<void*>(key), node);
  }
  ParkedWord word(a, 0);
  ASSERT_TRUE(step_to(Phase::kScanRoots));  // finds the cell
  ASSERT_TRUE(step_to(Phase::kDrain));
  word = key;  // which only the second scan finds
  finish();
  EXPECT_TRUE(lives(value));
}

}  // namespace
}  // namespace greyhound::gc
