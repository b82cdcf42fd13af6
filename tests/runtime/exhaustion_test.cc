// SPDX-License-Identifier: MIT
// The hard limit, from every way to allocate: a collection first, then the report the embedder
// chose, and a heap that is whole and goes on afterwards. memory_test.cc has the simple cases.
#include <thread>

#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

struct Tree {
  Ref<Tree> next;
  Ref<Tree> other;
  uint64_t value = 0;
};
constexpr uint64_t kLimit = uint64_t{4} << 20;

Options small_heap() {
  Options options = precise_options();
  options.max_heap = kLimit;
  options.debug = {};
  options.debug.verifyheap = 1;
  options.debug.clobberfree = 1;
  return options;
}

class ExhaustionTest : public RuntimeTest {
 protected:
  ExhaustionTest() : RuntimeTest(small_heap()) {}

  // Nodes in a list, each with its position, until there is no memory.
  uint64_t fill(Handle<Tree>* list) {
    uint64_t length = 0;
    while (Tree* node = thread.try_make<Tree>(list->get(), nullptr, length)) {
      *list = node;
      ++length;
    }
    return length;
  }
  static void expect_intact(const Tree* list, uint64_t length) {
    for (; list != nullptr; list = list->next) ASSERT_EQ(list->value, --length);
    ASSERT_EQ(length, 0u);
  }
};

