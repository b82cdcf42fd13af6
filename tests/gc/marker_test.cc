// SPDX-License-Identifier: MIT
// The marker by itself: what it greys, how it resolves words, and that it holds nothing back.
#include "gc/mark/marker.h"

#include <set>
#include <thread>
#include <vector>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class MarkerTest : public SteppingTest {
 protected:
  MarkerTest() : marker(&collector.heap, &collector.pool, &collector.pacer) {}

  // Marks are not the collector's here: they go before it looks.
  void TearDown() override {
    unmark_all();
    SteppingTest::TearDown();
  }
  void unmark_all() {
    collector.heap.for_each_span([&](const mspan* span) {
      const size_t first = collector.heap.marks.granule(span->base) >> 6;
      for (size_t w = 0; w < size_t{span->npages} * kBitmapWordsPerPage; ++w)
        collector.heap.marks.store(first + w, 0);
    });
  }

  void drain() {
    marker.flush();
    while (marker.drain_objects(1000)) {
    }
  }

  // Three markers on threads of their own, until nothing is left; what they did together.
  MarkCounts drain_by_three() {
    marker.flush();
    std::vector<std::unique_ptr<Marker>> markers;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      markers.push_back(
          std::make_unique<Marker>(&collector.heap, &collector.pool, &collector.pacer));
      collector.pool.become_active();
    }
    for (auto& m : markers) threads.emplace_back([&m] { m->gcDrain(); });
    for (std::thread& thread : threads) thread.join();
    MarkCounts counts;
    for (auto& m : markers) counts.merge(m->take_counts());
    EXPECT_TRUE(collector.pool.quiet());
    return counts;
  }

  // An array of pointers that may be interior ones, into blocks of the tiny allocator: two numbers
  // share each, and random slots point to the same. Fills in the blocks.
  uintptr_t* make_numbers(size_t slots, std::mt19937_64* random, std::set<uintptr_t>* blocks) {
    static constexpr uint64_t kMask = 1;
    Type pointer;
    pointer.size = pointer.align = pointer.ptrdata = 8;
    pointer.ptrmask = &kMask;
    std::vector<uintptr_t> numbers(slots / 2);
    for (uintptr_t& number : numbers) number = address_of(make<uint64_t>(a));
    ActAs act(*a);
    auto* array = static_cast<uintptr_t*>(newarray(&pointer, slots));
    for (size_t i = 0; i < slots; ++i) {
      array[i] = numbers[(*random)() % numbers.size()];
      blocks->insert(array[i] & ~(kGranule - 1));
    }
    return array;
  }

  Marker marker;
};

TEST_F(MarkerTest, AddressesOutsideTheHeapAreNoRoots) {
  int local = 0;
  EXPECT_FALSE(marker.grey_root(0));
  EXPECT_FALSE(marker.grey_root(address_of(&local)));
  EXPECT_FALSE(marker.grey_root(~uintptr_t{0}));
  EXPECT_FALSE(marker.grey_root(collector.heap.base() + 123)) << "a page without a span";
}

TEST_F(MarkerTest, ARootIsGreyedOnceAndFromAnyAddressInside) {
  Node* node = make(a);
  EXPECT_TRUE(marker.grey_root(address_of(node) + 17));
  EXPECT_TRUE(marked(node));
  EXPECT_FALSE(marker.grey_root(address_of(node)));
  drain();
  EXPECT_EQ(marker.take_counts().objects_greyed, 1u);
}

TEST_F(MarkerTest, AFreeSlotIsNoRoot) {
  TestRoot keep(*a, make(a));
  Node* garbage = make(a);
  collect();
  EXPECT_FALSE(marker.grey_root(address_of(garbage)));
  EXPECT_FALSE(marked(garbage));
}

TEST_F(MarkerTest, MarksWhatIsReachableAndNothingElse) {
  Node* nodes[5];
  for (Node*& node : nodes) node = make(a);
  store(a, nodes[0]->next, nodes[1]);
  store(a, nodes[1]->other, nodes[2]);
  store(a, nodes[2]->next, nodes[0]);
  store(a, nodes[3]->next, nodes[0]);
  EXPECT_TRUE(marker.grey_root(address_of(nodes[0])));
  drain();
  EXPECT_TRUE(marked(nodes[0]) && marked(nodes[1]) && marked(nodes[2]));
  EXPECT_FALSE(marked(nodes[3]));
  EXPECT_FALSE(marked(nodes[4]));
  const MarkCounts counts = marker.take_counts();
  EXPECT_EQ(counts.objects_greyed, 3u);
  EXPECT_EQ(counts.bytes_marked, 3u * 32);
  EXPECT_EQ(counts.words_scanned, 3u * 2);
  EXPECT_EQ(counts.noscan_greyed, 0u);
}

