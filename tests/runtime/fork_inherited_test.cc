// SPDX-License-Identifier: MIT
// What a forked child has of its parent's: objects, finalizers, traces and profiles; not the
// threads.
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <thread>

#include "runtime/profile/cpu_profiler.h"
#include "runtime/weak.h"
#include "tests/runtime/fork.h"

namespace greyhound::runtime {
namespace {

// --- what the child does not have

// What a thread may have left with another one.
struct Pool {
  std::unique_ptr<Thread> thread;
  std::unique_ptr<Handle<Node>> handle;
};

TEST(Fork, WhatThreadsThatAreGoneOwnedCanBeDestroyed) {
  GREYHOUND_NEEDS_JOINS_IN_CHILD();
  Runtime rt(checked_options());
  Thread thread(rt);
  Node* list = make_list(1'000);
  Pool pool;
  std::atomic<bool> ready{false};
  std::atomic<bool> stop{false};
  std::thread other([&] {
    pool.thread = std::make_unique<Thread>(rt, "pooled");
    {
      const Handle<Node> on_stack(make_list(10));
      pool.handle = std::make_unique<Handle<Node>>(make_list(10));
      const Handle<Node> later(make_list(10));
      ready.store(true);
      wait_until([&] { return stop.load(); });
      EXPECT_TRUE(is_whole(pool.handle->get(), 10));
      pool.handle.reset();
    }
    pool.thread.reset();
  });
  wait_until([&] { return ready.load(); });
  const int status = in_child([&] {
    if (rt.collector().world.count() != 1) return 1;
    rt.collect();
    std::thread own([] {});  // takes the stack of the thread that is gone
    own.join();
    pool.handle.reset();
    pool.thread.reset();
    return churn(rt, list, 1'000);
  });
  EXPECT_EQ(status, 0);
  stop.store(true);
  thread.blocking([&] { other.join(); });
}

GREYHOUND_NOINLINE void make_with_cleanup(Runtime& rt, std::atomic<int>* calls) {
  Node* node = Thread::make<Node>(nullptr, 1u);
  rt.add_cleanup(node, [calls] { calls->fetch_add(1); });
}

TEST(Fork, FinalizersAndWeakPointersGoOn) {
  Runtime rt(precise_options());
  Thread thread(rt);
  std::atomic<int> calls{0};
  make_with_cleanup(rt, &calls);
  rt.collect();
  rt.run_finalizers();
  ASSERT_EQ(calls.load(), 1);  // there is a finalizer thread
  make_with_cleanup(rt, &calls);
  const Handle<Node> kept(make_list(1));
  const Weak<Node> alive(kept.get());
  const Weak<Node> dead(make_list(1));
  const int status = in_child([&] {
    rt.collect();
    rt.run_finalizers();
    if (calls.load() != 2) return 1;
    if (alive.get() != kept.get() || dead.get() != nullptr) return 2;
    // And without being asked.
    make_with_cleanup(rt, &calls);
    rt.collect();
    wait_until([&] { return calls.load() == 3; });
    return 0;
  });
  EXPECT_EQ(status, 0);
  rt.collect();
  rt.run_finalizers();
  EXPECT_EQ(calls.load(), 2);
}

// By which the watchdog looks at it.
TEST(Fork, AChildsThreadIsKnownByItsOwnNumber) {
  Runtime rt(usual_options());
  Thread thread(rt);
  EXPECT_EQ(in_child([&] { return thread.mutator().tid() == gettid() ? 0 : 1; }), 0);
}

TEST(Fork, ACallThatRunsAtTheForkIsNotWaitedForInTheChild) {
  Runtime rt(precise_options());
  Thread thread(rt);
  std::atomic<bool> running{false};
  std::atomic<bool> stop{false};
  [&]() GREYHOUND_NOINLINE {
    rt.add_cleanup(make_list(1), [&] {
      running.store(true);
      gc::BlockingScope blocking(gc::current_mutator(), "test");
      while (!stop.load()) usleep(1'000);
    });
  }();
  rt.collect();
  wait_until([&] { return running.load(); });
  const int status = in_child([&] {
    rt.run_finalizers();
    rt.collect();
    return 0;
  });
  EXPECT_EQ(status, 0);
  stop.store(true);
  rt.run_finalizers();
}

TEST(Fork, FromAFinalizer) {
  Runtime rt(usual_options());
  Thread thread(rt);
  std::atomic<int> status{-1};
  // A frame may hold an old pointer to one of them, but not to all.
  [&]() GREYHOUND_NOINLINE {
    for (int i = 0; i < 100; ++i) {
      rt.add_cleanup(make_list(1), [&] {
        if (status.load() != -1) return;
        status.store(in_child([&] {
          const Node* list = make_list(1'000);
          const int failed = churn(rt, list, 1'000);
          rt.run_finalizers();  // this call is not waited for, as it makes the call
          return failed;
        }));
      });
    }
  }();
  rt.collect();
  rt.run_finalizers();
  EXPECT_EQ(status.load(), 0);
}

TEST(Fork, ATraceIsTheParents) {
  GREYHOUND_NEEDS_MALLOC_IN_CHILD();
  Runtime rt(usual_options());
  Thread thread(rt);
  const Churning others(rt, 1);
  ASSERT_TRUE(rt.trace_start());
  const int status = in_child([&] {
    if (rt.tracing() || !rt.trace_stop().tracks.empty()) return 1;
    if (!rt.trace_start()) return 2;
    rt.collect();
    const gc::Trace trace = rt.trace_stop();
    return trace.tracks.size() == 2 ? 0 : 3;  // this thread and the coordinator
  });
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(rt.tracing());
  EXPECT_FALSE(rt.trace_stop().tracks.empty());
}

TEST(Fork, ACpuProfileIsTheParents) {
  GREYHOUND_NEEDS_JOINS_IN_CHILD();
  for (const auto perf : {CpuProfileOptions::Perf::kNever, CpuProfileOptions::Perf::kAlways}) {
    Runtime rt(usual_options());
    Thread thread(rt);
    CpuProfiler profiler({.rate = 250, .perf = perf});
    profiler.add(rt);
    Node* list = make_list(1'000);
    const int status = in_child([&] {
      CpuProfiler own({.rate = 250, .perf = perf});
      own.add(rt);
      profiler.add(rt);  // over, and says nothing
      if (profiler.stop().samples != 0) return 1;
      if (const int failed = churn(rt, list, 1'000, 100); failed != 0) return failed;
      const CpuProfile profile = own.stop();
      return profile.cpu_ns != 0 && profile.threads >= 2 ? 0 : 2;
    });
    EXPECT_EQ(status, 0);
    churn(rt, list, 1'000, 10);
    EXPECT_NE(profiler.stop().cpu_ns, 0u);
  }
}

}  // namespace
}  // namespace greyhound::runtime
