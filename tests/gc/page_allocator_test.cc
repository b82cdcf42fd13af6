// SPDX-License-Identifier: MIT
// The page allocator against a model that keeps one byte a page.
#include "gc/heap/page_allocator.h"

#include <map>
#include <vector>

#include "gc/memory/os_memory.h"
#include "tests/gc/fixture.h"
#include "tests/system_faults.h"

namespace greyhound::gc {
namespace {

constexpr size_t kNone = PageAllocator::kNoPage;
constexpr size_t kChunk = PageAllocator::kChunkPages;

class PageAllocatorTest : public ::testing::Test {
 protected:
  static constexpr size_t kPages = 8 * kChunk;

  // Real memory, so that returning pages to the system can be seen.
  PageAllocatorTest() {
    range_ = os_reserve(kPages << kPageShift);
    tables_.resize(PageAllocator::table_bytes(kPages) / sizeof(uint64_t));
    pages.initialise(range_.base, kPages, tables_.data());
  }
  ~PageAllocatorTest() override { os_release(range_); }

  size_t allocate(size_t count) {
    bool zeroed = false;
    return pages.allocate(count, &zeroed);
  }
  bool zeroed_at(size_t count) {
    bool zeroed = false;
    pages.allocate(count, &zeroed);
    return zeroed;
  }
  // From the top down, as the heap does; notes the chunks that were emptied.
  size_t return_pages(size_t bytes) {
    size_t returned = 0;
    for (size_t chunk = pages.frontier_pages() / kChunk; chunk-- > 0 && returned < bytes;) {
      bool empty = false;
      returned += pages.return_to_system(chunk, bytes - returned, &empty);
      if (empty) emptied_chunks.push_back(chunk);
    }
    return returned;
  }
  uint64_t* page(size_t index) {
    return reinterpret_cast<uint64_t*>(range_.base + (index << kPageShift));
  }

