// SPDX-License-Identifier: MIT
// Coroutines that wander: a pool of them is resumed by whichever thread comes by, handed on while
// cycles run, and each checks that the list that only its stack holds is whole.
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/coroutine.h"
#include "tests/stress/stress.h"

namespace greyhound::runtime {
namespace {

struct Item {
  Ref<Item> next;
  uint64_t value = 0;
};

class Pool {
 public:
  std::unique_ptr<Coroutine> take() {
    std::lock_guard lock(mutex_);
    if (waiting_.empty()) return nullptr;
    auto coroutine = std::move(waiting_.front());
    waiting_.pop_front();
    return coroutine;
  }
  void put(std::unique_ptr<Coroutine> coroutine) {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(coroutine));
  }

 private:
  std::mutex mutex_;
  std::deque<std::unique_ptr<Coroutine>> waiting_;
};

// A list of its own, rebuilt from the old one a bit at a time.
void wander(Coroutine& self, const std::atomic<bool>& stop, std::atomic<uint64_t>* broken) {
  constexpr uint64_t kLength = 200;
  while (!stop.load(std::memory_order_relaxed)) {
    Item* list = nullptr;
    for (uint64_t i = 0; i < kLength; ++i) {
      list = Thread::make<Item>(list, i);
      if (i % 20 == 0) self.suspend();
    }
    self.suspend();
    uint64_t expected = kLength;
    for (const Item* item = list; item != nullptr; item = item->next) {
      if (item->value != --expected) break;
    }
    if (expected != 0) broken->fetch_add(1);
  }
}

TEST(CoroutineStress, CoroutinesThatMoveBetweenThreadsLoseNothing) {
  constexpr size_t kCoroutines = 24;
  constexpr int kThreads = 3;
  Options options = usual_options();
  options.gc_percent = 20;
  Runtime rt(options);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> broken{0};
  Pool pool;
  for (size_t i = 0; i < kCoroutines; ++i) {
    pool.put(
        std::make_unique<Coroutine>(rt, [&](Coroutine& self) { wander(self, stop, &broken); }));
  }
  std::atomic<size_t> ended{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      Thread attached(rt, "wanderers");
      while (ended < kCoroutines) {
        std::unique_ptr<Coroutine> coroutine = pool.take();
        if (coroutine == nullptr) {
          attached.blocking([] { std::this_thread::yield(); });
          continue;
        }
        // A few times here, then elsewhere.
        for (int turn = 0; turn < 3 && !coroutine->done(); ++turn) coroutine->resume();
        if (coroutine->done()) {
          ++ended;
        } else {
          coroutine->stack().release();
          pool.put(std::move(coroutine));
        }
      }
    });
  }
  for (const StressClock clock; !clock.over();) rt.collect();
  stop = true;
  for (std::thread& running : threads) running.join();
  EXPECT_EQ(broken, 0u);
}

}  // namespace
}  // namespace greyhound::runtime