TEST_F(ExhaustionTest, EveryWayToAllocateReportsIt) {
  Handle<Tree> list;
  const uint64_t length = fill(&list);
  EXPECT_GT(length, 50'000u);
  // What is left in cached runs of other kinds is used up too.
  EXPECT_THROW(for (int i = 0; i < 10'000; ++i) thread.make<Tree>(list.get(), nullptr, uint64_t{0}),
               std::bad_alloc);
  EXPECT_THROW(
      for (int i = 0; i < 100'000; ++i) static_cast<void>(String::copy("twenty characters...")),
      std::bad_alloc)
      << "unless strings die at once";
}

TEST_F(ExhaustionTest, GarbageIsCollectedBeforeAnythingIsReported) {
  Handle<Tree> kept(thread.make<Tree>(nullptr, nullptr, uint64_t{7}));
  for (int i = 0; i < 200; ++i) {
    EXPECT_NO_THROW(thread.make_array<uint64_t>(100'000));  // 800 KB each, five fit
    EXPECT_NO_THROW(String::copy(std::string(10'000, 'x')));
    EXPECT_NO_THROW(thread.make<Tree>());
  }
  EXPECT_EQ(kept->value, 7u);
}

TEST_F(ExhaustionTest, AnObjectLargerThanTheLimitIsRefusedWithoutACollection) {
  const uint64_t before = rt.stats().cycles;
  EXPECT_EQ(gc::mallocgc(kLimit + 1, nullptr), nullptr);
  EXPECT_EQ(gc::mallocgc(SIZE_MAX / 2, nullptr), nullptr);
  EXPECT_EQ(gc::newarray(type_of<Tree>(), SIZE_MAX / 32), nullptr);
  EXPECT_EQ(rt.stats().cycles, before);
  EXPECT_NE(thread.try_make<Tree>(), nullptr);
}

TEST_F(ExhaustionTest, TheDataIsIntactAndDroppingItMakesRoom) {
  for (int round = 0; round < 4; ++round) {
    Handle<Tree> list;
    const uint64_t length = fill(&list);
    expect_intact(list.get(), length);
    EXPECT_EQ(thread.try_make<Tree>(), nullptr);
    EXPECT_EQ(gc::mallocgc(40'000, nullptr), nullptr);
    // Half of it goes: as many fit again.
    Tree* middle = list.get();
    for (uint64_t i = 0; i < length / 2; ++i) middle = middle->next;
    list = middle;
    uint64_t again = 0;
    while (thread.try_make<Tree>() != nullptr && again < length / 4) ++again;
    EXPECT_EQ(again, length / 4);
    expect_intact(list.get(), length - length / 2);
  }
  rt.collect();
  EXPECT_EQ(rt.stats().heap_pages_bytes, 0u);
}

TEST_F(ExhaustionTest, ThePagesNeverExceedTheLimit) {
  Handle<Tree> list;
  Tree* node = nullptr;
  while ((node = thread.try_make<Tree>(list.get(), nullptr, uint64_t{0})) != nullptr) {
    list = node;
    ASSERT_LE(rt.stats().heap_pages_bytes, kLimit);
  }
}

TEST_F(ExhaustionTest, AnInitialiserThatFindsNoMemoryLeavesNoTrace) {
  Handle<Tree> list;
  const uint64_t length = fill(&list);
  EXPECT_THROW(to_eface(String::literal("a box")), std::bad_alloc);
  EXPECT_THROW(to_eface(std::array<uint64_t, 4>{1, 2, 3, 4}), std::bad_alloc);
  expect_intact(list.get(), length);
}

struct Called {
  int times = 0;
  size_t bytes = 0;
};

TEST(OutOfMemoryHandlerTest, IsCalledOnceAFailureWithTheSlotOrTheSize) {
  Called called;
  Options options = small_heap();
  options.on_out_of_memory = [](void* context, size_t bytes) {
    auto* c = static_cast<Called*>(context);
    ++c->times;
    c->bytes = bytes;
  };
  options.out_of_memory_context = &called;
  Runtime rt(options);
  Thread thread(rt);
  EXPECT_EQ(gc::mallocgc(kLimit * 2, nullptr), nullptr);
  EXPECT_EQ(called.times, 1);
  EXPECT_EQ(called.bytes, kLimit * 2);
  Handle<Tree> list;
  while (Tree* node = thread.try_make<Tree>(list.get(), nullptr, uint64_t{0})) list = node;
  EXPECT_EQ(called.times, 2);
  EXPECT_GE(called.bytes, sizeof(Tree));
  EXPECT_LE(called.bytes, 64u);
}

struct Exhausted {};

TEST(OutOfMemoryHandlerTest, MayThrowThroughTheAllocation) {
  Options options = small_heap();
  options.on_out_of_memory = [](void*, size_t) { throw Exhausted{}; };
  Runtime rt(options);
  Thread thread(rt);
  {
    Handle<Tree> list;
    EXPECT_THROW(for (;;) list = thread.make<Tree>(list.get(), nullptr, uint64_t{0}), Exhausted);
    EXPECT_THROW(gc::mallocgc(kLimit * 2, nullptr), Exhausted);
    EXPECT_THROW(String::copy(std::string(100'000, 'x')), Exhausted);
  }
  EXPECT_NE(thread.make<Tree>(), nullptr) << "there is room again";
  rt.collect();
}

TEST(OutOfMemoryHandlerTest, MayUseTheRuntime) {
  struct Context {
    Runtime* rt;
    int collections = 0;
  } context;
  Options options = small_heap();
  options.on_out_of_memory = [](void* c, size_t) {
    auto* given = static_cast<Context*>(c);
    given->rt->collect();
    ++given->collections;
  };
  options.out_of_memory_context = &context;
  Runtime rt(options);
  context.rt = &rt;
  Thread thread(rt);
  EXPECT_EQ(gc::mallocgc(kLimit * 2, nullptr), nullptr);
  EXPECT_EQ(context.collections, 1);
}

TEST(ExhaustionThreadsTest, SeveralThreadsRunOutAndGoOn) {
  Runtime rt(small_heap());
  std::vector<std::thread> threads;
  std::atomic<uint64_t> failures{0};
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      Thread thread(rt, "filler");
      for (int round = 0; round < 6; ++round) {
        Handle<Tree> list;
        uint64_t length = 0;
        while (Tree* node = thread.try_make<Tree>(list.get(), nullptr, length)) {
          list = node;
          if (++length > 200'000) break;  // the others may have let go
        }
        failures += length <= 200'000;
        for (Tree* node = list.get(); node != nullptr; node = node->next) {
          ASSERT_EQ(node->value, --length);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(failures.load(), 0u);
  rt.collect();
  EXPECT_EQ(rt.stats().heap_pages_bytes, 0u);
}

TEST(MemoryLimitTest, KeepsTheHeapNearTheLimitWhereItCan) {
  Options options = precise_options();
  options.debug = {};
  options.gc_percent = gc::kGcOff;
  options.memory_limit = uint64_t{32} << 20;
  Runtime rt(options);
  Thread thread(rt);
  Handle<Tree> kept;
  for (uint64_t i = 0; i < 200'000; ++i) kept = thread.make<Tree>(kept.get(), nullptr, i);
  for (int i = 0; i < 3'000'000; ++i) thread.make<Tree>();  // 96 MB of garbage
  EXPECT_LE(rt.stats().heap_resident_bytes, uint64_t{64} << 20);
  EXPECT_GT(rt.stats().cycles, 1u);
}

TEST(MemoryLimitTest, AnUnreachableLimitSlowsButDoesNotStop) {
  Options options = precise_options();
  options.debug = {};
  options.memory_limit = uint64_t{1} << 20;
  Runtime rt(options);
  Thread thread(rt);
  Handle<Tree> kept;
  for (uint64_t i = 0; i < 300'000; ++i) kept = thread.make<Tree>(kept.get(), nullptr, i);
  EXPECT_EQ(kept->value, 299'999u);
  EXPECT_LT(rt.stats().cycles, 2000u) << "each cycle lets the heap grow";
}

TEST(SettersTest, GiveThePreviousValueAndTakeEffect) {
  Options options = precise_options();
  options.debug = {};
  Runtime rt(options);
  EXPECT_EQ(rt.set_gc_percent(50), 100);
  EXPECT_EQ(rt.set_gc_percent(gc::kGcOff), 50);
  EXPECT_EQ(rt.set_memory_limit(uint64_t{1} << 30), 0u);
  EXPECT_EQ(rt.set_memory_limit(0), uint64_t{1} << 30);
  Thread thread(rt);
  for (int i = 0; i < 1'000'000; ++i) thread.make<Tree>();
  EXPECT_EQ(rt.stats().cycles, 0u) << "off";
  rt.set_gc_percent(100);
  for (int i = 0; i < 1'000'000; ++i) thread.make<Tree>();
  EXPECT_GT(rt.stats().cycles, 0u) << "on again";
}

}  // namespace
}  // namespace greyhound::runtime
