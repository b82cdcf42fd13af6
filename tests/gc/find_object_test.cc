// SPDX-License-Identifier: MIT
// findObject: from any address inside an object to its base.
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class FindObjectTest : public SteppingTest {
 protected:
  void* allocate(size_t size) {
    ActAs act(*a);
    return mallocgc(size, nullptr);
  }
};

TEST_F(FindObjectTest, EveryByteOfEveryClassResolvesToItsBase) {
  for (size_t c = 1; c < kNumSizeClasses; ++c) {
    const size_t size = kSizeClasses[c].size;
    for (int i = 0; i < 3; ++i) {
      const uintptr_t base = address_of(allocate(size));
      const size_t step = size > 1024 ? 61 : 1;
      for (size_t offset = 0; offset < size; offset += step) {
        const FoundObject found = collector.heap.findObject(base + offset);
        ASSERT_EQ(found.base, base) << "size " << size << " offset " << offset;
        ASSERT_EQ(found.span->object_base(found.index), base);
      }
      ASSERT_EQ(collector.heap.findObject(base + size - 1).base, base);
    }
  }
}

TEST_F(FindObjectTest, ASpansUnusableTailIsNoObject) {
  for (size_t c = 1; c < kNumSizeClasses; ++c) {
    const uintptr_t object = address_of(allocate(kSizeClasses[c].size));
    const mspan* span = collector.heap.span_of(object);
    if (span->limit() == span->base + span->bytes()) continue;
    EXPECT_EQ(collector.heap.findObject(span->limit()).base, 0u);
    EXPECT_EQ(collector.heap.findObject(span->base + span->bytes() - 1).base, 0u);
    EXPECT_NE(collector.heap.findObject(span->limit() - 1).base, 0u);
  }
}

TEST_F(FindObjectTest, ALargeObjectIsFoundFromAnyOfItsPages) {
  const size_t size = 5 * kPageSize + 17;
  const uintptr_t base = address_of(allocate(size));
  for (size_t offset = 0; offset < size; offset += 4099)
    EXPECT_EQ(collector.heap.findObject(base + offset).base, base);
  EXPECT_EQ(collector.heap.findObject(base + size - 1).base, base);
}

TEST_F(FindObjectTest, AddressesOutsideTheHeapAreNone) {
  int local = 0;
  for (uintptr_t address :
       {uintptr_t{0}, uintptr_t{1}, ~uintptr_t{0}, address_of(&local), collector.heap.base() - 1,
        collector.heap.base() + collector.heap.size()}) {
    EXPECT_EQ(collector.heap.findObject(address).base, 0u) << address;
    EXPECT_FALSE(collector.heap.contains(address));
  }
}

TEST_F(FindObjectTest, PagesWithoutASpanAreNone) {
  EXPECT_EQ(collector.heap.findObject(collector.heap.base()).base, 0u);
  EXPECT_EQ(collector.heap.findObject(collector.heap.base() + collector.heap.size() - 1).base, 0u);
}

TEST_F(FindObjectTest, AFreedSpanIsNoneAgain) {
  const uintptr_t base = address_of(allocate(100'000));
  ASSERT_EQ(collector.heap.findObject(base + 50'000).base, base);
  collect();
  EXPECT_EQ(collector.heap.findObject(base + 50'000).base, 0u);
}

TEST_F(FindObjectTest, RandomAddressesAgreeWithTheListOfObjects) {
  GREYHOUND_SEEDED(random);
  std::vector<std::pair<uintptr_t, size_t>> objects;
  for (int i = 0; i < 2000; ++i) {
    const size_t size = 16 + random() % (random() % 10 == 0 ? 100'000 : 2000);
    objects.emplace_back(address_of(allocate(size)), size);
  }
  for (int i = 0; i < 20000; ++i) {
    const auto& [base, size] = objects[random() % objects.size()];
    ASSERT_EQ(collector.heap.findObject(base + random() % size).base, base);
  }
}

}  // namespace
}  // namespace greyhound::gc
