// SPDX-License-Identifier: MIT
// The contracts of weak pointers, ephemerons, finalizers and cleanups, each in a test named after
// it, through the public header. The order of events within a cycle is
// tests/gc/references_test.cc's.
#include <atomic>
#include <optional>
#include <thread>

#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

struct Cache {
  Weak<Node> recent;
  Ephemeron<Node, Node> entry;
};

class WeakTest : public RuntimeTest {
 protected:
  WeakTest() : RuntimeTest(precise_options()) {}
  Handle<Node> make(uint64_t value) { return Handle<Node>(thread.make<Node>(nullptr, value)); }
};

// Nothing else holds it, and each allocation collects.
TEST(WeakUnderStressTest, TheTargetIsRootedWhileItsCellIsMade) {
  Options options = precise_options();
  options.debug.gcstress = 1;
  options.debug.clobberfree = 1;
  Runtime rt(options);
  Thread thread(rt);
  const Handle<Cache> cache(thread.make<Cache>());
  for (uint64_t i = 1; i <= 300; ++i) {
    cache->recent = Weak<Node>(thread.make<Node>(nullptr, i));
    thread.make<Node>(nullptr, uint64_t{0});  // where it was, if it is gone
    const Node* node = cache->recent.get();
    EXPECT_TRUE(node == nullptr || node->value == i) << i;
  }
}

TEST_F(WeakTest, GetGivesTheTargetAsLongAsAnythingElseReachesIt) {
  Handle<Cache> cache(thread.make<Cache>());
  std::optional<Handle<Node>> node(make(7));
  cache->recent = Weak<Node>(*node);
  rt.collect();
  EXPECT_EQ(cache->recent.get(), node->get());
  node.reset();
  rt.collect();
  EXPECT_EQ(cache->recent.get(), nullptr);
}

TEST_F(WeakTest, ATargetThatWasGivenStaysAlive) {
  Handle<Cache> cache(thread.make<Cache>());
  cache->recent = Weak<Node>(make(7));
  Handle<Node> node(cache->recent.get());
  if (node.get() == nullptr) GTEST_SKIP() << "a collection came first";
  rt.collect();
  EXPECT_EQ(node->value, 7u);
  EXPECT_EQ(cache->recent.get(), node.get());
}

TEST_F(WeakTest, PointersMadeFromTheSamePointerAreEqualAlsoAfterItsDeath) {
  Handle<Cache> one(thread.make<Cache>());
  Handle<Cache> two(thread.make<Cache>());
  {
    const Handle<Node> node = make(1);
    one->recent = Weak<Node>(node);
    two->recent = Weak<Node>(node);
    EXPECT_TRUE(one->recent == two->recent);
    EXPECT_FALSE(one->recent == Weak<Node>(make(2)));
  }
  rt.collect();
  EXPECT_EQ(one->recent.get(), nullptr);
  EXPECT_TRUE(one->recent == two->recent);
}

TEST_F(WeakTest, AnEmptyOneGivesNull) {
  EXPECT_EQ(Weak<Node>().get(), nullptr);
  EXPECT_EQ(Weak<Node>(nullptr).get(), nullptr);
  EXPECT_EQ((Ephemeron<Node, Node>().get(make(1))), nullptr);
  EXPECT_EQ((Ephemeron<Node, Node>().key()), nullptr);
}

TEST_F(WeakTest, APointerIntoTheMiddleLivesAndDiesWithTheObject) {
  struct Holder {
    Weak<uint64_t> value;
  };
  Handle<Holder> holder(thread.make<Holder>());
  std::optional<Handle<Node>> node(make(7));
  holder->value = Weak<uint64_t>(&(*node)->value);
  rt.collect();
  ASSERT_NE(holder->value.get(), nullptr);
  EXPECT_EQ(*holder->value.get(), 7u);
  node.reset();
  rt.collect();
  EXPECT_EQ(holder->value.get(), nullptr);
}

