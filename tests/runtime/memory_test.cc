// SPDX-License-Identifier: MIT
// Limits and overheads: out of memory is reported and survived, rare types do not tear the heap
// apart, metadata stays small, memory is given back.
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

// Precise roots: some of these tests need the dead to be found dead.
Options limited_options(uint64_t max_heap) {
  Options options = precise_options();
  options.debug = {};
  options.max_heap = max_heap;
  return options;
}

TEST(OutOfMemoryTest, LimitIsReportedAsNullAndAsBadAlloc) {
  Runtime rt(limited_options(uint64_t{8} << 20));
  Thread thread(rt);
  Handle<Node> list;
  Node* node = nullptr;
  while ((node = thread.try_make<Node>(list.get(), uint64_t{1})) != nullptr) list = node;
  EXPECT_THROW(thread.make<Node>(), std::bad_alloc);
  EXPECT_THROW(thread.make_array<int64_t>(1 << 20), std::bad_alloc);
  EXPECT_THROW(thread.make_array<int64_t>(SIZE_MAX / 4), std::bad_alloc);
  EXPECT_LE(rt.stats().heap_pages_bytes, uint64_t{8} << 20);
}

TEST(OutOfMemoryTest, CollectionComesBeforeTheReport) {
  Options options = limited_options(uint64_t{8} << 20);
  options.gc_percent = gc::kGcOff;
  Runtime rt(options);
  Thread thread(rt);
  for (int i = 0; i < 4'000'000; ++i) thread.make<Node>();  // 64 MB of garbage through 8 MiB
  EXPECT_GT(rt.stats().cycles, 4u);
}

TEST(OutOfMemoryTest, HandlerIsCalledWithTheSize) {
  size_t reported = 0;
  Options options = limited_options(uint64_t{8} << 20);
  options.on_out_of_memory = [](void* context, size_t bytes) {
    *static_cast<size_t*>(context) = bytes;
  };
  options.out_of_memory_context = &reported;
  Runtime rt(options);
  Thread thread(rt);
  EXPECT_EQ(gc::mallocgc(16 << 20, nullptr), nullptr);
  EXPECT_EQ(reported, size_t{16} << 20);
}

TEST(OutOfMemoryTest, HeapIsSoundAfterwardsAndAllocatesAgain) {
  Options options = limited_options(uint64_t{8} << 20);
  options.debug.verifyheap = 1;  // every cycle begins with a check of the heap's structure
  Runtime rt(options);
  Thread thread(rt);
  {
    Persistent<Node> list(rt);
    Node* node = nullptr;
    uint64_t length = 0;
    while ((node = thread.try_make<Node>(list.get(), length)) != nullptr) {
      list = node;
      ++length;
    }
    for (Node* at = list.get(); at != nullptr; at = at->next) ASSERT_EQ(at->value, --length);
  }
  for (int i = 0; i < 3; ++i) rt.collect();
  EXPECT_NE(thread.try_make<Node>(), nullptr);
}

TEST(MemoryTest, AThousandTypesWithTenObjectsEachStaySmall) {
  std::vector<std::unique_ptr<BuiltType>> types;
  for (unsigned i = 0; i < 1000; ++i) {
    TypeBuilder builder("type" + std::to_string(i));
    for (unsigned field = 0; field < 12; ++field) {
      if ((i >> (field % 10)) & 1) {
        builder.reference();
      } else {
        builder.scalar(8, 8);
      }
    }
    builder.reference();
    types.push_back(builder.build());
  }
  Runtime rt(usual_options());
  Thread thread(rt);
  Persistent<std::array<Ref<Node>, 10000>> all(rt, thread.make<std::array<Ref<Node>, 10000>>());
  size_t i = 0;
  for (int round = 0; round < 10; ++round) {
    for (const auto& type : types)
      (*all.get())[i++] = static_cast<Node*>(gc::newobject(type->type()));
  }
  rt.collect();
  // 10,000 objects of 104 B are 1.04 MB; as much again is for the array, slack and cached runs.
  EXPECT_LT(rt.stats().heap_pages_bytes, uint64_t{2} * 10000 * 112 + (size_t{1} << 20));
}

TEST(MemoryTest, MetadataIsAtMostThreePercentOfTheHeap) {
  Runtime rt(limited_options(0));
  Thread thread(rt);
  Handle<Node> list;
  for (uint64_t i = 0; i < 4'000'000; ++i) list = thread.make<Node>(list.get(), i);
  rt.collect();
  const gc::GcStats stats = rt.stats();
  EXPECT_LE(static_cast<double>(stats.last_cycle.metadata_bytes),
            0.03 * static_cast<double>(stats.heap_pages_bytes));
  EXPECT_EQ(list->value, 3'999'999u);
}

TEST(MemoryTest, SurplusPagesAreReturned) {
  Runtime rt(limited_options(0));
  Thread thread(rt);
  Persistent<Node> list(rt);
  for (uint64_t i = 0; i < 4'000'000; ++i) list = thread.make<Node>(list.get(), i);
  const uint64_t peak = rt.stats().heap_resident_bytes;
  list = nullptr;
  rt.collect();
  rt.collect();
  EXPECT_LT(rt.stats().heap_resident_bytes, peak / 2);
}

TEST(ReturnedMemoryTest, AnIdleProgramKeepsATenthMoreThanWhatLives) {
  Runtime rt(limited_options(0));
  Thread thread(rt);
  Handle<Node> kept;
  Handle<Node> dropped;
  // In blocks, so that whole spans die.
  for (int block = 0; block < 10; ++block) {
    Handle<Node>& list = block == 0 ? kept : dropped;
    for (uint64_t i = 0; i < 500'000; ++i) list = thread.make<Node>(list.get(), i);
  }
  dropped = nullptr;
  rt.collect();
  rt.collect();
  const gc::GcStats stats = rt.stats();
  EXPECT_LE(stats.heap_resident_bytes, stats.heap_live + stats.heap_live / 5);
  EXPECT_EQ(kept->value, 499'999u);
}

}  // namespace
}  // namespace greyhound::runtime
