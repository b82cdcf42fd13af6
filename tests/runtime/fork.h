// SPDX-License-Identifier: MIT
// What the tests of fork() share. Children report through their exit status, and an alarm ends one
// that hangs.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/runtime/lists.h"

#ifdef GREYHOUND_TSAN
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

inline constexpr unsigned kHungSeconds = 120;
inline constexpr int kFatal = 2;  // the exit status of a fatal error

// The exit status, or 128 and the number of the signal that ended it.
GREYHOUND_NOINLINE inline int wait_for(pid_t child) {
  const gc::BlockingScope blocking(gc::current_mutator_or_null(), "test");
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#ifdef GREYHOUND_ASAN
// Whether a thread of this process runs, but for this one.
inline bool others_run() {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(gettid())) continue;
    std::ifstream file(task.path() / "stat");
    std::string stat;
    std::getline(file, stat);
    const size_t name_end = stat.rfind(')');
    if (name_end == std::string::npos) continue;  // it has ended
    if (stat.compare(name_end, 3, ") S") != 0) return true;
  }
  return false;
}
// AddressSanitizer's allocator stays locked in the child where another thread was in it, and one
// that starts is.
inline pid_t fork_here() {
  for (int quiet = 0; quiet < 3; quiet = others_run() ? 0 : quiet + 1) usleep(500);
  return fork();
}
#else
inline pid_t fork_here() { return fork(); }
#endif

// What body() gives in a child: 0 when all is well.
template <class Body>
GREYHOUND_NOINLINE int in_child(Body body) {
  const pid_t child = fork_here();
  if (child != 0) return wait_for(child);
  alarm(kHungSeconds);
  _exit(body());
}

// Allocates `mebibytes` of garbage beside `list`, then collects; 0 when the list is whole.
inline int churn(Runtime& rt, const Node* list, uint64_t count, size_t mebibytes = 32) {
  constexpr uint64_t kAtOnce = 1'000;
  for (size_t made = 0; made < mebibytes << 20; made += kAtOnce * sizeof(Node)) {
    if (!is_whole(make_list(kAtOnce), kAtOnce)) return 10;
  }
  rt.collect();
  return is_whole(list, count) ? 0 : 11;
}

// Blocked, as a thread that waits has to be.
template <class Condition>
GREYHOUND_NOINLINE void wait_until(Condition condition) {
  const gc::BlockingScope blocking(gc::current_mutator_or_null(), "test");
  while (!condition()) usleep(500);
}

inline size_t threads_of_this_process() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count;
}

inline Options checked_options() {
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
          EXPECT_TRUE(is_whole(make_list(500), 500));
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

}  // namespace greyhound::runtime
