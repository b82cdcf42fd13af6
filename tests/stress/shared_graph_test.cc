// SPDX-License-Identifier: MIT
// Several threads rewrite one shared object graph, in every mode of the collector. Each node
// carries a number and its complement, so an object that was freed and reused under somebody's feet
// shows. Threads attach and detach all the time, block, box, make large arrays and replace the
// root.
//
// A failure prints the seed; GREYHOUND_TEST_SEED=n takes it back (the schedule of threads is not
// reproduced, the operations of each thread are). GREYHOUND_STRESS_SECONDS=n runs each test longer.
#include <chrono>
#include <cstdlib>
#include <random>
#include <thread>
#include <vector>

#include "tests/stress/stress.h"

namespace greyhound::runtime {
namespace {

struct Node {
  Ref<Node> left, right;
  uint64_t number = 0;
  uint64_t complement = 0;
};
constexpr size_t kSlots = 64;
using Table = std::array<Ref<Node>, kSlots>;

class Stress {
 public:
  Stress(const Options& options, uint64_t seed) : rt_(options), seed_(seed) {
    Thread thread(rt_, "setup");
    root_ = std::make_unique<Persistent<Table>>(rt_, thread.make<Table>());
  }

  void run(int threads, double seconds) {
    std::vector<std::thread> running;
    for (int i = 0; i < threads; ++i) {
      running.emplace_back([this, i] { mutate(static_cast<uint64_t>(i)); });
    }
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
    stop_ = true;
    for (std::thread& thread : running) thread.join();
  }

  uint64_t corrupt() const { return corrupt_; }
  Runtime& runtime() { return rt_; }

 private:
  void mutate(uint64_t index) {
    std::mt19937_64 random(seed_ + index);
    while (!stop_) {
      Thread thread(rt_, "stress " + std::to_string(index));
      Node* local = nullptr;
      for (int i = 0; i < 5000 && !stop_; ++i) step(thread, random(), &local);
      check(local);
    }
  }

  Node* make(Thread& thread, uint64_t number, Node* left, Node* right) {
    return thread.make<Node>(left, right, number, ~number);
  }

  void check(const Node* node) {
    if (node != nullptr && node->complement != ~node->number) ++corrupt_;
  }

  void step(Thread& thread, uint64_t random, Node** local) {
    Table& table = *root_->get();
    Ref<Node>& slot = table[(random >> 8) % kSlots];
    switch (random % 12) {
      case 0:
      case 1:
      case 2:
        slot = make(thread, random, table[(random >> 16) % kSlots], *local);
        break;
      case 3:
        *local = slot;
        check(*local);
        break;
      case 4:
        walk(slot, random);
        break;
      case 5:
        slot = nullptr;
        break;
      case 6:
        hide(slot, &table[(random >> 20) % kSlots]);
        break;
      case 7:
        box(random);
        break;
      case 8:
        if ((random >> 40) % 64 == 0) thread.blocking([] { std::this_thread::yield(); });
        break;
      case 9:
        if ((random >> 40) % 512 == 0) rt_.collect();
        break;
      case 10:
        if ((random >> 40) % 64 == 0) large(thread, *local);
        break;
      case 11:
        relink(thread, random, slot, *local);
        break;
    }
  }

  void walk(Node* node, uint64_t random) {
    for (int depth = 0; node != nullptr && depth < 50; ++depth) {
      check(node);
      node = (random >> depth) & 1 ? node->left.get() : node->right.get();
    }
  }

  // The move that an insertion barrier exists for: take the only pointer out of an object that may
  // be black or white, and put it somewhere else.
  void hide(Node* node, Ref<Node>* elsewhere) {
    if (node == nullptr) return;
    check(node);
    Node* child = node->left;
    node->left = nullptr;
    check(child);
    *elsewhere = child;
  }

  void box(uint64_t random) {
    for (uint64_t i = 0; i < 20; ++i) {
      const eface boxed = to_eface(random | 256);
      if (*boxed.as<uint64_t>() != (random | 256)) ++corrupt_;
    }
  }

  void large(Thread& thread, Node* local) {
    auto* array = thread.make_array<Ref<Node>>(10000);
    array[77] = local;
    for (uint64_t i = 0; i < 100; ++i) make(thread, i, nullptr, nullptr);
    if (array[77] != local) ++corrupt_;
    check(array[77]);
  }

  void relink(Thread& thread, uint64_t random, Node* node, Node* local) {
    if (node != nullptr) node->right = local;
    if ((random >> 30) % 8 != 0) return;
    const Table& old = *root_->get();
    auto* fresh = thread.make<Table>();
    for (size_t i = 0; i < kSlots; ++i) {
      if (i % 3 != 0) (*fresh)[i] = old[i];
    }
    *root_ = fresh;
  }

  Runtime rt_;
  std::unique_ptr<Persistent<Table>> root_;
  const uint64_t seed_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> corrupt_{0};
};

struct ModeUnderTest {
  const char* name;
  void (*set)(Options*);
};

class SharedGraphTest : public ::testing::TestWithParam<ModeUnderTest> {};

TEST_P(SharedGraphTest, NoReachableObjectIsEverFreed) {
  Options options = usual_options();
  GetParam().set(&options);
  const uint64_t seed = test_seed();
  SCOPED_TRACE("GREYHOUND_TEST_SEED=" + std::to_string(seed));
  Stress stress(options, seed);
  stress.run(3, stress_seconds());
  EXPECT_EQ(stress.corrupt(), 0u);
  EXPECT_GT(stress.runtime().stats().cycles, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Modes, SharedGraphTest,
    ::testing::Values(
        ModeUnderTest{"Concurrent", [](Options* o) { o->workers = 2; }},
        ModeUnderTest{"Checked",
                      [](Options* o) {
                        o->workers = 2;
                        o->debug.gccheckmark = o->debug.clobberfree = o->debug.verifyheap = 1;
                      }},
        ModeUnderTest{"StressedEveryAllocation",
                      [](Options* o) {
                        o->debug.gcstress = o->debug.gccheckmark = o->debug.clobberfree = 1;
                      }},
        ModeUnderTest{"StressedNowAndThen",
                      [](Options* o) {
                        o->workers = 2;
                        o->debug.gcstress = 50;
                        o->debug.gccheckmark = o->debug.clobberfree = 1;
                      }},
        ModeUnderTest{"StopTheWorld",
                      [](Options* o) {
                        o->mode = Mode::kStopTheWorld;
                        o->debug.gccheckmark = o->debug.clobberfree = 1;
                      }},
        ModeUnderTest{"Serial", [](Options* o) { o->debug.gcserial = o->debug.clobberfree = 1; }}),
    [](const auto& mode) { return std::string(mode.param.name); });

}  // namespace
}  // namespace greyhound::runtime
