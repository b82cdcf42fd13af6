// SPDX-License-Identifier: MIT
// fork() with runtimes in the process: the child goes on, and what a fork costs. Where the others
// are at the fork is fork_others_test.cc's, what the child has of its parent's
// fork_inherited_test.cc's. docs/embedding.md names these tests beside the rules that they hold.
#include <spawn.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <thread>

#include "tests/runtime/fork.h"
#include "tests/runtime/refused_threads.h"

extern char** environ;

#ifdef GREYHOUND_TSAN
// A child that starts threads is what these tests are about.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif

namespace greyhound::runtime {
namespace {

// --- the child goes on

TEST(Fork, ChildCollectsInEveryMode) {
  for (const Mode mode : {Mode::kConcurrent, Mode::kStopTheWorld, Mode::kStepping}) {
    for (const gc::Barrier barrier : {gc::Barrier::kDijkstra, gc::Barrier::kHybrid}) {
      Options options = checked_options();
      options.mode = mode;
      options.barrier = barrier;
      Runtime rt(options);
      Thread thread(rt);
      Node* list = make_list(10'000);
      EXPECT_EQ(in_child([&] { return churn(rt, list, 10'000); }), 0);
      EXPECT_EQ(churn(rt, list, 10'000, 1), 0) << "and so does the parent";
    }
  }
}

TEST(Fork, ChildsHeapKeepsItsGoal) {
  Runtime rt(usual_options());
  Thread thread(rt);
  Node* list = make_list(10'000);
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
  Node* list = make_list(10'000);
  const int status = in_child([&] {
    if (const int failed = churn(rt, list, 10'000, 100); failed != 0) return failed;
    try {
      make_list(10'000'000);
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
    make_list(1'000);
  }
  const int status = in_child([&] {
    rt.collect();
    Thread thread(rt);
    return churn(rt, make_list(1'000), 1'000);
  });
  EXPECT_EQ(status, 0);
}

TEST(Fork, ChildOfAnOutsiderForgetsWhoWasAttached) {
  GREYHOUND_NEEDS_MALLOC_IN_CHILD();
  Runtime rt(checked_options());
  const Churning others(rt, 3);
  for (int i = 0; i < 5; ++i) {
    const int status = in_child([&] {
      if (rt.collector().world.count() != 0) return 1;
      Thread thread(rt);
      return churn(rt, make_list(1'000), 1'000);
    });
    ASSERT_EQ(status, 0);
  }
}

TEST(Fork, ADaemonCollects) {
  for (const bool attached : {false, true}) {
    int report[2];
    ASSERT_EQ(pipe(report), 0);
    const pid_t service = fork_here();
    if (service == 0) {
      Runtime rt(usual_options());
      std::unique_ptr<Thread> thread;
      Node* list = nullptr;
      if (attached) {
        thread = std::make_unique<Thread>(rt);
        list = make_list(1'000);
      }
      if (daemon(1, 1) != 0) _exit(1);
      alarm(kHungSeconds);
      if (!attached) {
        thread = std::make_unique<Thread>(rt);
        list = make_list(1'000);
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
  Node* list = make_list(5'000);
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
  GREYHOUND_NEEDS_MALLOC_IN_CHILD();
  Runtime first(checked_options());
  Runtime second(checked_options());
  Thread in_first(first);
  const Handle<Node> outer(make_list(2'000));
  const Churning others(first, 1);
  const Churning more(second, 1);
  Thread in_second(second);
  Node* list = make_list(2'000);
  for (int i = 0; i < 5; ++i) {
    const int status = in_child([&] {
      first.collect();
      if (const int failed = churn(second, list, 2'000, 8); failed != 0) return failed;
      return is_whole(outer.get(), 2'000) ? 0 : 12;
    });
    ASSERT_EQ(status, 0);
  }
}

TEST(Fork, ARuntimeMadeInTheChild) {
  GREYHOUND_NEEDS_JOINS_IN_CHILD();
  Runtime rt(usual_options());
  Thread thread(rt);
  Node* list = make_list(1'000);
  const int status = in_child([&] {
    {
      Runtime own(checked_options());
      Thread own_thread(own);
      if (const int failed = churn(own, make_list(1'000), 1'000); failed != 0) return failed;
    }
    return churn(rt, list, 1'000);
  });
  EXPECT_EQ(status, 0);
}

TEST(Fork, ARuntimeEndsInTheChild) {
  GREYHOUND_NEEDS_JOINS_IN_CHILD();
  auto rt = std::make_unique<Runtime>(usual_options());
  auto thread = std::make_unique<Thread>(*rt);
  make_list(1'000);
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
      make_list(1'000);
      const pid_t child = fork_here();
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

// --- what a fork costs

TEST(Fork, StartsNoThreadUntilOneIsNeeded) {
  Runtime rt(usual_options());
  Thread thread(rt);
  Node* list = make_list(1'000);
  const int status = in_child([&] {
    make_list(100);
    if (threads_of_this_process() != 1) return 1;
    rt.collect();
    if (threads_of_this_process() < 2) return 2;
    return is_whole(list, 1'000) ? 0 : 3;
  });
  EXPECT_EQ(status, 0);
}

TEST(Fork, ChildWithoutThreadsCollectsByItself) {
  GREYHOUND_NEEDS_MALLOC_IN_CHILD();
  Options options = checked_options();
  options.workers = 3;
  Runtime rt(options);
  Thread thread(rt);
  Node* list = make_list(1'000);
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
  GREYHOUND_NEEDS_MALLOC_IN_CHILD();
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

}  // namespace
}  // namespace greyhound::runtime
