// SPDX-License-Identifier: MIT
// The wait profile: what waits are recorded, with what weight, and where.
#include "gc/watch/wait_profile.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

const WaitRecord* find(const std::vector<WaitRecord>& records, const char* what) {
  const auto found = std::ranges::find_if(
      records, [what](const WaitRecord& r) { return std::strcmp(r.what, what) == 0; });
  return found == records.end() ? nullptr : &*found;
}

TEST(WaitProfile, NothingIsRecordedUnlessAsked) {
  WaitProfile profile;
  profile.record("test", 1000);
  EXPECT_TRUE(profile.records().empty());
}

TEST(WaitProfile, AtRateOneEveryWaitIsRecorded) {
  WaitProfile profile;
  profile.set_rate(1);
  {
    ProfileLabels label("scenario", "waiting");
    for (int i = 0; i < 10; ++i) {
      profile.record("test", 100);
      asm volatile("" : "+r"(i));  // unrolled, the loop would have ten callers
    }
  }
  const std::vector<WaitRecord> records = profile.records();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].count, 10);
  EXPECT_EQ(records[0].delay_ns, 1000);
  EXPECT_GE(records[0].stack.size(), 2u);
  EXPECT_EQ(records[0].labels, (LabelSet{{"scenario", "waiting"}}));
}

TEST(WaitProfile, ShortWaitsAreSampledAndWeighted) {
  WaitProfile profile;
  profile.set_rate(1000);
  for (int i = 0; i < 20'000; ++i) profile.record("test", 100);
  const std::vector<WaitRecord> records = profile.records();
  ASSERT_EQ(records.size(), 1u);
  // Some 2000 of them, which stand for ten each: six standard deviations are a quarter.
  EXPECT_NEAR(records[0].count, 20'000, 5000);
  EXPECT_NEAR(records[0].delay_ns, 2'000'000, 500'000);
  profile.record("long", 5000);
  const std::vector<WaitRecord> more = profile.records();
  const WaitRecord* whole = find(more, "long");
  ASSERT_NE(whole, nullptr);
  EXPECT_EQ(whole->count, 1);
}

class WaitProfileTest : public HeapTest {
 protected:
  WaitProfileTest() { collector.waits.set_rate(1); }
};

TEST_F(WaitProfileTest, ACallerOfCollectWaits) {
  collector.collect();
  const std::vector<WaitRecord> records = collector.waits.records();
  const WaitRecord* collect = find(records, "collect");
  ASSERT_NE(collect, nullptr);
  EXPECT_EQ(collect->count, 1);
  EXPECT_GT(collect->delay_ns, 0);
}

TEST_F(WaitProfileTest, TheCollectorWaitsForAMutatorThatDoesNotAnswer) {
  // The first of a cycle: H1, or with the world stopped the one that parks.
  const auto waited = [](const WaitRecord& record) {
    return std::string_view(record.what).starts_with("handshake: ") && record.delay_ns > 1'000'000;
  };
  // Again where the coordinator was off the processor between raising the handshake and looking at
  // the clock.
  do {
    std::atomic<bool> asked{false};
    std::thread requester([&] {
      collector.request_cycle();
      asked = true;
    });
    // No safepoint until a handshake has been raised, and for a while after.
    while (!asked || mutator->request.load(std::memory_order_relaxed) == Handshake::kNone) {
      std::this_thread::yield();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    mutator->safepoint();
    requester.join();
    collector.collect();
  } while (std::ranges::none_of(collector.waits.records(), waited));
}

TEST_F(WaitProfileTest, AContendedLockIsRecordedAndAFreeOneIsNot) {
  // Held until somebody waits for it, however long that takes.
  struct Mutex {
    std::mutex mutex;
    std::atomic<bool> waits{false};
    bool try_lock() { return mutex.try_lock(); }
    void lock() {
      waits = true;
      mutex.lock();
    }
    void unlock() { mutex.unlock(); }
  } mutex;
  { ProfiledLock free(mutex, "lock: test"); }
  EXPECT_EQ(find(collector.waits.records(), "lock: test"), nullptr);
  std::atomic<bool> held{false};
  std::thread holder([&] {
    const std::lock_guard lock(mutex.mutex);
    held = true;
    while (!mutex.waits) std::this_thread::yield();
  });
  while (!held) std::this_thread::yield();
  { ProfiledLock contended(mutex, "lock: test"); }
  holder.join();
  const std::vector<WaitRecord> records = collector.waits.records();
  const WaitRecord* lock = find(records, "lock: test");
  ASSERT_NE(lock, nullptr);
  EXPECT_EQ(lock->count, 1);
}

}  // namespace
}  // namespace greyhound::gc