TEST_F(MarkerTest, MarksTheSameWhetherNearObjectsAreFollowedOrQueued) {
  GREYHOUND_SEEDED(random);
  std::vector<Node*> nodes(5000);
  for (Node*& node : nodes) node = make(a);
  for (Node* node : nodes) {
    if (random() % 4 != 0) store(a, node->next, nodes[random() % nodes.size()]);
    if (random() % 4 != 0) store(a, node->other, nodes[random() % nodes.size()]);
  }
  std::vector<bool> reached[2];
  MarkCounts counts[2];
  for (const bool follow : {false, true}) {
    collector.pool.set_follow_near(follow);
    EXPECT_TRUE(marker.grey_root(address_of(nodes[0])));
    marker.flush();
    while (marker.gcDrainN(1 << 20) > 0) {
    }
    for (Node* node : nodes) reached[follow].push_back(marked(node));
    counts[follow] = marker.take_counts();
    unmark_all();
  }
  EXPECT_EQ(reached[0], reached[1]);
  EXPECT_EQ(counts[0].objects_greyed, counts[1].objects_greyed);
  EXPECT_EQ(counts[0].bytes_marked, counts[1].bytes_marked);
  EXPECT_EQ(counts[0].words_scanned, counts[1].words_scanned);
}

TEST_F(MarkerTest, NoscanObjectsAreMarkedAndNotRead) {
  auto* words = make<std::array<uint64_t, 4>>(a);
  Node* node = make(a);
  (*words)[0] = address_of(node);
  EXPECT_TRUE(marker.grey_root(address_of(words)));
  drain();
  EXPECT_FALSE(marked(node));
  EXPECT_EQ(marker.take_counts().noscan_greyed, 1u);
}

TEST_F(MarkerTest, NoscanObjectsAreCountedOnceHoweverManyPointersLeadToThem) {
  GREYHOUND_SEEDED(random);
  std::set<uintptr_t> blocks;
  uintptr_t* array = make_numbers(3000, &random, &blocks);
  EXPECT_TRUE(marker.grey_root(address_of(array)));
  drain();
  for (uintptr_t block : blocks) EXPECT_TRUE(collector.heap.marks.test(block));
  const MarkCounts counts = marker.take_counts();
  EXPECT_EQ(counts.noscan_greyed, blocks.size());
  EXPECT_EQ(counts.objects_greyed, blocks.size() + 1);
  EXPECT_EQ(counts.objects_resolved, 3001u);
  EXPECT_GE(counts.words_scanned, 3000u);
  EXPECT_LE(counts.words_scanned, 3000 + kPageSize / 8);
  EXPECT_EQ(counts.bytes_marked - blocks.size() * kGranule,
            collector.heap.span_of(address_of(array))->bytes());
}

TEST_F(MarkerTest, NoscanObjectsAreStepsAsWell) {
  GREYHOUND_SEEDED(random);
  std::set<uintptr_t> blocks;
  uintptr_t* array = make_numbers(40, &random, &blocks);
  EXPECT_TRUE(marker.grey_root(address_of(array)));
  marker.flush();
  for (uint64_t i = 0; i < blocks.size() + 1; ++i) {
    EXPECT_TRUE(marker.drain_objects(1));
    EXPECT_EQ(marker.take_counts().objects_greyed, 1u) << i;
  }
  drain();
  EXPECT_EQ(marker.take_counts().objects_greyed, 0u);
}

TEST_F(MarkerTest, StepsAreCountedInObjects) {
  Node* first = nullptr;
  for (int i = 0; i < 10; ++i) {
    Node* node = make(a);
    store(a, node->next, first);
    first = node;
  }
  EXPECT_TRUE(marker.grey_root(address_of(first)));
  marker.flush();
  for (uint64_t i = 0; i < 10; ++i) {
    EXPECT_TRUE(marker.drain_objects(1));
    EXPECT_EQ(marker.take_counts().objects_greyed, 1u);
    EXPECT_TRUE(collector.pool.has_work() || i == 9)
        << "what is left is in the pool, not in the marker";
  }
  EXPECT_FALSE(marker.drain_objects(1));
  EXPECT_TRUE(collector.pool.quiet());
}

