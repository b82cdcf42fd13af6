// SPDX-License-Identifier: MIT
// Maps and the collector: what a map holds lives, what it no longer holds dies, and marking a map
// costs what its type says. Deaths are asserted with precise roots only.
#include <unordered_map>
#include <vector>

#include "maps/map.h"
#include "runtime/greyhound.h"
#include "tests/maps/fixture.h"
#include "tests/maps/kinds.h"

namespace greyhound::maps {
namespace {

constexpr size_t kBlob = 1024;
// More than what maps and collector hold beside the blobs.
constexpr size_t kSlack = 200 * kBlob;

class CollectionTest : public MapsTest {
 protected:
  static gc::Options precise() {
    gc::Options options = default_options();
    options.stack_roots = gc::StackRoots::kPrecise;
    options.debug.clobberfree = 1;
    return options;
  }
  CollectionTest() : MapsTest(precise()) {}

  uint64_t live_bytes() {
    runtime_.collect();
    return runtime_.stats().last_cycle.mark.bytes_marked;
  }
  void put_blob(int64_t key) {
    void* elem = mapassign(t_, h_, &key);
    void* blob = gc::mallocgc(kBlob, nullptr);  // h_ is kept, so elem stays valid
    gc::write_pointer(static_cast<void**>(elem), blob);
  }
  void put_blobs(int64_t n) {
    for (int64_t i = 0; i < n; ++i) put_blob(i);
  }

