// SPDX-License-Identifier: MIT
// Several threads: each with maps of its own, all reading one map, and a map handed over under a
// lock; collections run all the while. Under ThreadSanitizer these show that maps, barrier and
// marker touch shared words as they should.
#include <mutex>
#include <thread>
#include <vector>

#include "maps/map.h"
#include "runtime/greyhound.h"
#include "tests/maps/fixture.h"

namespace greyhound::maps {
namespace {

class ThreadsTest : public MapsTest {
 protected:
  ThreadsTest() : MapsTest(stressed(200)) {}

  // Runs body(i) on `count` attached threads; this one waits without holding the collector up.
  template <class Body>
  void on_threads(int count, Body body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([this, i, &body] {
        runtime::Thread attached(runtime_, "reader or writer");
        body(i);
      });
    }
    thread_.blocking([&] {
      for (std::thread& thread : threads) thread.join();
    });
  }
};

TEST_F(ThreadsTest, EachWithItsOwnMap) {
  on_threads(3, [](int thread) {
    auto map = Map<int64_t, String>::make();
    for (int64_t i = 0; i < 6000; ++i) {
      map.insert_or_assign(i % 2000, String::copy(std::to_string(i * 3 + thread)));
      if (i % 3 == 0) map.erase((i * 7) % 2000);
    }
    for (auto [key, value] : map) {
      ASSERT_EQ((std::stoll(std::string(value.view())) - thread) % 3, 0);
    }
    ASSERT_EQ(verify_map(map.type(), map.header()), "");
  });
}

// Readers and iterators at once, in a growth, and at the first iteration of a noscan table.
TEST_F(ThreadsTest, AllReadOneMap) {
  for (int round = 0; round < 20; ++round) {
    auto numbers = Map<int64_t, int64_t>::make();
    auto strings = Map<String, eface>::make();
    for (int64_t i = 0; i < 417; ++i) {
      numbers.insert_or_assign(i, i);
      strings.insert_or_assign(String::copy(std::to_string(i)), runtime::to_eface(i * 1000));
    }
    on_threads(3, [&](int) {
      int64_t sum = 0;
      for (auto [key, value] : numbers) sum += value;
      ASSERT_EQ(sum, 417 * 416 / 2);
      for (int64_t i = 0; i < 417; ++i) {
        ASSERT_EQ(numbers.get(i), i);
        ASSERT_EQ(*strings.get(String::copy(std::to_string(i))).as<int64_t>(), i * 1000);
      }
      size_t entries = 0;
      for (auto [key, value] : strings) entries += value.as<int64_t>() != nullptr;
      ASSERT_EQ(entries, 417u);
    });
    ASSERT_EQ(verify_map(numbers.type(), numbers.header()), "");
  }
}

TEST_F(ThreadsTest, TakeTurnsOnOneMapUnderALock) {
  auto map = Map<int64_t, String>::make();
  std::mutex mutex;
  on_threads(3, [&](int thread) {
    for (int64_t i = 0; i < 3000; ++i) {
      // The lock is waited for as a blocking region: its holder may be waiting for the collector.
      gc::Mutator* self = gc::current_mutator();
      std::unique_lock<std::mutex> lock(mutex, std::defer_lock);
      {
        gc::BlockingScope waiting(self, "map lock");
        lock.lock();
      }
      const int64_t key = i % 500;
      map.insert_or_assign(key, String::copy(std::to_string(key)));
      if (i % 4 == thread) map.erase(key);
      if (const String* value = map.find((i * 31) % 500)) {
        ASSERT_EQ(value->view(), std::to_string((i * 31) % 500));
      }
    }
  });
  ASSERT_EQ(verify_map(map.type(), map.header()), "");
}

}  // namespace
}  // namespace greyhound::maps
