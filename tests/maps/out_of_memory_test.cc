// SPDX-License-Identifier: MIT
// Running out of memory: writes report it and leave the map whole; deletion needs no memory,
// not even in the middle of a growth. Roots are precise here, so that the heap holds what the
// test says and no stale word on a stack keeps anything alive; it also shows that map
// operations root what they make.
#include <new>

#include "maps/map.h"
#include "tests/maps/fixture.h"
#include "tests/maps/kinds.h"

namespace greyhound::maps {
namespace {

class OutOfMemoryTest : public MapsTest {
 protected:
  static gc::Options small_heap() {
    gc::Options options = default_options();
    options.max_heap = 2 << 20;
    options.stack_roots = gc::StackRoots::kPrecise;
    return options;
  }
  OutOfMemoryTest() : OutOfMemoryTest(small_heap()) {}
  explicit OutOfMemoryTest(const gc::Options& options) : MapsTest(options) {}

  // All keys hash alike: one chain, whose length evacuation cannot split.
  static Type colliding() {
    Type type = make_type("colliding", Kind::kStruct, 8, 8);
    type.hasher = [](const void*, uint64_t) { return uint64_t{0x7700000000000000}; };
    type.equal = Int64Kind::type().equal;
    return type;
  }
  void* assign(uint64_t key) { return mapassign(t_, h_, &key); }
  void erase(uint64_t key) { mapdelete(t_, h_, &key); }
  bool has(uint64_t key) { return mapaccess2(t_, h_, &key).ok; }

  // Takes memory in objects of `type`, linked through their last word, until there is none.
  void fill_heap(const Type* type) {
    for (;;) {
      auto* block = static_cast<uint8_t*>(gc::newobject(type));
      if (block == nullptr) return;
      gc::write_pointer(reinterpret_cast<void**>(block + type->size - 8),
                        reinterpret_cast<void*>(kept_[kBallast]));
      kept_[kBallast] = reinterpret_cast<uintptr_t>(block);
    }
  }
  void free_ballast() { kept_[kBallast] = 0; }