  const MapType* t_ = map_type(Int64Kind::type(), PointerKind::type());
  hmap* h_ = keep(makemap(t_, 0));
};

TEST_F(CollectionTest, RemovedElemsDie) {
  put_blobs(5000);
  EXPECT_GT(live_bytes(), 5000 * kBlob);
  for (int64_t i = 0; i < 4000; ++i) mapdelete(t_, h_, &i);
  EXPECT_LT(live_bytes(), 1000 * kBlob + kSlack);
  EXPECT_GT(live_bytes(), 1000 * kBlob);
}

TEST_F(CollectionTest, TheHeapGoalForgetsTheOldBucketsOfAGrownMap) {
  if (runtime_.collector().options().debug.gcstress != 0)
    GTEST_SKIP() << "a collection in between sets another goal";
  const MapType* t = map_type(Int64Kind::type(), Int64Kind::type());
  hmap* h = keep(makemap(t, 0));
  const auto insert = [&](int64_t key) { mapassign(t, h, &key); };
  int64_t n = 0;
  while (h->B < 16) insert(n++);  // now old buckets of 4.7 MB and new ones of 9.4
  runtime_.collect();
  const gc::GcStats growing = runtime_.stats();
  while (h->growing()) insert(n++);
  EXPECT_NEAR(static_cast<double>(growing.heap_goal - runtime_.stats().heap_goal), 9.9e6, 0.5e6)
      << "twice the old buckets, at 100 percent";
  EXPECT_EQ(runtime_.stats().cycles, growing.cycles);
}

TEST_F(CollectionTest, OverwrittenElemsDie) {
  put_blobs(2000);
  put_blobs(2000);
  EXPECT_LT(live_bytes(), 2000 * kBlob + kSlack);
}

TEST_F(CollectionTest, ClearedMapsHoldNothing) {
  put_blobs(2000);
  mapclear(t_, h_);
  EXPECT_LT(live_bytes(), kSlack);
}

TEST_F(CollectionTest, OldTableHoldsNoElemThatHasBeenMovedAndRemoved) {
  put_blobs(13313);  // a growth has begun, of 2048 old buckets
  ASSERT_TRUE(h_->growing());
  for (int64_t i = 0; i < 1000; ++i) mapdelete(t_, h_, &i);
  const MapShape shape = inspect(t_, h_);
  ASSERT_TRUE(shape.growing) << "or else the test shows nothing";
  ASSERT_GT(shape.evacuated_old_buckets, 1000u);
  EXPECT_LT(live_bytes(), 12313 * kBlob + shape.table_bytes + kSlack);
}

TEST_F(CollectionTest, MapsThatNobodyHoldsDie) {
  put_blobs(2000);
  kept_[0] = 0;
  EXPECT_LT(live_bytes(), kSlack);
}

TEST_F(CollectionTest, NumbersInNoscanBucketsAreNoReferences) {
  auto map = Map<int64_t, int64_t>::make();
  keep(map.header());
  for (int i = 0; i < 2000; ++i) {
    map.insert_or_assign(reinterpret_cast<int64_t>(gc::mallocgc(kBlob, nullptr)), i);
  }
  EXPECT_LT(live_bytes(), 2 * kSlack) << "the map itself, too";
}

TEST_F(CollectionTest, NoscanOverflowBucketsLive) {
  auto map = Map<int64_t, int64_t>::make();
  keep(map.header());
  for (int64_t i = 0; i < 50000; ++i) {
    ASSERT_TRUE(map.insert_or_assign(i, i));
    if (i % 5000 == 0) runtime_.collect();
  }
  runtime_.collect();
  ASSERT_GT(inspect(map.type(), map.header()).overflow_buckets, 100u);
  for (int64_t i = 0; i < 50000; ++i) ASSERT_EQ(map.get(i), i);
  EXPECT_EQ(verify_map(map.type(), map.header()), "");
}

TEST_F(CollectionTest, NoscanMapsAreMarkedWithoutBeingScanned) {
  const auto scanned = [this] {
    runtime_.collect();
    return runtime_.stats().last_cycle.mark.words_scanned;
  };
  const uint64_t before = scanned();
  auto numbers = Map<int64_t, int64_t>::make(100000);
  keep(numbers.header());
  for (int64_t i = 0; i < 100000; ++i) numbers.insert_or_assign(i, i);
  EXPECT_LT(scanned() - before, 5000u);
  auto boxes = Map<int64_t, eface>::make(100000);
  keep(boxes.header());
  for (int64_t i = 0; i < 100000; ++i) boxes.insert_or_assign(i, runtime::to_eface(int64_t{7}));
  EXPECT_GT(scanned() - before, 100000u);
}

// The collector is stepped between single writes, so that growth and evacuation meet every state of
// marking; each entry is read back whole.
class SteppedCollectionTest : public MapsTest {
 protected:
  static gc::Options stepping() {
    gc::Options options = default_options();
    options.mode = gc::Mode::kStepping;
    options.debug.clobberfree = 1;
    return options;
  }
  SteppedCollectionTest() : SteppedCollectionTest(stepping()) {}
  explicit SteppedCollectionTest(const gc::Options& options) : MapsTest(options) {}

  void step() {
    if (runtime_.collector().step(random_() % 4 + 1) == gc::Progress::kIdle) {
      runtime_.collector().request_cycle();
    }
    thread_.safepoint();
  }

  template <class K, class V>
  void run(unsigned writes) {
    const MapType* t = map_type(K::type(), V::type());
    hmap* h = keep(makemap(t, 0));
    std::unordered_map<uint64_t, uint64_t> model;
    for (unsigned i = 0; i < writes; ++i) {
      const uint64_t id = random_() % 3000;
      const auto key = K::make(id);
      if (random_() % 5 == 0) {
        mapdelete(t, h, &key);
        model.erase(id);
      } else {
        const auto elem = V::make(i);
        gc::typedmemmove(t->elem, mapassign(t, h, &key), &elem);
        model[id] = i;
      }
      step();
      if (i % 1000 == 0 || i + 1 == writes) expect_all<K, V>(t, h, model);
    }
  }