  OsRange range_;
  std::vector<uint64_t> tables_;
  PageAllocator pages;
  std::vector<size_t> emptied_chunks;
};

TEST_F(PageAllocatorTest, FillsFromTheLowestAddress) {
  EXPECT_EQ(allocate(3), 0u);
  EXPECT_EQ(allocate(1), 3u);
  EXPECT_EQ(allocate(500), 4u);
  EXPECT_EQ(pages.used_pages(), 504u);
}

TEST_F(PageAllocatorTest, TakesTheFirstHoleThatFits) {
  for (int i = 0; i < 10; ++i) allocate(10);
  pages.release(10, 10);
  pages.release(50, 20);
  EXPECT_EQ(allocate(15), 50u);
  EXPECT_EQ(allocate(10), 10u);
  EXPECT_EQ(allocate(5), 65u);
  EXPECT_EQ(allocate(6), 100u);
}

TEST_F(PageAllocatorTest, NeighbouringHolesAreOne) {
  for (int i = 0; i < 4; ++i) allocate(10);
  pages.release(10, 10);
  pages.release(20, 10);
  EXPECT_EQ(allocate(20), 10u);
}

TEST_F(PageAllocatorTest, RunsMayCrossChunks) {
  EXPECT_EQ(allocate(kChunk - 5), 0u);
  EXPECT_EQ(allocate(10), kChunk - 5);
  EXPECT_EQ(allocate(3 * kChunk), kChunk + 5);
  pages.release(kChunk - 5, 10);
  pages.release(kChunk + 5, 3 * kChunk);
  EXPECT_EQ(allocate(3 * kChunk + 10), kChunk - 5);
}

TEST_F(PageAllocatorTest, SaysWhenThereIsNoRoom) {
  EXPECT_EQ(allocate(kPages + 1), kNone);
  EXPECT_EQ(allocate(kPages), 0u);
  EXPECT_EQ(allocate(1), kNone);
  pages.release(7, 1);
  EXPECT_EQ(allocate(2), kNone);
  EXPECT_EQ(allocate(1), 7u);
  EXPECT_EQ(pages.used_pages(), kPages);
}

TEST_F(PageAllocatorTest, AFailedAllocationTakesNothing) {
  allocate(kPages - 3);
  EXPECT_EQ(allocate(4), kNone);
  EXPECT_EQ(pages.used_pages(), kPages - 3);
  EXPECT_EQ(allocate(3), kPages - 3);
}

TEST_F(PageAllocatorTest, FreshPagesReadAsZeroAndReusedOnesAreSaidNotTo) {
  EXPECT_TRUE(zeroed_at(10));
  pages.release(0, 10);
  EXPECT_FALSE(zeroed_at(10));
  EXPECT_TRUE(zeroed_at(1));
  pages.release(10, 1);
  EXPECT_FALSE(zeroed_at(5)) << "one page of it was used";
}

TEST_F(PageAllocatorTest, ReturnedPagesReadAsZeroAgain) {
  allocate(8);
  for (size_t i = 0; i < 8; ++i) *page(i) = 7;
  pages.release(2, 4);
  EXPECT_EQ(pages.resident_pages(), 8u);
  EXPECT_EQ(return_pages(SIZE_MAX), size_t{4} << kPageShift);
  EXPECT_EQ(pages.resident_pages(), 4u);
  EXPECT_EQ(return_pages(SIZE_MAX), 0u) << "nothing is left to return";
  bool zeroed = false;
  EXPECT_EQ(pages.allocate(4, &zeroed), 2u);
  EXPECT_TRUE(zeroed);
  for (size_t i = 2; i < 6; ++i) EXPECT_EQ(*page(i), 0u);
  EXPECT_EQ(*page(1), 7u);
  EXPECT_EQ(*page(6), 7u);
}

TEST_F(PageAllocatorTest, ReturnsRunsOfAChunkUntilThereIsEnough) {
  allocate(kChunk);
  pages.release(0, 100);
  pages.release(200, 100);
  bool emptied = true;
  EXPECT_EQ(pages.return_to_system(0, 50 << kPageShift, &emptied), size_t{100} << kPageShift);
  EXPECT_FALSE(emptied);
  EXPECT_TRUE(zeroed_at(100));
  pages.release(0, 100);
  EXPECT_EQ(pages.resident_pages(), kChunk) << "the second run is still dirty";
}

TEST_F(PageAllocatorTest, ARunThatTheSystemKeepsStaysDirtyAndTheOthersAreReturned) {
  allocate(kChunk);
  pages.release(0, 100);
  pages.release(200, 100);
  bool emptied = true;
  {
    const SystemFault fault(Call::kMadvise, EINVAL, 1);
    EXPECT_EQ(pages.return_to_system(0, SIZE_MAX, &emptied), size_t{100} << kPageShift);
  }
  EXPECT_FALSE(emptied);
  EXPECT_EQ(pages.resident_pages(), kChunk - 100);
  EXPECT_FALSE(zeroed_at(100)) << "the first run is as it was";
  EXPECT_TRUE(zeroed_at(100));
}

TEST_F(PageAllocatorTest, TellsOfEachChunkThatItEmptied) {
  allocate(3 * kChunk);
  pages.release(0, 2 * kChunk);
  pages.release(2 * kChunk, kChunk - 1);
  return_pages(SIZE_MAX);
  EXPECT_EQ(emptied_chunks, (std::vector<size_t>{1, 0})) << "the last page of the third is used";
  return_pages(SIZE_MAX);
  EXPECT_EQ(emptied_chunks.size(), 2u) << "each time once";
}

TEST_F(PageAllocatorTest, AgreesWithTheModel) {
  GREYHOUND_SEEDED(random);
  std::vector<char> used(kPages), dirty(kPages);
  std::map<size_t, size_t> runs;
  const auto first_fit = [&](size_t count) {
    size_t run = 0;
    for (size_t p = 0; p < kPages; ++p) {
      run = used[p] ? 0 : run + 1;
      if (run == count) return p + 1 - count;
    }
    return kNone;
  };
  for (int i = 0; i < 4000; ++i) {
    if (random() % 3 != 0 || runs.empty()) {
      const size_t count = 1 + (random() % 8 == 0 ? random() % 1500 : random() % 40);
      const size_t expected = first_fit(count);
      bool zeroed = false;
      const size_t got = pages.allocate(count, &zeroed);
      ASSERT_EQ(got, expected) << "a run of " << count;
      if (got == kNone) continue;
      bool clean = true;
      for (size_t p = got; p < got + count; ++p) {
        clean &= !dirty[p];
        used[p] = dirty[p] = 1;
      }
      ASSERT_EQ(zeroed, clean);
      runs[got] = count;
    } else if (random() % 64 == 0) {
      return_pages(SIZE_MAX);
      for (size_t p = 0; p < kPages; ++p) dirty[p] = used[p];
    } else {
      auto run = runs.lower_bound(random() % kPages);
      if (run == runs.end()) run = runs.begin();
      pages.release(run->first, run->second);
      std::fill_n(used.begin() + static_cast<ptrdiff_t>(run->first), run->second, 0);
      runs.erase(run);
    }
    ASSERT_EQ(pages.used_pages(), static_cast<size_t>(std::count(used.begin(), used.end(), 1)));
    ASSERT_EQ(pages.resident_pages(),
              static_cast<size_t>(std::count(dirty.begin(), dirty.end(), 1)));
  }
}

}  // namespace
}  // namespace greyhound::gc
