// SPDX-License-Identifier: MIT
// mallocgc: alignment, zeroing, tiny objects, large objects, counts. Runs under GREYHOUND_DEBUG
// too.
#include "gc/alloc/malloc.h"

#include <algorithm>
#include <set>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class MallocTest : public HeapTest {
 protected:
  // Roots for what a test lays down in a C++ container, which is none.
  template <class T>
  struct Kept {
    explicit Kept(Mutator& m, size_t count) : mutator(m), words(count), range{words.data(), count} {
      mutator.add_root_range(&range);
    }
    ~Kept() { mutator.remove_root_range(&range); }
    T*& operator[](size_t i) { return reinterpret_cast<T*&>(words[i]); }
    Mutator& mutator;
    std::vector<uintptr_t> words;
    RootRange range;
  };
  static bool all_zero(const void* memory, size_t size) {
    const auto* bytes = static_cast<const char*>(memory);
    return std::all_of(bytes, bytes + size, [](char c) { return c == 0; });
  }
};

TEST_F(MallocTest, ObjectsAreAlignedToSixteenBytes) {
  for (size_t size = 16; size <= 3000; ++size)
    EXPECT_EQ(address_of(mallocgc(size, nullptr)) % 16, 0u) << size;
  EXPECT_EQ(address_of(mallocgc(40'000, nullptr)) % kPageSize, 0u);
}

TEST_F(MallocTest, TinyObjectsAreAlignedToTheirSizesLargestPowerOfTwo) {
  for (int round = 0; round < 100; ++round) {
    for (size_t size = 1; size < 16; ++size) {
      EXPECT_EQ(address_of(mallocgc(size, nullptr)) % (size & (~size + 1)), 0u) << size;
    }
  }
}

TEST_F(MallocTest, TinyObjectsDoNotOverlap) {
  Kept<uint32_t> kept(*mutator, 4000);
  for (size_t i = 0; i < 4000; ++i) {
    kept[i] = static_cast<uint32_t*>(mallocgc(4, nullptr));
    EXPECT_EQ(*kept[i], 0u);
    *kept[i] = static_cast<uint32_t>(i);
  }
  for (size_t i = 0; i < 4000; ++i) ASSERT_EQ(*kept[i], i);
}

TEST_F(MallocTest, EverySizeIsZeroed) {
  for (size_t size : {1, 8, 15, 16, 24, 100, 1000, 5000, 32768, 32769, 300'000}) {
    EXPECT_TRUE(all_zero(mallocgc(size, nullptr), size)) << size;
  }
}

TEST_F(MallocTest, ReusedMemoryIsZeroedAgain) {
  for (int round = 0; round < 4; ++round) {
    for (size_t size : {1, 7, 16, 48, 1000, 5000, 32768, 40'000}) {
      for (int i = 0; i < 40; ++i) {
        void* memory = mallocgc(size, nullptr);
        ASSERT_TRUE(all_zero(memory, size)) << size << " in round " << round;
        std::memset(memory, 0xff, size);
      }
    }
    collector.collect();
  }
}

TEST_F(MallocTest, ReusedPointerfulMemoryIsZeroedAgain) {
  for (int round = 0; round < 4; ++round) {
    for (int i = 0; i < 3000; ++i) {
      auto* node = make<Node>();
      ASSERT_TRUE(all_zero(node, sizeof(Node)));
      node->next = node;
      node->value = ~uint64_t{0};
    }
    collector.collect();
  }
}

TEST_F(MallocTest, ObjectsOfEveryKindKeepTheirContents) {
  GREYHOUND_SEEDED(random);
  constexpr size_t kCount = 600;
  Kept<unsigned char> kept(*mutator, kCount);
  std::vector<size_t> sizes(kCount);
  for (int i = 0; i < 6000; ++i) {
    const size_t at = random() % kCount;
    if (kept[at] != nullptr) {
      for (size_t b = 0; b < sizes[at]; ++b)
        ASSERT_EQ(kept[at][b], static_cast<unsigned char>(at + b)) << sizes[at];
    }
    const size_t size = 1 + random() % (random() % 50 == 0  ? 50'000
                                        : random() % 5 == 0 ? 3000
                                                            : 100);
    kept[at] = static_cast<unsigned char*>(mallocgc(size, nullptr));
    sizes[at] = size;
    for (size_t b = 0; b < size; ++b) kept[at][b] = static_cast<unsigned char>(at + b);
    if (i % 1000 == 0) collector.collect();
  }
}

TEST_F(MallocTest, ASizeOfZeroGivesOneAddressOutsideTheHeap) {
  void* nothing = mallocgc(0, nullptr);
  EXPECT_NE(nothing, nullptr);
  EXPECT_EQ(mallocgc(0, type_of<Node>()), nothing);
  EXPECT_FALSE(collector.heap.contains(address_of(nothing)));
}

TEST_F(MallocTest, AnArrayOfTooMuchIsNull) {
  EXPECT_EQ(newarray(type_of<Node>(), SIZE_MAX / 8), nullptr);
  EXPECT_EQ(newarray(type_of<Node>(), SIZE_MAX), nullptr);
  EXPECT_NE(newarray(type_of<Node>(), 0), nullptr);
}

TEST_F(MallocTest, ArraysAreScannedToTheirEnd) {
  for (size_t count : {1, 2, 10, 43, 1000, 20'000, 100'000}) {
    auto* array = static_cast<Node*>(newarray(type_of<Node>(), count));
    array[count - 1].next = make<Node>();
    array[count - 1].next->value = count;
    array[0].other = make<Node>();
    array[0].other->value = count + 1;
    collector.collect();
    EXPECT_EQ(array[count - 1].next->value, count);
    EXPECT_EQ(array[0].other->value, count + 1);
  }
}

TEST_F(MallocTest, EveryElementOfALargeArrayIsScanned) {
  // Elements of 3 words: oblets begin in the middle of one.
  constexpr size_t kCount = 30'000;
  auto* array = static_cast<Node*>(newarray(type_of<Node>(), kCount));
  for (size_t i = 0; i < kCount; i += 7) {
    array[i].next = make<Node>();
    array[i].next->value = i;
  }
  collector.collect();
  collector.collect();
  for (size_t i = 0; i < kCount; i += 7) ASSERT_EQ(array[i].next->value, i);
}

TEST_F(MallocTest, MallocsAndBytesAreCounted) {
  const GcStats before = collector.stats();
  for (int i = 0; i < 1000; ++i) make<Node>();             // 32-byte slots
  for (int i = 0; i < 1000; ++i) mallocgc(4, nullptr);     // tiny
  for (int i = 0; i < 100; ++i) mallocgc(100, nullptr);    // 112-byte slots
  for (int i = 0; i < 10; ++i) mallocgc(40'000, nullptr);  // 5 pages
  const GcStats after = collector.stats();
  EXPECT_EQ(after.mallocs - before.mallocs, 2110u);
  const uint64_t bytes = after.alloc_bytes - before.alloc_bytes;
  EXPECT_GE(bytes, 1000u * 32 + 1000 * 4 + 100 * 112 + 10 * 5 * kPageSize);
  EXPECT_LE(bytes, 1000u * 32 + 1000 * 4 + 100 * 112 + 10 * 5 * kPageSize + 4096);
}

TEST_F(MallocTest, EveryAllocationIsASafepoint) {
  // Nobody else runs this thread, so a cycle that another one waits for ends only if malloc
  // answers.
  const uint64_t before = collector.completed_cycles();
  collector.request_cycle();
  for (int i = 0; i < 200'000'000 && collector.completed_cycles() == before; ++i)
    mallocgc(16, nullptr);
  EXPECT_GT(collector.completed_cycles(), before);
}

class MallocExactTest : public SteppingTest {};

TEST_F(MallocExactTest, TinyObjectsShareBlocksAndNeverStraddleTwo) {
  GREYHOUND_SEEDED(random);
  ActAs act(*a);
  size_t bytes = 0;
  std::set<uintptr_t> blocks;
  for (int i = 0; i < 2000; ++i) {
    const size_t size = 1 + random() % 15;
    const uintptr_t object = address_of(mallocgc(size, nullptr));
    ASSERT_EQ(object / kGranule, (object + size - 1) / kGranule) << size;
    blocks.insert(object / kGranule);
    bytes += size;
  }
  EXPECT_LT(blocks.size(), 2000u) << "they do share";
  EXPECT_LE(bytes, blocks.size() * kGranule);
}

TEST_F(MallocExactTest, OneMallocIsOneMallocWhateverItsPath) {
  struct Rare {
    uint64_t pad = 0;
    Ref<Node> ref;
  };
  const auto count = [&](size_t size, const Type* type) {
    ActAs act(*a);
    const uint64_t before = collector.stats().mallocs;
    for (int i = 0; i < 777; ++i) mallocgc(size, type);
    return collector.stats().mallocs - before;
  };
  EXPECT_EQ(count(24, type_of<Node>()), 777u);
  EXPECT_EQ(count(16, type_of<Rare>()), 777u);
  EXPECT_EQ(count(3, nullptr), 777u);
  EXPECT_EQ(count(500, nullptr), 777u);
  EXPECT_EQ(count(33'000, nullptr), 777u);
  EXPECT_EQ(count(0, nullptr), 0u) << "nothing is allocated";
}

TEST_F(MallocExactTest, LiveBytesFollowAllocationAndCollection) {
  TestRoot root(*a, make<std::array<uint64_t, 10'000>>(a));
  for (int i = 0; i < 1000; ++i) make(a);
  const uint64_t live = collector.stats().heap_live;
  EXPECT_GE(live, 80'000u + 1000 * 32);
  EXPECT_LE(live, 80'000u + 1000 * 32 + 64 * 1024);
  collect();
  const uint64_t after = collector.stats().heap_live;
  EXPECT_GE(after, 80'000u);
  EXPECT_LE(after, 80'000u + kPageSize);
  root = nullptr;
  collect();
  EXPECT_EQ(collector.stats().heap_live, 0u);
}

TEST_F(MallocExactTest, LiveBytesNeverWrapAround) {
  for (int cycle = 0; cycle < 5; ++cycle) {
    make(a);
    make<uint32_t>(b);
    collect();
    EXPECT_EQ(collector.stats().heap_live, 0u);
    EXPECT_LT(collector.stats().last_cycle.heap_before, uint64_t{1} << 20);
  }
}

}  // namespace
}  // namespace greyhound::gc