  template <class K, class V>
  void expect_all(const MapType* t, hmap* h, const std::unordered_map<uint64_t, uint64_t>& model) {
    ASSERT_EQ(verify_map(t, h), "");
    ASSERT_EQ(maplen(h), static_cast<int64_t>(model.size()));
    hiter it;
    for (mapiterinit(t, h, &it); it.key != nullptr; mapiternext(&it)) {
      const uint64_t id = K::id(*static_cast<const typename K::Value*>(it.key));
      const auto expected = model.find(id);
      ASSERT_TRUE(expected != model.end()) << id;
      ASSERT_EQ(V::id(*static_cast<const typename V::Value*>(it.elem)), expected->second);
    }
  }
};

TEST_F(SteppedCollectionTest, LosesNoPointerElem) { run<Int64Kind, PointerKind>(10000); }
TEST_F(SteppedCollectionTest, LosesNoStringKey) { run<StringKind, Int64Kind>(10000); }
TEST_F(SteppedCollectionTest, LosesNoInterface) { run<EfaceKind, EfaceKind>(10000); }
TEST_F(SteppedCollectionTest, LosesNoStruct) { run<StructKind, StructKind>(10000); }
TEST_F(SteppedCollectionTest, LosesNoIndirectKeyOrElem) { run<BigKind, BigKind>(5000); }
TEST_F(SteppedCollectionTest, LosesNoNoscanOverflowBucket) { run<Int64Kind, Int64Kind>(20000); }

class SteppedPreciseTest : public SteppedCollectionTest {
 protected:
  static gc::Options precise() {
    gc::Options options = stepping();
    options.stack_roots = gc::StackRoots::kPrecise;
    return options;
  }
  SteppedPreciseTest() : SteppedCollectionTest(precise()) {}
};

// A growth that began before marking ends in one write before the marker has come to the map, and
// so drops an old table that nobody will scan; some of what it moves goes into overflow buckets
// that are made meanwhile, black. The barrier alone tells the marker of that.
TEST_F(SteppedPreciseTest, AGrowthThatEndsWhileMarkingLosesNothingWhereverMarkingIs) {
  Type key_type = make_type("chosen", Kind::kStruct, 8, 8);
  key_type.hasher = [](const void* key, uint64_t) {  // the low bits are the bucket
    const auto k = load_unaligned<uint64_t>(key);
    return (k & 7) | k << 8 | uint64_t{0x77} << 56;
  };
  key_type.equal = Int64Kind::type().equal;
  const MapType* t = map_type(key_type, PointerKind::type());
  const auto put = [&](hmap* h, uint64_t key) {
    const auto elem = PointerKind::make(key);
    const RootScope rooted(&elem, sizeof elem);
    gc::typedmemmove(t->elem, mapassign(t, h, &key), &elem);
  };
  int in_cycle = 0;
  for (int steps = 0; steps < 60; ++steps) {
    hmap* h = keep(makemap(t, 0));
    ASSERT_TRUE(mapreserve(t, h, 26));
    std::vector<uint64_t> keys;
    for (uint64_t i = 0; i < 20; ++i) keys.push_back(i * 8 + 3);  // one chain, of three buckets
    for (uint64_t i = 0; i < 7; ++i) keys.push_back(i * 8);
    for (uint64_t key : keys) put(h, key);
    ASSERT_EQ(h->nevacuate, 2u) << "the last one has begun a growth from four buckets to eight";
    runtime_.collect();  // all that is there is old, and white
    runtime_.collector().request_cycle();
    for (int i = 0; i < steps; ++i) {
      runtime_.collector().step(1);
      thread_.safepoint();
    }
    in_cycle += runtime_.collector().phase() != gc::Phase::kIdle ? 1 : 0;
    const uint64_t missing = 8 * 1000 + 3;
    mapdelete(t, h, &missing);
    ASSERT_FALSE(h->growing());
    runtime_.collect();
    for (uint64_t key : keys) {
      const auto elem = static_cast<uint64_t* const*>(mapaccess1(t, h, &key));
      ASSERT_EQ(PointerKind::id(*elem), key) << "after " << steps << " steps";
    }
    kept_range_.count = 0;
  }
  EXPECT_GT(in_cycle, 10) << "or else the test shows nothing";
}

}  // namespace
}  // namespace greyhound::maps
