// SPDX-License-Identifier: MIT
// The pool of grey work: buffers, the count of active markers, and quiet as one observation.
#include "gc/mark/work_pool.h"

#include <thread>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

// So that all buffers are plain metadata.
SystemPages no_pages;

WorkBuffer* filled(WorkPool* pool, uintptr_t address) {
  WorkBuffer* buffer = pool->get_empty();
  buffer->entries[buffer->count++] = MarkEntry::at(address, MarkEntry::kExact);
  return buffer;
}

// Takes the one entry out.
uintptr_t emptied(WorkPool* pool, WorkBuffer* buffer) {
  const uintptr_t address = buffer->entries[--buffer->count].address();
  pool->put_empty(buffer);
  return address;
}

TEST(WorkPool, IsQuietWhenNothingIsQueuedAndNobodyIsActive) {
  WorkPool pool(&no_pages);
  EXPECT_TRUE(pool.quiet());
  pool.put(filled(&pool, 16));
  EXPECT_FALSE(pool.quiet());
  WorkBuffer* taken = pool.try_get(true);
  EXPECT_FALSE(pool.quiet()) << "the queue is empty, but its taker is at work";
  emptied(&pool, taken);
  EXPECT_FALSE(pool.quiet());
  pool.finish();
  EXPECT_TRUE(pool.quiet());
}

TEST(WorkPool, TakingFromAnEmptyPoolMakesNobodyActive) {
  WorkPool pool(&no_pages);
  EXPECT_EQ(pool.try_get(true), nullptr);
  EXPECT_TRUE(pool.quiet());
}

TEST(WorkPool, BuffersComeBackEmpty) {
  WorkPool pool(&no_pages);
  WorkBuffer* buffer = filled(&pool, 16);
  pool.put(buffer);
  EXPECT_EQ(emptied(&pool, pool.try_get(false)), 16u);
  WorkBuffer* again = pool.get_empty();
  EXPECT_EQ(again, buffer) << "recycled";
  EXPECT_TRUE(again->empty());
  pool.put_empty(again);
}

TEST(WorkPool, AMarkerWithNothingLeftIsDoneWhenNobodyElseIsActive) {
  WorkPool pool(&no_pages);
  pool.become_active();
  EXPECT_EQ(pool.get_or_finish(), nullptr);
  EXPECT_TRUE(pool.quiet());
}

TEST(WorkPool, AMarkerWithNothingLeftTakesWhatIsQueued) {
  WorkPool pool(&no_pages);
  pool.put(filled(&pool, 32));
  pool.become_active();
  EXPECT_EQ(emptied(&pool, pool.get_or_finish()), 32u);
  EXPECT_FALSE(pool.quiet());
  EXPECT_EQ(pool.get_or_finish(), nullptr);
  EXPECT_TRUE(pool.quiet());
}

TEST(WorkPool, AWaitingMarkerIsWokenByWorkAndByTheEnd) {
  WorkPool pool(&no_pages);
  pool.become_active();  // this thread
  pool.become_active();  // the other
  std::atomic<int> got{0};
  std::thread other([&] {
    while (WorkBuffer* buffer = pool.get_or_finish()) {
      emptied(&pool, buffer);
      got.fetch_add(1);
    }
  });
  while (!pool.hungry()) std::this_thread::yield();
  EXPECT_FALSE(pool.quiet()) << "this thread is active";
  pool.put(filled(&pool, 16));
  while (got.load() == 0 || !pool.hungry()) std::this_thread::yield();
  pool.finish();
  other.join();
  EXPECT_EQ(got.load(), 1);
  EXPECT_TRUE(pool.quiet());
}

TEST(WorkPool, EveryEntryIsTakenOnceByManyMarkers) {
  WorkPool pool(&no_pages);
  constexpr size_t kBuffers = 2000;
  constexpr int kMarkers = 4;
  for (int i = 0; i < kMarkers; ++i) pool.become_active();
  for (size_t i = 0; i < kBuffers; ++i) pool.put(filled(&pool, i * 16));
  std::vector<std::atomic<int>> taken(2 * kBuffers);
  std::vector<std::thread> markers;
  for (int m = 0; m < kMarkers; ++m) {
    markers.emplace_back([&] {
      while (WorkBuffer* buffer = pool.get_or_finish()) {
        const size_t entry = emptied(&pool, buffer) / 16;
        taken[entry].fetch_add(1);
        // Work makes work: each of the first ones adds another.
        if (entry < kBuffers) pool.put(filled(&pool, (entry + kBuffers) * 16));
      }
    });
  }
  for (std::thread& marker : markers) marker.join();
  for (const auto& count : taken) EXPECT_EQ(count.load(), 1);
  EXPECT_TRUE(pool.quiet());
}

TEST(WorkPool, TrimmingFreesSurplusBuffers) {
  WorkPool pool(&no_pages);
  std::vector<WorkBuffer*> buffers;
  for (int i = 0; i < 100; ++i) buffers.push_back(pool.get_empty());
  for (WorkBuffer* buffer : buffers) pool.put_empty(buffer);
  EXPECT_EQ(pool.bytes(), 100 * sizeof(WorkBuffer));
  pool.trim();
  EXPECT_LE(pool.bytes(), 16 * sizeof(WorkBuffer));
  EXPECT_GT(pool.bytes(), 0u);
}

}  // namespace
}  // namespace greyhound::gc
