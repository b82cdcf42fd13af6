// SPDX-License-Identifier: MIT
// The ends of threads: one that ends attached detaches; Threads are destroyed in any order; what a
// Thread leaves behind (handles, ranges, the object itself) is harmless; and a Thread that is used
// where it is not current says so.
#include <pthread.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>

#include "runtime/base/panic.h"
#include "runtime/base/platform.h"
#include "tests/runtime/fixture.h"
#include "tests/system_faults.h"
#if defined(GREYHOUND_ASAN)
#include <sanitizer/lsan_interface.h>
#endif

namespace greyhound::runtime {
namespace {

size_t attached(Runtime& rt) { return rt.collector().world.count(); }

TEST(ThreadEndTest, AThreadThatEndsAttachedDetaches) {
  Runtime rt(usual_options());
  Thread* leaked = nullptr;
  std::thread([&] {
    leaked = new Thread(rt, "leaked");
    leaked->make<Node>();
  }).join();
  EXPECT_EQ(attached(rt), 0u);
  rt.collect();
  delete leaked;  // what is left of it
}

TEST(ThreadEndTest, ItDetachesFromEveryRuntime) {
  Runtime a(usual_options());
  Runtime b(usual_options());
  std::unique_ptr<Thread> left[2];
  std::thread([&] {
    left[0] = std::make_unique<Thread>(a, "outer");
    left[1] = std::make_unique<Thread>(b, "inner");
    left[1]->make<Node>();
  }).join();
  EXPECT_EQ(attached(a), 0u);
  EXPECT_EQ(attached(b), 0u);
  a.collect();
  b.collect();
}

TEST(ThreadEndTest, WhatIsLeftOfAThreadMayOutliveTheRuntime) {
  auto rt = std::make_unique<Runtime>(usual_options());
  std::unique_ptr<Thread> left;
  std::thread([&] {
    left = std::make_unique<Thread>(*rt, "leaked");
    for (uint64_t i = 0; i < 10'000; ++i) left->make<Node>(nullptr, i);
  }).join();
  rt.reset();
  left.reset();
}

void* exit_with_a_thread_on_the_stack(void* runtime) {
  Thread thread(*static_cast<Runtime*>(runtime), "worker");
  thread.make<Node>();
  pthread_exit(nullptr);
}

void* exit_inside_blocking(void* runtime) {
#if defined(GREYHOUND_ASAN)
  __lsan_disable();  // nobody deletes the Thread
#endif
  auto* thread = new Thread(*static_cast<Runtime*>(runtime), "worker");
  thread->make<Node>();
  thread->blocking([] { pthread_exit(nullptr); });
  return nullptr;
}

TEST(ThreadEndTest, PthreadExitDetaches) {
  for (const auto function : {exit_with_a_thread_on_the_stack, exit_inside_blocking}) {
    Runtime rt(usual_options());
    pthread_t thread;
    ASSERT_EQ(pthread_create(&thread, nullptr, function, &rt), 0);
    pthread_join(thread, nullptr);
    EXPECT_EQ(attached(rt), 0u);
    rt.collect();
  }
}

// They were made before the thread attached, so they are destroyed after what was made since.
struct AtTheEnd {
  ~AtTheEnd() {
    if (rt == nullptr) return;
    *persistent = Thread::make<Node>(persistent->get(), uint64_t{2});
    *handle = Thread::make<Node>();
    handle.reset();
    rt->collect();
    *done = true;
  }
  Runtime* rt = nullptr;
  Persistent<Node>* persistent = nullptr;
  std::unique_ptr<Handle<Node>> handle;
  bool* done = nullptr;
};

TEST(ThreadEndTest, ThreadLocalObjectsUseTheRuntimeToTheirEnd) {
  Runtime rt(usual_options());
  Persistent<Node> persistent(rt);
  bool done = false;
  Thread* leaked = nullptr;
  std::thread([&] {
    static thread_local AtTheEnd at_the_end;
    at_the_end.done = &done;
    leaked = new Thread(rt, "leaked");
    persistent = leaked->make<Node>(nullptr, uint64_t{1});
    at_the_end.handle = std::make_unique<Handle<Node>>(leaked->make<Node>());
    at_the_end.persistent = &persistent;
    at_the_end.rt = &rt;
  }).join();
  EXPECT_TRUE(done);
  EXPECT_EQ(attached(rt), 0u);
  ASSERT_NE(persistent.get(), nullptr);
  EXPECT_EQ(persistent->value, 2u);
  EXPECT_EQ(persistent->next->value, 1u);
  delete leaked;
}

TEST(ThreadEndTest, AThreadLocalThreadDetaches) {
  Runtime rt(usual_options());
  std::thread([&] {
    static thread_local std::unique_ptr<Thread> own;
    own = std::make_unique<Thread>(rt, "worker");
    own->make<Node>();
  }).join();
  EXPECT_EQ(attached(rt), 0u);
}

pthread_key_t key_of_the_program() {
  static const pthread_key_t key = [] {
    pthread_key_t made = 0;
    pthread_key_create(&made, [](void* made_at_the_end) {
      *static_cast<bool*>(made_at_the_end) = Thread::make<Node>() != nullptr;
    });
    return made;
  }();
  return key;
}

TEST(ThreadEndTest, DestructorsOfTheProgramsKeysUseTheRuntimeToo) {
  Runtime rt(usual_options());
  bool made = false;
  Thread* leaked = nullptr;
  std::thread([&] {
    leaked = new Thread(rt, "leaked");
    pthread_setspecific(key_of_the_program(), &made);
  }).join();
  EXPECT_TRUE(made);
  EXPECT_EQ(attached(rt), 0u);
  delete leaked;
}

TEST(ThreadEndTest, ThreadsOfOneThreadAreDestroyedInAnyOrder) {
  int order[] = {0, 1, 2};
  do {
    Runtime runtimes[3] = {Runtime(usual_options()), Runtime(usual_options()),
                           Runtime(usual_options())};
    std::unique_ptr<Thread> threads[3];
    Node* made[3];
    for (int i = 0; i < 3; ++i) {
      threads[i] = std::make_unique<Thread>(runtimes[i], std::to_string(i));
      made[i] = threads[i]->make<Node>(nullptr, uint64_t{7});
    }
    bool there[3] = {true, true, true};
    for (const int i : order) {
      threads[i].reset();
      there[i] = false;
      EXPECT_EQ(attached(runtimes[i]), 0u);
      for (Runtime& rt : runtimes) rt.collect();
      int last = 2;
      while (last >= 0 && !there[last]) --last;
      if (last < 0) continue;
      ASSERT_EQ(gc::current_mutator(), &threads[last]->mutator());
      EXPECT_EQ(made[last]->value, 7u);
      threads[last]->make<Node>();
      threads[last]->blocking([&] { runtimes[last].collect(); });
    }
    EXPECT_EQ(gc::current_mutator_or_null(), nullptr);
  } while (std::next_permutation(order, order + 3));
}

[[noreturn]] void throw_int(const char*) { throw 1; }

TEST(ThreadEndTest, APanicIsAnExceptionUntilTheLastOfThemIsGone) {
  const PanicHandler before = set_panic_handler(throw_int);
  {
    Runtime a(usual_options());
    Runtime b(usual_options());
    auto first = std::make_unique<Thread>(a);
    auto second = std::make_unique<Thread>(b);
    first.reset();
    EXPECT_THROW(greyhound::panic("attached"), Panic);
    second.reset();
    EXPECT_THROW(greyhound::panic("not attached"), int);
  }
  set_panic_handler(before);
}

TEST(ThreadEndTest, AHandleThatOutlivesItsThreadIsNullAndStaysSo) {
  Runtime rt(usual_options());
  std::unique_ptr<Handle<Node>> handles[3];
  Node* node = nullptr;
  {
    Thread thread(rt);
    node = thread.make<Node>();
    for (auto& handle : handles) handle = std::make_unique<Handle<Node>>(node);
  }
  EXPECT_EQ(handles[0]->get(), nullptr);
  *handles[0] = node;
  EXPECT_EQ(handles[0]->get(), nullptr);
  handles[1].reset();
  rt.collect();
  {
    Thread again(rt);
    handles[0].reset();
    rt.collect();
  }
}

TEST(ThreadEndTest, ARootArrayThatOutlivesItsThreadIsHarmless) {
  Runtime rt(precise_options());
  Node* words[2] = {};
  std::unique_ptr<RootArray> array;
  {
    Thread thread(rt);
    array = std::make_unique<RootArray>(words, 2);
    words[0] = thread.make<Node>();
  }
  array->resize(1);
  rt.collect();
  EXPECT_FALSE(is_marked_live(rt, words[0]));
  array.reset();
}

class ThreadEndDeathTest : public ::testing::Test {
 protected:
  ThreadEndDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(ThreadEndDeathTest, UsingAThreadWhoseThreadHasEndedIsFatal) {
  const auto use = [] {
    Runtime rt(usual_options());
    Thread* leaked = nullptr;
    std::thread([&] { leaked = new Thread(rt, "leaked"); }).join();
    leaked->blocking([] {});
  };
  EXPECT_EXIT(use(), ::testing::ExitedWithCode(2),
              "mutator 'leaked' enters a blocking region after it was detached");
}

TEST_F(ThreadEndDeathTest, BlockingOfAThreadThatIsNotTheLastOneAttachedIsFatal) {
  const auto use = [] {
    Runtime a(usual_options());
    Runtime b(usual_options());
    Thread outer(a, "outer");
    Thread inner(b, "inner");
    outer.blocking([] {});
  };
  EXPECT_EXIT(use(), ::testing::ExitedWithCode(2),
              "mutator 'outer' enters a blocking region while its thread works with 'inner'");
}

TEST_F(ThreadEndDeathTest, BlockingByAThreadOfAnotherThreadIsFatal) {
  for (const bool is_attached : {false, true}) {
    const auto use = [is_attached] {
      Runtime rt(usual_options());
      Thread mine(rt, "mine");
      std::thread([&] {
        std::unique_ptr<Thread> other;
        if (is_attached) other = std::make_unique<Thread>(rt, "other");
        mine.blocking([] {});
      }).join();
    };
    EXPECT_EXIT(use(), ::testing::ExitedWithCode(2),
                "mutator 'mine' enters a blocking region on a thread that it is not bound to");
  }
}

TEST_F(ThreadEndDeathTest, ASafepointWhereNobodyIsAttachedIsFatal) {
  const auto use = [] {
    Runtime rt(usual_options());
    Thread mine(rt, "mine");
    std::thread([&] { mine.safepoint(); }).join();
  };
  EXPECT_EXIT(use(), ::testing::ExitedWithCode(2), "no mutator: attach it|check failed");
}

// When there is something to answer; in a debug build always.
TEST_F(ThreadEndDeathTest, ASafepointOfAThreadThatIsNotTheLastOneAttachedIsFatal) {
  const auto use = [] {
    Runtime a(usual_options());
    Runtime b(usual_options());
    Thread outer(a, "outer");
    Thread inner(b, "inner");
    std::thread([&] { b.collect(); }).detach();
    while (true) outer.safepoint();
  };
  EXPECT_EXIT(
      use(), ::testing::ExitedWithCode(2),
      "mutator 'outer' comes to a safepoint while its thread works with 'inner'|check failed");
}

TEST_F(ThreadEndDeathTest, AThreadWhoseEndCannotBeNoticedDoesNotAttach) {
  const auto attach = [](Call call, int error) {
    Runtime rt(usual_options());
    const SystemFault fault(call, error);
    Thread thread(rt, "mine");
  };
  EXPECT_EXIT(attach(Call::kPthreadKeyCreate, EAGAIN), ::testing::ExitedWithCode(2),
              "no thread-specific key is left in this process");
  EXPECT_EXIT(attach(Call::kPthreadSetspecific, ENOMEM), ::testing::ExitedWithCode(2),
              "mutator 'mine': the end of its thread could not be watched");
}

TEST_F(ThreadEndDeathTest, AHandleThatDiesOnAnotherThreadIsFatal) {
  const auto use = [] {
    Runtime rt(usual_options());
    Thread mine(rt, "mine");
    auto handle = std::make_unique<Handle<Node>>(mine.make<Node>());
    std::thread([&] { handle.reset(); }).join();
  };
  EXPECT_EXIT(use(), ::testing::ExitedWithCode(2),
              "mutator 'mine' loses a handle on a thread that it is not bound to");
}

TEST_F(ThreadEndDeathTest, AnOuterThreadInARegionOfItsOwnIsNotDestroyed) {
  const auto destroy = [] {
    Runtime a(usual_options());
    Runtime b(usual_options());
    auto outer = std::make_unique<Thread>(a, "outer");
    outer->blocking([&] {
      Thread inner(b, "inner");
      outer.reset();
    });
  };
  EXPECT_EXIT(destroy(), ::testing::ExitedWithCode(2),
              "mutator 'outer' is destroyed inside its own blocking region");
}

}  // namespace
}  // namespace greyhound::runtime
