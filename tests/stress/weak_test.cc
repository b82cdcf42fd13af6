// SPDX-License-Identifier: MIT
// Threads that lose objects and find them again through weak pointers and ephemerons, while
// collections run without a pause and finalizers and cleanups come in. Every object carries a
// number that says what its neighbours must be, and freed memory is overwritten, so an object that
// was given after its death shows.
//
// A failure prints the seed; GREYHOUND_TEST_SEED=n takes it back. GREYHOUND_STRESS_SECONDS=n runs
// each test longer; GREYHOUND_DEBUG adds flags.
#include <atomic>
#include <chrono>
#include <random>
#include <thread>
#include <vector>

#include "gc/cycle/collector.h"
#include "tests/stress/stress.h"

namespace greyhound::runtime {
namespace {

struct Node {
  Ref<Node> child;
  uint64_t number = 0;
  uint64_t check = 0;
};
constexpr uint64_t kCheck = 0x5eed5eed5eed5eedu;
constexpr size_t kSlots = 256;

struct Shared {
  std::array<Weak<Node>, kSlots> weak;
  std::array<Ephemeron<Node, Node>, kSlots> entries;
};

class WeakStressTest : public ::testing::TestWithParam<Mode> {
 protected:
  struct Kept {
    std::array<Ref<Node>, 64> nodes;
  };

  static void verify(const Node* node) {
    ASSERT_EQ(node->check, node->number ^ kCheck);
    ASSERT_NE(node->child.get(), nullptr);
    ASSERT_EQ(node->child->number, node->number + 1);
    ASSERT_EQ(node->child->check, (node->number + 1) ^ kCheck);
  }

  Node* make(Thread& thread, uint64_t number) {
    Handle<Node> child(thread.make<Node>(nullptr, number + 1, (number + 1) ^ kCheck));
    return thread.make<Node>(child.get(), number, number ^ kCheck);
  }

  void lose_and_find(Runtime& rt, const Persistent<Shared>& shared, uint64_t seed) {
    Thread thread(rt);
    std::mt19937_64 random(seed);
    Handle<Kept> kept(thread.make<Kept>());
    const StressClock clock;
    for (uint64_t n = 0; !clock.over() && !HasFatalFailure(); ++n) {
      thread.safepoint();
      const size_t slot = random() % kSlots;
      Handle<Node> node(shared->weak[slot].get());
      if (node.get() != nullptr) {
        found_.fetch_add(1, std::memory_order_relaxed);
        verify(node);
      } else {
        node = make(thread, random() | 1);
        shared->weak[slot] = Weak<Node>(node);
        if (random() % 4 == 0) {
          rt.set_finalizer<Node>(node, [this](Node* dead) {
            verify(dead);
            finalized_.fetch_add(1, std::memory_order_relaxed);
          });
        }
        if (random() % 4 == 0) {
          rt.add_cleanup(node.get(), [this] { cleaned_.fetch_add(1, std::memory_order_relaxed); });
        }
        const Handle<Node> value(make(thread, node->number + 2));
        shared->entries[slot] = Ephemeron<Node, Node>(node, value);
      }
      const Handle<Node> value(shared->entries[slot].get(node));
      if (value.get() != nullptr) {
        ASSERT_EQ(value->number, node->number + 2);
        verify(value);
      }
      if (random() % 2 == 0) kept->nodes[random() % kept->nodes.size()] = node.get();
      if (n % 512 == 0) rt.collector().request_cycle();
    }
  }

  std::atomic<uint64_t> found_{0};
  std::atomic<uint64_t> finalized_{0};
  std::atomic<uint64_t> cleaned_{0};
};

TEST_P(WeakStressTest, WhatIsFoundIsWhole) {
  const uint64_t seed = test_seed();
  SCOPED_TRACE("GREYHOUND_TEST_SEED=" + std::to_string(seed));
  Options options = usual_options();
  options.mode = GetParam();
  options.stack_roots = StackRoots::kPrecise;
  Runtime rt(options);
  {
    Thread thread(rt);
    Persistent<Shared> shared(rt, thread.make<Shared>());
    std::vector<std::thread> threads;
    for (uint64_t i = 0; i < 2; ++i) {
      threads.emplace_back([&, i] { lose_and_find(rt, shared, seed + i); });
    }
    thread.blocking([&] {
      for (std::thread& other : threads) other.join();
    });
    rt.collect();
    rt.run_finalizers();
  }
  EXPECT_GT(found_.load(), 0u);
  EXPECT_GT(finalized_.load(), 0u);
  EXPECT_GT(cleaned_.load(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Modes, WeakStressTest,
                         ::testing::Values(Mode::kConcurrent, Mode::kStopTheWorld),
                         [](const auto& mode) {
                           return mode.param == Mode::kConcurrent ? "Concurrent" : "StopTheWorld";
                         });

}  // namespace
}  // namespace greyhound::runtime