TEST_F(WeakTest, ATinyObjectMayOutliveItsLastUseWithItsNeighbours) {
  std::optional<Handle<int64_t>> first(thread.make<int64_t>(1));
  const Handle<int64_t> second(thread.make<int64_t>(2));
  const bool neighbours = (reinterpret_cast<uintptr_t>(first->get()) ^
                           reinterpret_cast<uintptr_t>(second.get())) < gc::kGranule;
  const Weak<int64_t> weak(first->get());
  first.reset();
  rt.collect();
  EXPECT_EQ(weak.get() != nullptr, neighbours);
  EXPECT_EQ(*second, 2);
}

TEST_F(WeakTest, AnEphemeronsValueIsKeptByKeyAndEphemeronTogether) {
  Handle<Cache> cache(thread.make<Cache>());
  std::optional<Handle<Node>> key(make(1));
  {
    const Handle<Node> value = make(2);
    value->next = key->get();
    cache->entry = Ephemeron<Node, Node>(*key, value);
  }
  rt.collect();
  ASSERT_NE(cache->entry.get(*key), nullptr);
  EXPECT_EQ(cache->entry.get(*key)->value, 2u);
  EXPECT_EQ(cache->entry.get(make(3)), nullptr) << "another key";
  EXPECT_EQ(cache->entry.key(), key->get());
  key.reset();
  rt.collect();
  EXPECT_EQ(cache->entry.key(), nullptr);
}

TEST_F(WeakTest, ManyWeakPointersAreEmptiedInOneCycle) {
  using Slots = std::array<Weak<Node>, 1000>;
  Handle<Slots> slots(thread.make<Slots>());
  Handle<Node> kept;
  for (size_t i = 0; i < slots->size(); ++i) {
    const Handle<Node> node = make(i);
    (*slots)[i] = Weak<Node>(node);
    if (i % 10 == 0) {
      node->next = kept.get();
      kept = node;
    }
  }
  rt.collect();
  for (size_t i = 0; i < slots->size(); ++i) {
    Node* node = (*slots)[i].get();
    if (i % 10 == 0) {
      ASSERT_NE(node, nullptr);
      EXPECT_EQ(node->value, i);
    } else {
      EXPECT_EQ(node, nullptr);
    }
  }
}

TEST_F(WeakTest, AFinalizerRunsOnceOnItsOwnThread) {
  std::atomic<int> ran{0};
  std::thread::id where;
  {
    const Handle<Node> node = make(7);
    rt.set_finalizer<Node>(node, [&](Node* dead) {
      EXPECT_EQ(dead->value, 7u);
      where = std::this_thread::get_id();
      ++ran;
    });
    rt.collect();
    rt.run_finalizers();
    EXPECT_EQ(ran, 0);
  }
  for (int i = 0; i < 3; ++i) {
    rt.collect();
    rt.run_finalizers();
  }
  EXPECT_EQ(ran, 1);
  EXPECT_NE(where, std::this_thread::get_id());
}

TEST_F(WeakTest, AFinalizerMayAllocateBringBackAndSetAnother) {
  Persistent<Node> rescued(rt);
  std::atomic<int> ran{0};
  const std::function<void(Node*)> finalizer = [&](Node* dead) {
    const Handle<Node> holder(Thread::make<Node>(dead, 1u));
    rescued = holder.get();
    if (++ran == 1) rt.set_finalizer<Node>(dead, finalizer);
  };
  rt.set_finalizer<Node>(make(7), finalizer);
  rt.collect();
  rt.run_finalizers();
  ASSERT_NE(rescued.get(), nullptr);
  rt.collect();
  EXPECT_EQ(rescued->next->value, 7u);
  rescued = nullptr;
  rt.collect();
  rt.run_finalizers();
  EXPECT_EQ(ran, 2);
}

TEST_F(WeakTest, CleanupsRunOnceAndCanBeCancelled) {
  std::atomic<int> ran{0};
  {
    const Handle<Node> node = make(7);
    rt.add_cleanup(node.get(), [&] { ran += 1; });
    const uint64_t id = rt.add_cleanup(node.get(), [&] { ran += 100; });
    EXPECT_TRUE(rt.cancel_cleanup(id));
    EXPECT_FALSE(rt.cancel_cleanup(id));
  }
  for (int i = 0; i < 2; ++i) {
    rt.collect();
    rt.run_finalizers();
    EXPECT_EQ(ran, 1);
  }
}

