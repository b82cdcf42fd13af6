// SPDX-License-Identifier: MIT
// Sweeping a span (alloc = mark, mark = 0, word by word) against a model slot by slot, the runs
// that refills find in what is left, and the lists of mcentral by generation.
#include "gc/heap/sweep.h"

#include <map>
#include <set>

#include "gc/heap/mcentral.h"
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class SweepTest : public SteppingTest {
 protected:
  SweepTest() = default;
  explicit SweepTest(const Options& options) : SteppingTest(options) {}
};

TEST_F(SweepTest, AfterACycleExactlyTheRootedSlotsAreAllocated) {
  GREYHOUND_SEEDED(random);
  for (size_t size : {16, 48, 112, 640, 2048, 16384, 32768}) {
    std::map<uintptr_t, bool> objects;
    std::vector<std::unique_ptr<TestRoot>> roots;
    for (size_t i = 0; i < 2 * 16384 / size + 5; ++i) {
      void* object;
      {
        ActAs act(*a);
        object = mallocgc(size, nullptr);
      }
      const bool keep = random() % 3 == 0;
      objects[address_of(object)] = keep;
      if (keep) roots.push_back(std::make_unique<TestRoot>(*a, object));
    }
    collect();
    for (const auto& [object, keep] : objects)
      ASSERT_EQ(collector.heap.allocs.test(object), keep) << size;
    // No other slot of those spans is allocated either.
    collector.heap.for_each_span([&](const mspan* span) {
      for (uint32_t i = 0; i < span->nelems; ++i) {
        const uintptr_t slot = span->object_base(i);
        const auto found = objects.find(slot);
        ASSERT_EQ(collector.heap.allocs.test(slot), found != objects.end() && found->second)
            << size;
      }
    });
    roots.clear();
    collect();
    ASSERT_EQ(collector.heap.page_bytes(), 0u);
  }
}

TEST_F(SweepTest, LiveCountsTheMarkedSlots) {
  TestRoot one(*a, make(a)), two(*a, make(a));
  make(a);
  collect();
  EXPECT_EQ(collector.heap.span_of(address_of(one.as<Node>()))->live, 2u);
}

TEST_F(SweepTest, FreedSlotsAreReusedBeforeTheHeapGrows) {
  std::vector<std::unique_ptr<TestRoot>> roots;
  std::set<uintptr_t> garbage;
  for (int i = 0; i < 4000; ++i) {
    Node* node = make(a);
    if (i % 2 == 0) {
      roots.push_back(std::make_unique<TestRoot>(*a, node));
    } else {
      garbage.insert(address_of(node));
    }
  }
  collect();
  const size_t pages = collector.heap.page_bytes();
  size_t reused = 0;
  for (int i = 0; i < 1900; ++i) reused += garbage.count(address_of(make(a)));
  EXPECT_GE(reused, 1700u);
  EXPECT_EQ(collector.heap.page_bytes(), pages);
}

TEST_F(SweepTest, ReusedSlotsNeverOverlapLiveOnes) {
  GREYHOUND_SEEDED(random);
  std::map<uintptr_t, std::unique_ptr<TestRoot>> live;
  for (int cycle = 0; cycle < 8; ++cycle) {
    for (int i = 0; i < 1500; ++i) {
      Node* node = make(a);
      ASSERT_EQ(live.count(address_of(node)), 0u) << "handed out twice";
      if (random() % 2 == 0) live[address_of(node)] = std::make_unique<TestRoot>(*a, node);
    }
    collect();
    for (auto it = live.begin(); it != live.end();)
      it = random() % 3 == 0 ? live.erase(it) : std::next(it);
  }
}

TEST_F(SweepTest, SharedSpansAreSweptLikeOthers) {
  struct Rare {
    Ref<Node> ref;
    uint64_t pad = 0;
  };
  TestRoot kept(*a, make<Rare>(a));
  Rare* garbage = make<Rare>(a);
  collect();
  EXPECT_TRUE(alive(kept.as<Rare>()));
  EXPECT_FALSE(alive(garbage));
}

TEST_F(SweepTest, SlotsOfASharedSpanHaveNoTypeUntilTheyAreHandedOut) {
  struct Rare {
    Ref<Node> ref;
    uint64_t pad = 0;
  };
  TestRoot kept(*a, make<Rare>(a));
  for (int i = 0; i < 7; ++i) make<Rare>(a);
  const mspan* span = collector.heap.span_of(address_of(kept.as<Rare>()));
  ASSERT_EQ(span->layout, nullptr);
  const uint32_t last = span->object_index(address_of(kept.as<Rare>())) + 7;
  ASSERT_FALSE(collector.heap.layout_of(span, last)->noscan());
  collect();
  Rare* next = make<Rare>(a);
  ASSERT_EQ(collector.heap.span_of(address_of(next)), span);
  ASSERT_LT(span->object_index(address_of(next)), last);
  EXPECT_FALSE(collector.heap.layout_of(span, span->object_index(address_of(next)))->noscan());
  EXPECT_TRUE(collector.heap.allocs.test(span->object_base(last))) << "it is in the run";
  EXPECT_TRUE(collector.heap.layout_of(span, last)->noscan());
}