  static constexpr size_t kBallast = 1;
  const Type key_ = colliding();
  const MapType* t_ = map_type(key_, PointerKind::type());
  hmap* h_ = keep(makemap(t_, 0));
  void* ballast_ = keep<void>(nullptr);
};

TEST_F(OutOfMemoryTest, AssignReportsItAndLeavesTheMapWhole) {
  const MapType* t = map_type(Int64Kind::type(), Int64Kind::type());
  hmap* h = keep(makemap(t, 0));
  int64_t n = 0;
  while (mapassign(t, h, &n) != nullptr) ++n;
  EXPECT_GT(n, 1000);
  EXPECT_EQ(maplen(h), n);
  EXPECT_EQ(verify_map(t, h), "");
  for (int64_t i = 0; i < n; ++i) ASSERT_TRUE(mapaccess2(t, h, &i).ok);
  EXPECT_EQ(mapassign(t, h, &n), nullptr) << "still no memory";
  const int64_t present = 5;
  EXPECT_NE(mapassign(t, h, &present), nullptr) << "a key that is there needs none";
  for (int64_t i = 0; i < n; ++i) mapdelete(t, h, &i);
  EXPECT_EQ(maplen(h), 0);
  EXPECT_EQ(verify_map(t, h), "");
}

TEST_F(OutOfMemoryTest, RoomForTooMuchIsRefusedAndTheMapStaysUsable) {
  EXPECT_FALSE(mapreserve(t_, h_, 1 << 20));
  EXPECT_NE(assign(1), nullptr);
  EXPECT_EQ(verify_map(t_, h_), "");
  EXPECT_FALSE((Map<int64_t, int64_t>::make(1 << 20)));
  EXPECT_TRUE((Map<int64_t, int64_t>::make(100)));
}

// The growth's table can be had, the overflow buckets that its evacuation needs cannot.
TEST_F(OutOfMemoryTest, EvacuationThatFailsLeavesTheOldChainWhole) {
  for (uint64_t i = 0; i < 26; ++i) ASSERT_NE(assign(i), nullptr);
  ASSERT_FALSE(h_->growing());
  // A slot of the new table's size, free for nobody else.
  void** reserved = reinterpret_cast<void**>(&kept_[kept_range_.count]);
  keep(gc::newarray(&t_->bucket, size_t{2} << h_->B));
  fill_heap(&t_->bucket);
  *reserved = nullptr;
  runtime_.collect();

  EXPECT_EQ(assign(26), nullptr);
  ASSERT_TRUE(h_->growing()) << "the growth has begun";
  EXPECT_EQ(inspect(t_, h_).evacuated_old_buckets, 0u);
  EXPECT_EQ(maplen(h_), 26);
  EXPECT_EQ(verify_map(t_, h_), "");
  for (uint64_t i = 0; i < 26; ++i) ASSERT_TRUE(has(i));

  for (uint64_t i = 0; i < 26; i += 3) {
    erase(i);
    ASSERT_EQ(verify_map(t_, h_), "");
    ASSERT_FALSE(has(i));
  }
  EXPECT_EQ(maplen(h_), 17);

  free_ballast();
  runtime_.collect();
  ASSERT_NE(assign(26), nullptr);
  EXPECT_EQ(maplen(h_), 18);
  EXPECT_EQ(verify_map(t_, h_), "");
  for (uint64_t i = 0; i < 26; ++i) ASSERT_EQ(has(i), i % 3 != 0);
}

TEST_F(OutOfMemoryTest, IndirectElemsFailBeforeTheirSlotIsClaimed) {
  const MapType* t = map_type(Int64Kind::type(), BigKind::type());
  hmap* h = keep(makemap(t, 0));
  int64_t n = 0;
  while (mapassign(t, h, &n) != nullptr) ++n;
  EXPECT_EQ(maplen(h), n);
  EXPECT_EQ(verify_map(t, h), "");
  EXPECT_FALSE(mapaccess2(t, h, &n).ok);
}

TEST_F(OutOfMemoryTest, IterationThatCannotKeepOverflowAlivePanics) {
  const MapType* t = map_type(Int64Kind::type(), Int64Kind::type());
  hmap* h = keep(makemap(t, 0));
  const int64_t key = 1;
  ASSERT_NE(mapassign(t, h, &key), nullptr);
  fill_heap(&t_->bucket);
  fill_heap(&kHmapType);
  fill_heap(&kMapextraType);
  hiter it;
  EXPECT_EQ(panic_of([&] { mapiterinit(t, h, &it); }),
            "out of memory at the start of a map iteration");
  EXPECT_EQ(verify_map(t, h), "");
  free_ballast();
  mapiterinit(t, h, &it);
  EXPECT_NE(it.key, nullptr);
}

class ThrowingHandlerTest : public OutOfMemoryTest {
 protected:
  static gc::Options throwing() {
    gc::Options options = small_heap();
    options.on_out_of_memory = [](void*, size_t) { throw std::bad_alloc(); };
    return options;
  }
  ThrowingHandlerTest() : OutOfMemoryTest(throwing()) {}
};

TEST_F(ThrowingHandlerTest, HandlerMayUnwindThroughAWrite) {
  const MapType* t = map_type(Int64Kind::type(), BigKind::type());
  hmap* h = keep(makemap(t, 0));
  int64_t n = 0;
  EXPECT_THROW(for (;; ++n) mapassign(t, h, &n), std::bad_alloc);
  EXPECT_EQ(verify_map(t, h), "") << "the writing flag is down";
  EXPECT_EQ(maplen(h), n);
  for (int64_t i = 0; i < n; ++i) mapdelete(t, h, &i);
  EXPECT_NE(mapassign(t, h, &n), nullptr);
}

}  // namespace
}  // namespace greyhound::maps