TEST_F(WeakTest, ACleanupMayTouchTheRuntime) {
  std::atomic<int> ran{0};
  rt.add_cleanup(make(1).get(), [&] {
    const Handle<Node> node(Thread::make<Node>(nullptr, 5u));
    rt.add_cleanup(node.get(), [&] { ++ran; });
    rt.run_finalizers();  // from within: does not wait for itself
    ++ran;
  });
  rt.collect();
  rt.run_finalizers();
  rt.collect();
  rt.run_finalizers();
  EXPECT_EQ(ran, 2);
}

TEST(FinalizerThreadTest, WithoutAThreadTheyRunWhenAskedFor) {
  Options options = precise_options();
  options.finalizer_thread = false;
  Runtime rt(options);
  Thread thread(rt);
  std::thread::id where;
  rt.set_finalizer<Node>(thread.make<Node>(), [&](Node*) { where = std::this_thread::get_id(); });
  rt.collect();
  EXPECT_EQ(where, std::thread::id());
  rt.run_finalizers();
  EXPECT_EQ(where, std::this_thread::get_id());
}

TEST(FinalizerThreadTest, ARuntimeEndsWithoutRunningWhatIsLeft) {
  std::atomic<int> ran{0};
  for (int i = 0; i < 20; ++i) {
    Runtime rt(precise_options());
    Thread thread(rt);
    for (int n = 0; n < 100; ++n) {
      rt.add_cleanup(thread.make<Node>(), [&] { ++ran; });
      rt.set_finalizer<Node>(thread.make<Node>(), [&](Node*) { ++ran; });
    }
    if (i % 2 == 0) rt.collect();
  }
  EXPECT_LE(ran, 20 * 200);
}

TEST(FinalizerThreadTest, InStopTheWorldModeToo) {
  Options options = precise_options();
  options.mode = Mode::kStopTheWorld;
  Runtime rt(options);
  Thread thread(rt);
  std::atomic<int> ran{0};
  Handle<Cache> cache(thread.make<Cache>());
  {
    const Handle<Node> node(thread.make<Node>(nullptr, 3u));
    cache->recent = Weak<Node>(node);
    rt.set_finalizer<Node>(node, [&](Node* dead) { ran += static_cast<int>(dead->value); });
  }
  rt.collect();
  EXPECT_EQ(cache->recent.get(), nullptr);
  rt.run_finalizers();
  EXPECT_EQ(ran, 3);
}

class WeakMisuseDeathTest : public ::testing::Test {
 protected:
  WeakMisuseDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(WeakMisuseDeathTest, WhatIsNoObjectHasNoSpecials) {
  const auto with = [](auto use) {
    Runtime rt(usual_options());
    Thread thread(rt);
    use(rt, thread);
  };
  Node outside;
  EXPECT_EXIT(with([&](Runtime&, Thread&) { Weak<Node> weak(&outside); }),
              ::testing::ExitedWithCode(2), "a weak pointer at .* which is no object");
  EXPECT_EXIT(with([&](Runtime& rt, Thread&) { rt.set_finalizer<Node>(&outside, [](Node*) {}); }),
              ::testing::ExitedWithCode(2), "set_finalizer: .* is not the start of an object");
  EXPECT_EXIT(with([&](Runtime& rt, Thread& thread) {
                rt.set_finalizer<uint64_t>(&thread.make<Node>()->value, [](uint64_t*) {});
              }),
              ::testing::ExitedWithCode(2), "is not the start of an object");
  EXPECT_EXIT(with([&](Runtime& rt, Thread&) { rt.add_cleanup(&outside, [] {}); }),
              ::testing::ExitedWithCode(2), "add_cleanup: .* which is no object");
  EXPECT_EXIT(with([&](Runtime& rt, Thread&) {
                Runtime other(usual_options());
                Thread there(other);
                rt.run_finalizers();
              }),
              ::testing::ExitedWithCode(2), "run_finalizers of one runtime is called while");
}

}  // namespace
}  // namespace greyhound::runtime
