// SPDX-License-Identifier: MIT
// The seam to the system's memory, with every call to the system failing once and for ever. What
// the heap makes of it is tested here, too; what a program sees in tests/runtime/limits_test.cc.
#include "gc/memory/os_memory.h"

#include <dlfcn.h>
#include <sys/mman.h>

#include <cerrno>
#include <new>
#include <set>
#include <string>
#include <vector>

#include "tests/gc/fixture.h"
#include "tests/system_faults.h"

namespace greyhound::gc {
namespace {

bool takes_mimalloc() { return std::string(memory_source()).starts_with("mimalloc 2."); }

uint64_t* words(const OsRange& range) { return reinterpret_cast<uint64_t*>(range.base); }

bool all_zero(const OsRange& range) {
  for (size_t i = 0; i < range.bytes / 8; ++i) {
    if (words(range)[i] != 0) return false;
  }
  return true;
}

// A block that was written to, so that the source may hand it out again as it is.
void leave_a_dirty_block(size_t bytes) {
  const OsRange used = os_reserve(bytes);
  std::memset(words(used), 0xab, bytes);
  os_release(used);
}

constexpr size_t kSmall = size_t{4} << 20;

#if !defined(GREYHOUND_ASAN) && !defined(GREYHOUND_TSAN)
TEST(OsMemory, ComesFromMimallocApartFromTheProgram) {
  if (!takes_mimalloc()) GTEST_SKIP() << "mimalloc is not there: " << memory_source();
  Dl_info info;
  for (const char* name : {"malloc", "free", "_Znwm", "_ZdlPv"}) {
    ASSERT_NE(dladdr(dlsym(RTLD_DEFAULT, name), &info), 0) << name;
    EXPECT_EQ(std::string(info.dli_fname).find("mimalloc"), std::string::npos)
        << name << " is " << info.dli_fname << "'s";
  }
  const volatile size_t too_much = size_t{1} << 48;  // more than there are addresses
  void* volatile block = nullptr;                    // so that the call is not optimised away
  EXPECT_THROW(block = ::operator new(too_much), std::bad_alloc);
  EXPECT_EQ(block, nullptr);
}
#endif

TEST(OsMemory, ARangeIsAlignedAndZero) {
  for (const size_t bytes : {kSystemPage, kSmall, 5 * kSmall, size_t{1} << 30}) {
    const OsRange range = os_reserve(bytes);
    ASSERT_NE(range.base, 0u);
    EXPECT_EQ(range.base % kRangeAlignment, 0u);
    EXPECT_EQ(range.bytes, bytes);
    EXPECT_EQ(words(range)[0] | words(range)[bytes / 8 - 1], 0u);
    os_release(range);
  }
}

TEST(OsMemory, AUsedBlockReadsAsZeroWhenItIsReservedAgain) {
  for (int i = 0; i < 4; ++i) {
    leave_a_dirty_block(kSmall);
    const OsRange range = os_reserve(kSmall);
    EXPECT_TRUE(all_zero(range));
    os_release(range);
  }
}

TEST(OsMemory, AUsedBlockReadsAsZeroThoughTheSystemKeepsItsPages) {
  for (const int times : {1, kForEver}) {
    leave_a_dirty_block(kSmall);
    const SystemFault fault(Call::kMadvise, EINVAL, times);
    const OsRange range = os_reserve(kSmall);
    ASSERT_NE(range.base, 0u);
    EXPECT_TRUE(all_zero(range));
    os_release(range);
  }
}

TEST(OsMemory, WhatCannotBeClearedIsNotHandedOut) {
  if (!takes_mimalloc()) GTEST_SKIP() << "mapped anew each time";
  leave_a_dirty_block(kSmall);
  const SystemFault keeps(Call::kMadvise, EINVAL);
  const SystemFault silent(Call::kMincore, EAGAIN);
  EXPECT_EQ(os_reserve(kSmall).base, 0u);
  EXPECT_EQ(silent.failed(), 1);
}

TEST(OsMemory, SaysWhetherPagesThatAreReturnedReadAsZero) {
  const OsRange range = os_reserve(kSmall);
  words(range)[0] = 7;
  {
    const SystemFault fault(Call::kMadvise, EINVAL, 1);
    EXPECT_FALSE(os_return_pages(words(range), kSmall));
    EXPECT_EQ(words(range)[0], 7u);
    EXPECT_TRUE(os_return_pages(words(range), kSmall)) << "the next call succeeds";
    EXPECT_EQ(words(range)[0], 0u);
  }
  os_release(range);
}

#if !defined(GREYHOUND_ASAN) && !defined(GREYHOUND_TSAN)  // which lock nothing
TEST(OsMemory, LockedPagesAreKept) {
  const OsRange range = os_reserve(kSmall);
  if (mlock(words(range), kSystemPage) != 0) {
    os_release(range);
    GTEST_SKIP() << "no page may be locked here";
  }
  words(range)[0] = 7;
  EXPECT_FALSE(os_return_pages(words(range), kSystemPage));
  EXPECT_EQ(words(range)[0], 7u);
  munlock(words(range), kSystemPage);
  os_release(range);
}
#endif

TEST(OsMemory, HugePagesAreAnAdviceOnly) {
  const SystemFault fault(Call::kMadvise, EINVAL);
  const OsRange range = os_reserve(kSmall);
  os_advise_huge(words(range), kSmall);
  words(range)[0] = 1;
  os_release(range);
}

TEST(OsMemory, MetadataIsZeroedAndMayBeRefused) {
  for (int i = 0; i < 100; ++i) {
    auto* block = static_cast<unsigned char*>(try_metadata_alloc(4096));
    ASSERT_NE(block, nullptr);
    for (int k = 0; k < 4096; ++k) ASSERT_EQ(block[k], 0);
    std::memset(block, 0xab, 4096);
    metadata_free(block);
  }
  if (!takes_mimalloc()) return;
  const SystemFault fault(Call::kMiMalloc, ENOMEM);
  EXPECT_EQ(try_metadata_alloc(64), nullptr);
  EXPECT_EXIT(metadata_alloc(64), ::testing::ExitedWithCode(2),
              "out of memory for 64 bytes of the collector's own; raise the limit");
}

// --- without mimalloc: where its library is not found, or is not what it should be

[[noreturn]] void work_without_mimalloc() {
  EXPECT_STREQ(memory_source(), "system");
  leave_a_dirty_block(kSmall);
  const OsRange range = os_reserve(kSmall);
  EXPECT_TRUE(all_zero(range));
  {
    const SystemFault no_room(Call::kMunmap, ENOMEM);
    words(range)[0] = 7;
    os_release(range);
    EXPECT_EQ(words(range)[0], 0u) << "the addresses stay, the memory does not";
  }
  {
    const SystemFault fault(Call::kMmap, ENOMEM, 1);
    EXPECT_EQ(os_reserve(kSmall).base, 0u);
  }
  metadata_free(try_metadata_alloc(100));
  Collector collector(quiet_options());
  EXPECT_TRUE(collector.start());
  Mutator mutator(&collector, "test");
  mutator.bind();
  for (int i = 0; i < 100'000; ++i) newobject(type_of<Node>());
  collector.collect();
  std::_Exit(::testing::Test::HasFailure() ? 1 : 0);
}

class WithoutMimalloc : public ::testing::Test {
 protected:
  // A process of its own: which source there is, is found out once.
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(WithoutMimalloc, ALibraryThatIsNotThereLeavesTheSystemsMemory) {
  EXPECT_EXIT(
      {
        const SystemFault fault(Call::kDlopen, ENOENT);
        work_without_mimalloc();
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(WithoutMimalloc, ALibraryThatLacksAFunctionIsNotUsed) {
  EXPECT_EXIT(
      {
        const SystemFault fault(Call::kDlsym, ENOENT, 1);
        work_without_mimalloc();
      },
      ::testing::ExitedWithCode(0), "");
}

// --- the heap

class RefusedRange : public ::testing::Test {
 protected:
  // Once, for ever: of the call that this process reserves by.
  static Call reserving() { return takes_mimalloc() ? Call::kMiMallocAligned : Call::kMmap; }
};

TEST_F(RefusedRange, OnceGivesASmallerOne) {
  Collector collector(quiet_options());
  const SystemFault fault(reserving(), ENOMEM, 1);
  ASSERT_TRUE(collector.start());
  EXPECT_EQ(collector.heap.size(), (quiet_options().reserve / 4 * 3));
}

TEST_F(RefusedRange, TheRoomForTheProgramCountsToo) {
  Options options = quiet_options();
  Collector collector(options);
  {
    // The range can be had, and then nothing else.
    const SystemFault fault(reserving(), ENOMEM, 3);
    ASSERT_TRUE(collector.start());
  }
  EXPECT_LT(collector.heap.size(), options.reserve / 2);
}

TEST_F(RefusedRange, ForEverGivesNone) {
  Collector collector(quiet_options());
  const SystemFault fault(reserving(), ENOMEM);
  EXPECT_FALSE(collector.start());
}

TEST(Reserve, AnySizeMakesAHeapOfWholeChunks) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  for (const uint64_t reserve :
       {uint64_t{1}, kMiB, 5 * kMiB, 65 * kMiB, 4160 * kMiB, (uint64_t{1} << 40) + 1, UINT64_MAX}) {
    Options options = quiet_options();
    options.reserve = reserve;
    Collector collector(options);
    ASSERT_TRUE(collector.start()) << reserve;
    EXPECT_GT(collector.heap.size(), 0u);
    EXPECT_EQ(collector.heap.size() % PageAllocator::kChunkBytes, 0u) << reserve;
    if (reserve < (uint64_t{8} << 30)) {
      EXPECT_EQ(collector.heap.size(), align_up(reserve, PageAllocator::kChunkBytes));
    }
  }
}

class KeptPages : public HeapTest {
 protected:
  static constexpr size_t kWords = size_t{1} << 17;

  // No cycle but those that are asked for: another one would return what a test is to return, or
  // hold it as not yet swept.
  static Options options() {
    Options options = usual_options();
    options.gc_percent = -1;
    options.debug.gcstress = 0;
    return options;
  }
  KeptPages() : HeapTest(options()) {}

  // Arrays of a MiB, written to, that nothing keeps.
  void litter() {
    for (int i = 0; i < 40; ++i) std::memset(mallocgc(kWords * 8, nullptr), 0xab, kWords * 8);
    collector.collect();
  }
  size_t non_zero_words_in_fresh_arrays() {
    size_t count = 0;
    for (int i = 0; i < 20; ++i) {
      auto* array = static_cast<uint64_t*>(mallocgc(kWords * 8, nullptr));
      for (size_t k = 0; k < kWords; ++k) count += array[k] != 0;
    }
    return count;
  }
};

TEST_F(KeptPages, AreNotTakenForZeroAndNotForReturned) {
  litter();
  const size_t resident = collector.heap.resident_bytes();
  {
    const SystemFault fault(Call::kMadvise, EINVAL);
    EXPECT_EQ(collector.heap.return_to_system(SIZE_MAX), 0u);
    EXPECT_GT(fault.failed(), 0);
    EXPECT_EQ(collector.heap.resident_bytes(), resident);
    EXPECT_EQ(non_zero_words_in_fresh_arrays(), 0u);
  }
  litter();
  EXPECT_GT(collector.heap.return_to_system(SIZE_MAX), 0u) << "the system takes them again";
}

TEST_F(KeptPages, MayBeReturnedTheNextTime) {
  litter();
  const SystemFault fault(Call::kMadvise, EAGAIN, 1);
  const size_t first = collector.heap.return_to_system(SIZE_MAX);
  EXPECT_EQ(fault.failed(), 1);
  EXPECT_GT(first + collector.heap.return_to_system(SIZE_MAX), 0u);
  EXPECT_EQ(non_zero_words_in_fresh_arrays(), 0u);
}

TEST_F(KeptPages, AreKeptWhereTheHeapIsLocked) {
  litter();
  // The first MiBs, where the litter was.
  const auto* start = reinterpret_cast<const void*>(collector.heap.base());
  if (mlock(start, kSmall) != 0) GTEST_SKIP() << "no memory may be locked here";
  collector.heap.return_to_system(SIZE_MAX);
  EXPECT_EQ(non_zero_words_in_fresh_arrays(), 0u);
  munlock(start, kSmall);
}

TEST_F(KeptPages, SmallObjectsAreZeroOnThem) {
  std::vector<Node*> nodes;
  for (int i = 0; i < 50'000; ++i) newobject(type_of<Node>());
  collector.collect();
  const SystemFault fault(Call::kMadvise, EINVAL);
  collector.heap.return_to_system(SIZE_MAX);
  for (int i = 0; i < 50'000; ++i) {
    auto* node = make<Node>();
    ASSERT_EQ(node->next.get(), nullptr);
    ASSERT_EQ(node->value, 0u);
    node->value = ~uint64_t{0};
  }
}

// --- metadata

TEST_F(KeptPages, ALargeHeapsCycleNeedsNoMemoryFromTheSystem) {
  if (!takes_mimalloc()) GTEST_SKIP() << "the C library's blocks are not refused here";
  Ref<Node> list;
  for (int i = 0; i < 100'000; ++i) {
    Node* node = make<Node>();
    node->next = list.get();
    list = node;
  }
  const SystemFault fault(Call::kMiMalloc, ENOMEM);
  collector.collect();
  EXPECT_EQ(collector.stats().cycles, 1u);
}

struct Rare {
  std::array<Ref<Node>, 11> nodes;
};

TEST_F(KeptPages, ASharedSpansRecordFindsRoomInTheRange) {
  if (!takes_mimalloc()) GTEST_SKIP() << "the C library's blocks are not refused here";
  {
    const SystemFault fault(Call::kMiMalloc, ENOMEM);
    EXPECT_NE(newobject(type_of<Rare>()), nullptr);
    EXPECT_GT(fault.failed(), 0);
  }
  collector.collect();
  EXPECT_NE(newobject(type_of<Rare>()), nullptr);
}

TEST_F(KeptPages, AnAllocationThatFindsNoMetadataYieldsNull) {
  if (!takes_mimalloc()) GTEST_SKIP() << "the C library's blocks are not refused here";
  collector.collect();  // which takes the pages that it needs
  while (collector.heap.metadata_pages.allocate() != nullptr) {
  }
  {
    const SystemFault fault(Call::kMiMalloc, ENOMEM);
    EXPECT_EQ(newobject(type_of<Rare>()), nullptr) << "its span is shared, and wants a record";
    EXPECT_GT(fault.failed(), 0);
  }
  EXPECT_NE(newobject(type_of<Rare>()), nullptr);
}

TEST_F(KeptPages, ATraceGoesOnWithoutTheThreadsItHasNoMemoryFor) {
  if (!takes_mimalloc()) GTEST_SKIP() << "the C library's blocks are not refused here";
  {
    const SystemFault fault(Call::kMiMalloc, ENOMEM);
    ASSERT_TRUE(collector.start_trace({}));
  }
  collector.collect();
  const Trace trace = collector.tracer.stop();
  EXPECT_TRUE(trace.tracks.empty());
  EXPECT_GE(trace.untraced_threads, 2u);
  ASSERT_TRUE(collector.start_trace({}));
  collector.collect();
  EXPECT_FALSE(collector.tracer.stop().tracks.empty());
}

TEST(SystemPages, AreKeptForTheNextCycleUpToABound) {
  constexpr size_t kPages = 3000;
  const OsRange area = os_reserve(SystemPages::area_bytes(kPages));
  SystemPages pages;
  pages.initialise(reinterpret_cast<void*>(area.base), kPages);
  std::vector<void*> taken;
  for (size_t i = 0; i < kPages; ++i) {
    taken.push_back(pages.allocate());
    std::memset(taken.back(), 1, kSystemPage);
  }
  EXPECT_EQ(pages.allocate(), nullptr);
  for (void* page : taken) pages.free(page);
  EXPECT_EQ(pages.kept_bytes(), size_t{4} << 20);
  pages.return_kept();
  EXPECT_EQ(pages.kept_bytes(), 0u);
  std::set<void*> again;
  for (size_t i = 0; i < kPages; ++i) again.insert(pages.allocate());
  EXPECT_EQ(again, std::set<void*>(taken.begin(), taken.end()));
  EXPECT_EQ(pages.allocate(), nullptr);
  os_release(area);
}

TEST(SystemPages, AreHandedOutOnceEachAndAgainWhenFreed) {
  constexpr size_t kPages = 10;
  const OsRange area = os_reserve(SystemPages::area_bytes(kPages));
  SystemPages pages;
  EXPECT_EQ(pages.allocate(), nullptr) << "none before there is an area";
  pages.initialise(words(area), kPages);
  std::vector<void*> taken;
  for (size_t i = 0; i < kPages; ++i) {
    taken.push_back(pages.allocate());
    ASSERT_TRUE(pages.owns(taken.back()));
    std::memset(taken.back(), 0xab, kSystemPage);
  }
  EXPECT_EQ(pages.allocate(), nullptr);
  EXPECT_FALSE(pages.owns(&taken));
  pages.free(taken[3]);
  {
    const SystemFault fault(Call::kMadvise, EINVAL, 1);
    pages.free(taken[7]);
  }
  EXPECT_EQ(pages.allocate(), taken[7]);
  EXPECT_EQ(pages.allocate(), taken[3]);
  EXPECT_EQ(pages.allocate(), nullptr);
  os_release(area);
}

}  // namespace
}  // namespace greyhound::gc