TEST_F(SweepTest, LargeObjectsAreFreedWithTheirPages) {
  auto* object = make<std::array<Node, 10'000>>(a);
  TestRoot root(*a, &(*object)[9'999].value);
  const size_t pages = collector.heap.page_bytes();
  collect();
  EXPECT_EQ(collector.heap.page_bytes(), pages);
  root = nullptr;
  collect();
  EXPECT_EQ(collector.heap.page_bytes(), 0u);
}

class ClobberTest : public SweepTest {
 protected:
  ClobberTest() : SweepTest(clobbering()) {}
  static Options clobbering() {
    Options options = quiet_options(Mode::kStepping);
    options.debug.clobberfree = 1;
    return options;
  }
};

TEST_F(ClobberTest, FreedObjectsAreOverwrittenAndLiveOnesAreNot) {
  Node* garbage = make(a);
  garbage->value = 1;
  TestRoot kept(*a, make(a));
  kept.as<Node>()->value = 2;
  TestRoot neighbour(*a, make(a));
  collect();
  EXPECT_EQ(garbage->value, 0xdeadbeefdeadbeefu);
  EXPECT_EQ(kept.as<Node>()->value, 2u);
  EXPECT_EQ(make(a)->value, 0u) << "and what is handed out again is zeroed";
}

TEST_F(ClobberTest, AFreedLargeObjectIsOverwrittenToItsEnd) {
  auto* object = make<std::array<uint64_t, 10'000>>(a);
  collect();
  EXPECT_EQ((*object)[0], 0xdeadbeefdeadbeefu);
  EXPECT_EQ((*object)[9'999], 0xdeadbeefdeadbeefu);
}

// --- mcentral

TEST(Mcentral, ListsAreByGenerationAndByRoom) {
  mcentral central;
  mspan old_partial, old_full, new_partial;
  old_partial.sweepgen = old_full.sweepgen = 6;
  new_partial.sweepgen = 7;
  central.push(&old_partial, true);
  central.push(&old_full, false);
  central.push(&new_partial, true);
  EXPECT_EQ(central.pop_partial(7), &new_partial);
  EXPECT_EQ(central.pop_partial(7), nullptr);
  EXPECT_EQ(central.pop_full(7), nullptr);
  EXPECT_EQ(central.pop_full(6), &old_full);
  EXPECT_EQ(central.pop_partial(6), &old_partial);
  EXPECT_EQ(central.pop_partial(6), nullptr);
}

TEST(Mcentral, VisitsEverySpanOnce) {
  mcentral central;
  mspan spans[4];
  for (uint32_t i = 0; i < 4; ++i) {
    spans[i].sweepgen = i;
    central.push(&spans[i], i % 2 == 0);
  }
  std::set<mspan*> seen;
  central.for_each([&](mspan* span) { EXPECT_TRUE(seen.insert(span).second); });
  EXPECT_EQ(seen.size(), 4u);
}

TEST(Mcentral, SpansThatAreSweptInPiecesKeepTheirOrder) {
  mspan spans[7];
  mcentral central;
  for (mspan& span : spans) {
    span.sweepgen = 2;
    central.push(&span, false);
  }
  for (uint32_t gen = 3; gen < 5; ++gen) {
    std::vector<mspan*> taken, partial, full;
    while (central.pop_some(gen - 1, 3, &taken), !taken.empty()) {
      for (mspan* span : taken) {
        span->sweepgen = gen;
        (span - spans == 2 || span - spans == 4 ? partial : full).push_back(span);
      }
      central.push_some(gen, &partial, &full);
      taken.clear();
    }
  }
  // Of those with room, what the latest piece had comes first.
  EXPECT_EQ(central.pop_partial(4), &spans[4]);
  EXPECT_EQ(central.pop_partial(4), &spans[2]);
  EXPECT_EQ(central.pop_partial(4), nullptr);
  for (int i : {6, 5, 3, 1, 0}) EXPECT_EQ(central.pop_full(4), &spans[i]);
  EXPECT_EQ(central.pop_full(4), nullptr);
}

TEST_F(SweepTest, BetweenCyclesNoListHoldsAnOldSpan) {
  std::vector<std::unique_ptr<TestRoot>> roots;
  for (int i = 0; i < 3000; ++i) {
    Node* node = make(i % 2 == 0 ? a : b);
    if (i % 5 == 0) roots.push_back(std::make_unique<TestRoot>(*a, node));
  }
  for (int cycle = 0; cycle < 3; ++cycle) {
    collect();
    const uint32_t gen = collector.heap.sweepgen.load();
    LayoutRegistry& layouts = collector.heap.layouts();
    for (uint32_t id = 0; id < layouts.count(); ++id) {
      if (mcentral* central = layouts.by_id(id)->central.load()) {
        central->for_each([&](mspan* span) { EXPECT_EQ(span->sweepgen, gen); });
      }
    }
  }
}

}  // namespace
}  // namespace greyhound::gc
