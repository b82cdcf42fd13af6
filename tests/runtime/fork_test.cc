// SPDX-License-Identifier: MIT
// fork() with runtimes in the process. Children report through their exit status, and an alarm ends
// one that hangs. docs/embedding.md names these tests beside the rules that they hold.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "maps/map.h"
#include "runtime/profile/cpu_profiler.h"
#include "runtime/weak.h"
#include "tests/runtime/fixture.h"
#include "tests/runtime/refused_threads.h"

extern char** environ;

#ifdef GREYHOUND_TSAN
// A child that starts threads is what these tests are about.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#define GREYHOUND_NEEDS_JOINS_IN_CHILD() \
  GTEST_SKIP() << "ThreadSanitizer does not see a child join a thread, and ends it at the next"
#else
#define GREYHOUND_NEEDS_JOINS_IN_CHILD() static_cast<void>(0)
#endif
#ifdef GREYHOUND_ASAN
#define GREYHOUND_NEEDS_MALLOC_IN_CHILD() \
  GTEST_SKIP() << "AddressSanitizer's allocator stays locked where another thread was in it"
#else
#define GREYHOUND_NEEDS_MALLOC_IN_CHILD() static_cast<void>(0)
#endif

namespace greyhound::runtime {
namespace {

constexpr unsigned kHungSeconds = 120;
constexpr int kFatal = 2;  // the exit status of a fatal error

// The exit status, or 128 and the number of the signal that ended it.
GREYHOUND_NOINLINE int wait_for(pid_t child) {
  const gc::BlockingScope blocking(gc::current_mutator_or_null(), "test");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// What body() gives in a child: 0 when all is well.
template <class Body>
GREYHOUND_NOINLINE int in_child(Body body) {
  const pid_t child = fork();
  if (child != 0) return wait_for(child);
  alarm(kHungSeconds);
  _exit(body());
}

Node* build(uint64_t count) {
  Node* list = nullptr;
  for (uint64_t i = 0; i < count; ++i) list = Thread::make<Node>(list, i);
  return list;
}

bool whole(const Node* list, uint64_t count) {
  for (; list != nullptr; list = list->next) {
    if (count == 0 || list->value != --count) return false;
  }
  return count == 0;
}

// Allocates `mebibytes` of garbage beside `list`, then collects; 0 when the list is whole.
int churn(Runtime& rt, const Node* list, uint64_t count, size_t mebibytes = 32) {
  constexpr uint64_t kAtOnce = 1'000;
  for (size_t made = 0; made < mebibytes << 20; made += kAtOnce * sizeof(Node)) {
    if (!whole(build(kAtOnce), kAtOnce)) return 10;
  }
  rt.collect();
  return whole(list, count) ? 0 : 11;
}

// Blocked, as a thread that waits has to be.
template <class Condition>
GREYHOUND_NOINLINE void wait_until(Condition condition) {
  const gc::BlockingScope blocking(gc::current_mutator_or_null(), "test");
  while (!condition()) usleep(500);
}

size_t threads_of_this_process() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

Options checked_options() {
  Options options = usual_options();
  options.debug.gccheckmark = 1;
  options.debug.verifyheap = 1;
  return options;
}

// Threads that build lists and let go of them, until the end of the scope.
class Churning {
 public:
  Churning(Runtime& rt, int threads) {
    for (int i = 0; i < threads; ++i) {
      threads_.emplace_back([this, &rt] {
        Thread thread(rt, "churn");
        while (!stop_.load(std::memory_order_relaxed)) {
          EXPECT_TRUE(whole(build(500), 500));
          // Large ones are cleared while blocked.
          Thread::make_array<uint64_t>(size_t{1} << 17);
          turns_.fetch_add(1, std::memory_order_relaxed);
        }
      });
    }
    wait_until([&] { return turns_.load(std::memory_order_relaxed) >= 2 * threads; });
  }
  ~Churning() {
    stop_.store(true, std::memory_order_relaxed);
    const gc::BlockingScope blocking(gc::current_mutator_or_null(), "test");
    for (std::thread& thread : threads_) thread.join();
  }
  Churning(const Churning&) = delete;
  Churning& operator=(const Churning&) = delete;

 private:
  std::atomic<bool> stop_{false};
  std::atomic<int> turns_{0};
  std::vector<std::thread> threads_;
};

// --- the child goes on

TEST(Fork, ChildCollectsInEveryMode) {
  for (const Mode mode : {Mode::kConcurrent, Mode::kStopTheWorld, Mode::kStepping}) {
    for (const gc::Barrier barrier : {gc::Barrier::kDijkstra, gc::Barrier::kHybrid}) {
      Options options = checked_options();
      options.mode = mode;
      options.barrier = barrier;
      Runtime rt(options);
      Thread thread(rt);
      Node* list = build(10'000);
      EXPECT_EQ(in_child([&] { return churn(rt, list, 10'000); }), 0);
      EXPECT_EQ(churn(rt, list, 10'000, 1), 0) << "and so does the parent";
    }
  }
}

TEST(Fork, ChildsHeapKeepsItsGoal) {
  Runtime rt(usual_options());
  Thread thread(rt);
  Node* list = build(10'000);
  const int status = in_child([&] {
    const uint64_t before = rt.stats().cycles;
    if (const int failed = churn(rt, list, 10'000, 400); failed != 0) return failed;
    const gc::GcStats after = rt.stats();
    if (after.cycles <= before) return 1;
    return after.heap_resident_bytes < uint64_t{200} << 20 ? 0 : 2;
  });
  EXPECT_EQ(status, 0);
}

TEST(Fork, ChildsHeapKeepsItsLimit) {
  Options options = usual_options();
  options.max_heap = uint64_t{16} << 20;
  Runtime rt(options);
  Thread thread(rt);
  Node* list = build(10'000);
  const int status = in_child([&] {
    if (const int failed = churn(rt, list, 10'000, 100); failed != 0) return failed;
    try {
      build(10'000'000);
    } catch (const std::bad_alloc&) {
      return rt.stats().heap_pages_bytes <= uint64_t{16} << 20 ? 0 : 2;
    }
    return 1;
  });
  EXPECT_EQ(status, 0);
}

TEST(Fork, ChildOfAThreadThatIsNotAttachedCanAttach) {
  Runtime rt(checked_options());
  {
    Thread thread(rt);
    build(1'000);
  }
  const int status = in_child([&] {
    rt.collect();
    Thread thread(rt);
    return churn(rt, build(1'000), 1'000);
  });
  EXPECT_EQ(status, 0);
}

TEST(Fork, ChildOfAnOutsiderForgetsWhoWasAttached) {
  Runtime rt(checked_options());
  const Churning others(rt, 3);
  for (int i = 0; i < 5; ++i) {
    const int status = in_child([&] {
      if (rt.collector().world.count() != 0) return 1;
      Thread thread(rt);
      return churn(rt, build(1'000), 1'000);
    });
    ASSERT_EQ(status, 0);
  }
}

TEST(Fork, ADaemonCollects) {
  for (const bool attached : {false, true}) {
    int report[2];
    ASSERT_EQ(pipe(report), 0);
    const pid_t service = fork();
    if (service == 0) {
      Runtime rt(usual_options());
      std::unique_ptr<Thread> thread;
      Node* list = nullptr;
      if (attached) {
        thread = std::make_unique<Thread>(rt);
        list = build(1'000);
      }
      if (daemon(1, 1) != 0) _exit(1);
      alarm(kHungSeconds);
      if (!attached) {
        thread = std::make_unique<Thread>(rt);
        list = build(1'000);
      }
      const char result = churn(rt, list, 1'000) == 0 ? 'y' : 'n';
      _exit(write(report[1], &result, 1) == 1 ? 0 : 1);
    }
    close(report[1]);
    EXPECT_EQ(wait_for(service), 0);
    char result = '-';
    EXPECT_EQ(read(report[0], &result, 1), 1);
    EXPECT_EQ(result, 'y');
    close(report[0]);
  }
}

TEST(Fork, ChildOfTheChild) {
  Runtime rt(checked_options());
  Thread thread(rt);
  Node* list = build(5'000);
  const int status = in_child([&] {
    // Before the child has threads, and when it has.
    if (const int early = in_child([&] { return churn(rt, list, 5'000, 8); }); early != 0)
      return early;
    if (const int own = churn(rt, list, 5'000, 8); own != 0) return own;
    return in_child([&] {
      return in_child([&] { return churn(rt, list, 5'000, 8); }) + churn(rt, list, 5'000, 8);
    });
  });
  EXPECT_EQ(status, 0);
}

TEST(Fork, SeveralRuntimes) {
  Runtime first(checked_options());
  Runtime second(checked_options());
  Thread in_first(first);
  const Handle<Node> outer(build(2'000));
  const Churning others(first, 1);
  const Churning more(second, 1);
  Thread in_second(second);
  Node* list = build(2'000);
  for (int i = 0; i < 5; ++i) {
    const int status = in_child([&] {
      first.collect();
      if (const int failed = churn(second, list, 2'000, 8); failed != 0) return failed;
      return whole(outer.get(), 2'000) ? 0 : 12;
    });
    ASSERT_EQ(status, 0);
  }
}

TEST(Fork, ARuntimeMadeInTheChild) {
  GREYHOUND_NEEDS_JOINS_IN_CHILD();
  Runtime rt(usual_options());
  Thread thread(rt);
  Node* list = build(1'000);
  const int status = in_child([&] {
    {
      Runtime own(checked_options());
      Thread own_thread(own);
      if (const int failed = churn(own, build(1'000), 1'000); failed != 0) return failed;
    }
    return churn(rt, list, 1'000);
  });
  EXPECT_EQ(status, 0);
}

TEST(Fork, ARuntimeEndsInTheChild) {
  GREYHOUND_NEEDS_JOINS_IN_CHILD();
  auto rt = std::make_unique<Runtime>(usual_options());
  auto thread = std::make_unique<Thread>(*rt);
  build(1'000);
  for (const bool used : {false, true}) {
    const int status = in_child([&] {
      if (used) rt->collect();
      thread.reset();
      rt.reset();
      return 0;
    });
    EXPECT_EQ(status, 0);
  }
}

TEST(Fork, ExitOfAChildKeepsItsStatus) {
  GREYHOUND_NEEDS_JOINS_IN_CHILD();
  for (const bool used : {false, true}) {
    const int status = in_child([&] {
      static Runtime rt(usual_options());
      auto thread = std::make_unique<Thread>(rt);
      build(1'000);
      const pid_t child = fork();
      if (child == 0) {
        alarm(kHungSeconds);
        if (used) rt.collect();
        thread.reset();
        std::exit(7);
      }
      return wait_for(child);
    });
    EXPECT_EQ(status, 7);
  }
}

// --- where the others are

TEST(Fork, WhileOthersAllocate) {
  Runtime rt(checked_options());
  Thread thread(rt);
  Node* list = build(20'000);
  const Churning others(rt, 4);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(in_child([&] { return churn(rt, list, 20'000, 4); }), 0);
  EXPECT_EQ(churn(rt, list, 20'000, 4), 0);
}

// What is marked, on what stack a white object lies, which round it is: anything.
TEST(Fork, WhileMarking) {
  for (const gc::Barrier barrier : {gc::Barrier::kDijkstra, gc::Barrier::kHybrid}) {
    Options options = checked_options();
    options.barrier = barrier;
    options.workers = 3;
    Runtime rt(options);
    Thread thread(rt);
    constexpr uint64_t kNodes = 100'000;
    Node* list = build(kNodes);
    std::atomic<bool> stop{false};
    std::thread collecting([&] {
      while (!stop.load(std::memory_order_relaxed)) rt.collect();
    });
    const Churning others(rt, 1);
    int status = 0;
    for (uint64_t i = 0; i < 15 && status == 0; ++i) {
      // The list moves on, so that the cycle has something to keep up with.
      list = thread.make<Node>(list, kNodes + i);
      status = in_child([&] { return churn(rt, list, kNodes + i + 1, 4); });
    }
    EXPECT_EQ(status, 0);
    stop.store(true);
    thread.blocking([&] { collecting.join(); });
  }
}

TEST(Fork, InTheMiddleOfACycleThatIsStepped) {
  Options options = usual_options();
  options.mode = Mode::kStepping;
  options.debug.gccheckmark = 1;
  options.debug.verifyheap = 1;
  Runtime rt(options);
  Thread thread(rt);
  Node* list = build(2'000);
  rt.collector().request_cycle();
  int steps = 0;
  do {
    const int status = in_child([&] {
      // The cycle goes on in the child as it would have here.
      while (rt.collector().phase() != gc::Phase::kIdle) rt.collector().step(500);
      return churn(rt, list, 2'000, 1);
    });
    ASSERT_EQ(status, 0) << gc::phase_name(rt.collector().phase());
    rt.collector().step(500);
    ++steps;
  } while (rt.collector().phase() != gc::Phase::kIdle);
  EXPECT_GT(steps, 8);
}

TEST(Fork, WhileOthersBlockAndFromABlockingRegion) {
  Runtime rt(checked_options());
  Thread thread(rt);
  Node* list = build(5'000);
  std::atomic<bool> stop{false};
  std::atomic<int> blocked{0};
  std::vector<std::thread> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back([&] {
      Thread own(rt);
      Node* kept = build(100);
      own.blocking([&] {
        blocked.fetch_add(1);
        while (!stop.load()) usleep(1'000);
      });
      EXPECT_TRUE(whole(kept, 100));
    });
  }
  wait_until([&] { return blocked.load() == 3; });
  int status = 0;
  for (int i = 0; i < 5 && status == 0; ++i) {
    const pid_t child = thread.blocking([] { return fork(); });
    if (child == 0) {
      alarm(kHungSeconds);
      _exit(churn(rt, list, 5'000));
    }
    status = wait_for(child);
  }
  EXPECT_EQ(status, 0);
  stop.store(true);
  thread.blocking([&] {
    for (std::thread& each : waiting) each.join();
  });
}

TEST(Fork, SeveralThreadsAtOnce) {
  GREYHOUND_NEEDS_MALLOC_IN_CHILD();
  Runtime rt(checked_options());
  std::vector<std::thread> forking;
  std::atomic<int> failed{0};
  for (int i = 0; i < 4; ++i) {
    forking.emplace_back([&] {
      Thread thread(rt);
      Node* list = build(2'000);
      for (int turn = 0; turn < 5; ++turn) {
        const pid_t child = fork();
        if (child == 0) {
          alarm(kHungSeconds);
          _exit(churn(rt, list, 2'000, 4));
        }
        if (wait_for(child) != 0) failed.fetch_add(1);
      }
    });
  }
  for (std::thread& each : forking) each.join();
  EXPECT_EQ(failed.load(), 0);
}

TEST(Fork, WhileRuntimesAndThreadsComeAndGo) {
  GREYHOUND_NEEDS_MALLOC_IN_CHILD();
  Runtime rt(usual_options());
  Thread thread(rt);
  Node* list = build(2'000);
  std::atomic<bool> stop{false};
  std::thread runtimes([&] {
    Thread attached(rt);  // to another one, too
    while (!stop.load()) {
      Runtime passing(usual_options());
      Thread own(passing);
      build(100);
      passing.collect();
    }
  });
  std::thread attaching([&] {
    while (!stop.load()) {
      Thread own(rt);
      build(100);
    }
  });
  int status = 0;
  for (int i = 0; i < 30 && status == 0; ++i)
    status = in_child([&] { return churn(rt, list, 2'000, 4); });
  EXPECT_EQ(status, 0);
  stop.store(true);
  thread.blocking([&] {
    runtimes.join();
    attaching.join();
  });
}

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
  Node* list = build(1'000);
  Pool pool;
  std::atomic<bool> ready{false};
  std::atomic<bool> stop{false};
  std::thread other([&] {
    pool.thread = std::make_unique<Thread>(rt, "pooled");
    {
      const Handle<Node> on_stack(build(10));
      pool.handle = std::make_unique<Handle<Node>>(build(10));
      const Handle<Node> later(build(10));
      ready.store(true);
      wait_until([&] { return stop.load(); });
      EXPECT_TRUE(whole(pool.handle->get(), 10));
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
  const Handle<Node> kept(build(1));
  const Weak<Node> alive(kept.get());
  const Weak<Node> dead(build(1));
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

TEST(Fork, ACallThatRunsAtTheForkIsNotWaitedForInTheChild) {
  Runtime rt(precise_options());
  Thread thread(rt);
  std::atomic<bool> running{false};
  std::atomic<bool> stop{false};
  [&]() GREYHOUND_NOINLINE {
    rt.add_cleanup(build(1), [&] {
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
      rt.add_cleanup(build(1), [&] {
        if (status.load() != -1) return;
        status.store(in_child([&] {
          const Node* list = build(1'000);
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
    Node* list = build(1'000);
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

// --- what a fork costs

TEST(Fork, StartsNoThreadUntilOneIsNeeded) {
  Runtime rt(usual_options());
  Thread thread(rt);
  Node* list = build(1'000);
  const int status = in_child([&] {
    build(100);
    if (threads_of_this_process() != 1) return 1;
    rt.collect();
    if (threads_of_this_process() < 2) return 2;
    return whole(list, 1'000) ? 0 : 3;
  });
  EXPECT_EQ(status, 0);
}

TEST(Fork, ChildWithoutThreadsCollectsByItself) {
  Options options = checked_options();
  options.workers = 3;
  Runtime rt(options);
  Thread thread(rt);
  Node* list = build(1'000);
  std::atomic<bool> stop{false};
  std::thread collecting([&] {
    while (!stop.load(std::memory_order_relaxed)) rt.collect();
  });
  int status = 0;
  for (int i = 0; i < 5 && status == 0; ++i) {
    status = in_child([&] {
      const RefusedThreads none;
      if (const int failed = churn(rt, list, 1'000); failed != 0) return failed;
      return threads_of_this_process() == 1 ? 0 : 1;
    });
  }
  EXPECT_EQ(status, 0);
  stop.store(true);
  thread.blocking([&] { collecting.join(); });
}

TEST(Fork, ExecAndSpawnAreLeftAlone) {
  Runtime rt(usual_options());
  Thread thread(rt);
  const Churning others(rt, 2);
  char name[] = "true";
  char* arguments[] = {name, nullptr};
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(in_child([&] {
                execvp(name, arguments);
                return 9;
              }),
              0);
    EXPECT_EQ(in_child([] { return 5; }), 5);
    pid_t spawned = 0;
    ASSERT_EQ(posix_spawnp(&spawned, name, nullptr, nullptr, arguments, environ), 0);
    EXPECT_EQ(wait_for(spawned), 0);
    EXPECT_EQ(std::system("true"), 0);
  }
}

// --- where the child may not go on

// A thread that waits for the forking one without a blocking region.
class Stuck {
 public:
  explicit Stuck(Runtime& rt)
      : thread_([this, &rt] {
          Thread thread(rt, "stuck");
          stuck_.store(true);
          while (!stop_.load()) usleep(1'000);
        }) {
    wait_until([&] { return stuck_.load(); });
  }
  ~Stuck() {
    stop_.store(true);
    const gc::BlockingScope blocking(gc::current_mutator_or_null(), "test");
    thread_.join();
  }
  Stuck(const Stuck&) = delete;
  Stuck& operator=(const Stuck&) = delete;

 private:
  std::atomic<bool> stuck_{false};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// body() in a child, which is to end in a fatal error that says `expected`.
template <class Body>
void expect_fatal(Body body, const std::string& expected) {
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const int status = in_child([&] {
    dup2(report[1], STDERR_FILENO);
    body();
    return 0;
  });
  close(report[1]);
  std::string said;
  char buffer[4096];
  for (ssize_t got; (got = read(report[0], buffer, sizeof buffer)) > 0;)
    said.append(buffer, static_cast<size_t>(got));
  close(report[0]);
  EXPECT_EQ(status, kFatal);
  EXPECT_NE(said.find(expected), std::string::npos) << said;
}

TEST(Fork, AThreadThatNeverComesToASafepointDoesNotHangIt) {
  auto rt = std::make_unique<Runtime>(usual_options());
  auto thread = std::make_unique<Thread>(*rt);
  Node* list = build(1'000);
  {
    const Stuck stuck(*rt);
    const int status = in_child([&] {
      const std::string sentence = "did not come to a safepoint";
      expect_fatal([&] { rt->collect(); }, sentence);
      expect_fatal([&] { Thread own(*rt); }, sentence);
      // An attached thread may use up what it had at hand.
      expect_fatal([&] { build(1'000'000); }, sentence);
      // Nothing of it is touched by the end of the process.
      thread.release();  // NOLINT
      rt.reset();
      return ::testing::Test::HasFailure() ? 1 : 3;
    });
    EXPECT_EQ(status, 3);
  }
  EXPECT_EQ(churn(*rt, list, 1'000), 0) << "the parent goes on";
  EXPECT_EQ(in_child([&] { return churn(*rt, list, 1'000); }), 0) << "and forks again";
}

TEST(Fork, AChildWithoutForkHandlersIsToldSo) {
  Runtime rt(usual_options());
  Thread thread(rt);
  build(1'000);
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const pid_t child = _Fork();
  if (child == 0) {
    alarm(kHungSeconds);
    dup2(report[1], STDERR_FILENO);
    build(10'000'000);
    _exit(0);
  }
  EXPECT_EQ(wait_for(child), kFatal);
  close(report[1]);
  char said[4096] = "";
  EXPECT_GT(read(report[0], said, sizeof said - 1), 0);
  EXPECT_NE(std::string(said).find("without fork handlers"), std::string::npos) << said;
  close(report[0]);
}

}  // namespace
}  // namespace greyhound::runtime