TEST_F(MarkerTest, ABudgetIsKeptApproximatelyAndTheRestPutBack) {
  auto* array = make<std::array<Ref<Node>, 2000>>(a);
  for (auto& slot : *array) store(a, slot, make(a));
  EXPECT_TRUE(marker.grey_root(address_of(array)));
  marker.flush();
  const int64_t done = marker.gcDrainN(20'000);
  EXPECT_GE(done, 20'000);
  EXPECT_LE(done, 20'000 + 16'384 + 64);
  EXPECT_TRUE(collector.pool.has_work());
  EXPECT_FALSE(collector.pool.quiet());
  while (marker.gcDrainN(1 << 20) > 0) {
  }
  EXPECT_EQ(marker.gcDrainN(1), -1) << "nothing is queued";
  EXPECT_TRUE(collector.pool.quiet());
  for (auto& slot : *array) EXPECT_TRUE(marked(slot.get()));
}

TEST_F(MarkerTest, LargeObjectsAreScannedObletByOblet) {
  constexpr size_t kCount = 60'000;  // 480 KB: four oblets
  auto* array = make<std::array<Ref<Node>, kCount>>(a);
  for (size_t at : {size_t{0}, kCount / 3, kCount / 2, kCount - 1}) store(a, (*array)[at], make(a));
  EXPECT_TRUE(marker.grey_root(address_of(&(*array)[777])));
  drain();
  for (size_t at : {size_t{0}, kCount / 3, kCount / 2, kCount - 1})
    EXPECT_TRUE(marked((*array)[at].get())) << at;
  const MarkCounts counts = marker.take_counts();
  EXPECT_EQ(counts.objects_greyed, 5u);
  EXPECT_GE(counts.words_scanned, kCount + 8);
  EXPECT_LE(counts.words_scanned, kCount + 8 + kPageSize / 8);
}

TEST_F(MarkerTest, InteriorPointersOfInexactTypesAreResolved) {
  struct Words {
    uint64_t pad = 0;
    uintptr_t pointer = 0;
  };
  constexpr uint64_t mask = 2;
  Type type;
  type.size = sizeof(Words);
  type.align = 8;
  type.ptrdata = 16;
  type.ptrmask = &mask;
  Words* holder;
  {
    ActAs act(*a);
    holder = static_cast<Words*>(newobject(&type));
  }
  Node* node = make(a);
  auto* large = make<std::array<uint64_t, 9000>>(a);
  holder->pointer = address_of(node) + 9;
  EXPECT_TRUE(marker.grey_root(address_of(holder)));
  drain();
  EXPECT_TRUE(marked(node));
  Words* second;
  {
    ActAs act(*a);
    second = static_cast<Words*>(newobject(&type));
  }
  second->pointer = address_of(&(*large)[8999]);
  EXPECT_TRUE(marker.grey_root(address_of(second)));
  drain();
  EXPECT_TRUE(marked(large));
}

TEST_F(MarkerTest, APointerOnePastTheEndMarksNoFreeSlot) {
  struct Words {
    uintptr_t pointer = 0;
    uint64_t pad = 0;
  };
  constexpr uint64_t mask = 1;
  Type type;
  type.size = sizeof(Words);
  type.align = 8;
  type.ptrdata = 8;
  type.ptrmask = &mask;
  TestRoot last(*a, make(a));
  collect();
  TestRoot holder(*a);
  {
    ActAs act(*a);
    holder = newobject(&type);
  }
  const uintptr_t past = address_of(last.as<Node>()) + 32;
  ASSERT_FALSE(collector.heap.allocs.test(past));
  holder.as<Words>()->pointer = past;
  EXPECT_TRUE(marker.grey_root(address_of(holder.as<void>())));
  drain();
  EXPECT_FALSE(collector.heap.marks.test(past));
}

TEST_F(MarkerTest, ManyMarkersMarkTheSameHeapOnce) {
  GREYHOUND_SEEDED(random);
  constexpr size_t kCount = 20'000;
  std::vector<Node*> nodes(kCount);
  for (Node*& node : nodes) node = make(a);
  {
    ActAs act(*a);
    for (size_t i = 1; i < kCount; ++i) {
      Node* parent = nodes[(i - 1) / 2];
      (i % 2 == 1 ? parent->next : parent->other) = nodes[i];
    }
  }
  EXPECT_TRUE(marker.grey_root(address_of(nodes[0])));
  const MarkCounts counts = drain_by_three();
  EXPECT_EQ(counts.objects_greyed, kCount);
  for (Node* node : nodes) ASSERT_TRUE(marked(node));
}

TEST_F(MarkerTest, ManyMarkersMarkTheSameNoscanObjectsOnce) {
  GREYHOUND_SEEDED(random);
  std::set<uintptr_t> blocks;
  uintptr_t* array = make_numbers(60'000, &random, &blocks);  // four oblets
  EXPECT_TRUE(marker.grey_root(address_of(array)));
  const MarkCounts counts = drain_by_three();
  EXPECT_EQ(counts.noscan_greyed, blocks.size());
  for (uintptr_t block : blocks) ASSERT_TRUE(collector.heap.marks.test(block));
}

}  // namespace
}  // namespace greyhound::gc
