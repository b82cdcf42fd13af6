// SPDX-License-Identifier: MIT
// fork() while other threads allocate, block, collect or do not answer.
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/fork.h"

namespace greyhound::runtime {
namespace {

// --- where the others are

TEST(Fork, WhileOthersAllocate) {
  GREYHOUND_NEEDS_MALLOC_IN_CHILD();
  Runtime rt(checked_options());
  Thread thread(rt);
  Node* list = make_list(20'000);
  const Churning others(rt, 4);
  for (int i = 0; i < 20; ++i) ASSERT_EQ(in_child([&] { return churn(rt, list, 20'000, 4); }), 0);
  EXPECT_EQ(churn(rt, list, 20'000, 4), 0);
}

// What is marked, on what stack a white object lies, which round it is: anything.
TEST(Fork, WhileMarking) {
  GREYHOUND_NEEDS_MALLOC_IN_CHILD();
  for (const gc::Barrier barrier : {gc::Barrier::kDijkstra, gc::Barrier::kHybrid}) {
    Options options = checked_options();
    options.barrier = barrier;
    options.workers = 3;
    Runtime rt(options);
    Thread thread(rt);
    constexpr uint64_t kNodes = 100'000;
    Node* list = make_list(kNodes);
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
  Node* list = make_list(2'000);
  rt.collector().request_cycle();
  int steps = 0;
  do {
    const int status = in_child([&] {
      // The cycle goes on in the child as it would have here.
      while (rt.collector().phase() != gc::Phase::kIdle) rt.collector().step(500);
      if (rt.collector().pacer.should_start()) return 12;  // another one is not due
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
  Node* list = make_list(5'000);
  std::atomic<bool> stop{false};
  std::atomic<int> blocked{0};
  std::vector<std::thread> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back([&] {
      Thread own(rt);
      Node* kept = make_list(100);
      own.blocking([&] {
        blocked.fetch_add(1);
        while (!stop.load()) usleep(1'000);
      });
      EXPECT_TRUE(is_whole(kept, 100));
    });
  }
  wait_until([&] { return blocked.load() == 3; });
  int status = 0;
  for (int i = 0; i < 5 && status == 0; ++i) {
    const pid_t child = thread.blocking([] { return fork_here(); });
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
      Node* list = make_list(2'000);
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
  Node* list = make_list(2'000);
  std::atomic<bool> stop{false};
  std::thread runtimes([&] {
    Thread attached(rt);  // to another one, too
    while (!stop.load()) {
      Runtime passing(usual_options());
      Thread own(passing);
      make_list(100);
      passing.collect();
    }
  });
  std::thread attaching([&] {
    while (!stop.load()) {
      Thread own(rt);
      make_list(100);
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
  Node* list = make_list(1'000);
  {
    const Stuck stuck(*rt);
    const int status = in_child([&] {
      const std::string sentence = "did not come to a safepoint";
      expect_fatal([&] { rt->collect(); }, sentence);
      expect_fatal([&] { Thread own(*rt); }, sentence);
      // An attached thread may use up what it had at hand.
      expect_fatal([&] { make_list(1'000'000); }, sentence);
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
  make_list(1'000);
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const pid_t child = _Fork();
  if (child == 0) {
    alarm(kHungSeconds);
    dup2(report[1], STDERR_FILENO);
    make_list(10'000'000);
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
