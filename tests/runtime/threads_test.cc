// SPDX-License-Identifier: MIT
// The runtime's own threads: what happens where one cannot be had, their names, and the program's
// signals.
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/profile/cpu_profiler.h"
#include "tests/runtime/fixture.h"
#include "tests/runtime/refused_threads.h"

namespace greyhound::runtime {
namespace {

std::mutex refusal_mutex;
bool refusing = false;
size_t to_give = 0;
size_t to_refuse = 0;
size_t refused_so_far = 0;

bool refuse_this_thread() {
  const std::lock_guard lock(refusal_mutex);
  if (!refusing) return false;
  if (to_give != 0) {
    --to_give;
    return false;
  }
  if (to_refuse == 0) return false;
  --to_refuse;
  ++refused_so_far;
  return true;
}

}  // namespace

RefusedThreads::RefusedThreads(size_t first, size_t count) {
  const std::lock_guard lock(refusal_mutex);
  refusing = true;
  to_give = first;
  to_refuse = count;
  refused_so_far = 0;
}

RefusedThreads::~RefusedThreads() {
  const std::lock_guard lock(refusal_mutex);
  refusing = false;
}

size_t RefusedThreads::refused() const {
  const std::lock_guard lock(refusal_mutex);
  return refused_so_far;
}

extern "C" {
int __real_pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                          void* (*start)(void*), void* argument);
int __wrap_pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                          void* (*start)(void*), void* argument) {
  if (refuse_this_thread()) return EAGAIN;
  return __real_pthread_create(thread, attributes, start, argument);
}
}

namespace {

struct OsTask {
  std::string name;
  uint64_t blocked = 0;  // bit s - 1 for signal s
};

std::vector<OsTask> tasks() {
  std::vector<OsTask> result;
  DIR* directory = opendir("/proc/self/task");
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] == '.') continue;
    const std::string path = std::string("/proc/self/task/") + entry->d_name;
    OsTask task;
    std::ifstream comm(path + "/comm");
    std::getline(comm, task.name);
    std::ifstream status(path + "/status");
    for (std::string line; std::getline(status, line);) {
      if (line.starts_with("SigBlk:")) task.blocked = std::strtoull(line.c_str() + 7, nullptr, 16);
    }
    result.push_back(std::move(task));
  }
  closedir(directory);
  return result;
}

std::set<std::string> our_tasks() {
  std::set<std::string> names;
  for (const OsTask& task : tasks()) {
    if (task.name.starts_with("gh-")) names.insert(task.name);
  }
  return names;
}

void build_and_collect(Runtime& rt) {
  Thread thread(rt);
  Node* list = nullptr;
  for (uint64_t i = 0; i < 100'000; ++i) list = thread.make<Node>(list, i);
  rt.collect();
  uint64_t length = 0;
  for (; list != nullptr; list = list->next) ++length;
  EXPECT_EQ(length, 100'000u);
}

TEST(RuntimeThreads, ARuntimeWithoutThemThrowsAndLeavesNothing) {
  for (const size_t count : {size_t{1}, static_cast<size_t>(-1)}) {
    for (const size_t first : {0u, 1u}) {
      const std::set<std::string> before = our_tasks();
      {
        const RefusedThreads none(first, count);
        try {
          Runtime rt(usual_options());
          ADD_FAILURE() << "thread " << first << " was refused";
        } catch (const std::system_error& error) {
          EXPECT_EQ(error.code().value(), EAGAIN);
          EXPECT_NE(std::string(error.what()).find("no thread can be started"), std::string::npos);
        }
        EXPECT_EQ(none.refused(), 1u);
      }
      EXPECT_EQ(our_tasks(), before);
      Runtime rt(usual_options());
      build_and_collect(rt);
    }
  }
}

TEST(RuntimeThreads, WorkersThatCannotStartMeanFewer) {
  Options options = usual_options();
  options.workers = 4;
  options.debug.gcserial = 0;
  Runtime rt(options);
  {
    const RefusedThreads none;
    build_and_collect(rt);
    EXPECT_EQ(rt.stats().missing_workers, 3u);
    EXPECT_GT(none.refused(), 1u) << "the next drain tries again";
  }
  {
    const RefusedThreads all_but_one(1);
    build_and_collect(rt);
    EXPECT_EQ(rt.stats().missing_workers, 2u);
  }
  build_and_collect(rt);
  EXPECT_EQ(rt.stats().missing_workers, 0u);
  EXPECT_EQ(our_tasks().count("gh-mark-3"), 1u);
}

TEST(RuntimeThreads, AWorkerIsRefusedOnce) {
  Options options = usual_options();
  options.workers = 3;
  options.debug.gcserial = 0;
  Runtime rt(options);
  const RefusedThreads once(1, 1);
  build_and_collect(rt);
  build_and_collect(rt);
  EXPECT_EQ(rt.stats().missing_workers, 0u);
  EXPECT_EQ(once.refused(), 1u);
}

GREYHOUND_NOINLINE void drop_with_cleanup(Runtime& rt, std::atomic<int>* calls) {
  Thread thread(rt);
  Node* node = thread.make<Node>(nullptr, 1u);
  rt.add_cleanup(node, [calls] { calls->fetch_add(1); });
}

TEST(RuntimeThreads, WithoutAFinalizerThreadTheCallerRunsWhatIsDue) {
  std::atomic<int> calls{0};
  Runtime rt(precise_options());
  {
    const RefusedThreads none;
    drop_with_cleanup(rt, &calls);
    rt.collect();
    EXPECT_EQ(none.refused(), 1u);
    EXPECT_EQ(calls.load(), 0);
    Thread thread(rt);
    rt.run_finalizers();
    EXPECT_EQ(calls.load(), 1);
  }
  EXPECT_EQ(our_tasks().count("gh-final"), 0u);
  // Once there is one, it runs the next.
  drop_with_cleanup(rt, &calls);
  rt.collect();
  // It bears its maker's name for a moment.
  for (int tries = 0; tries < 1000 && our_tasks().count("gh-final") == 0; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(our_tasks().count("gh-final"), 1u);
  Thread thread(rt);
  rt.run_finalizers();
  EXPECT_EQ(calls.load(), 2);
}

TEST(RuntimeThreads, AProfilerWithoutAReaderThrows) {
  {
    const RefusedThreads none;
    EXPECT_THROW(CpuProfiler(), ProfileError);
  }
  CpuProfiler profiler;  // the one before left nothing behind
  profiler.stop();
}

TEST(RuntimeThreads, HaveNames) {
  Options options = precise_options();
  options.workers = 3;
  options.debug.gcserial = 0;
  Runtime rt(options);
  std::atomic<int> calls{0};
  drop_with_cleanup(rt, &calls);
  CpuProfiler profiler;
  rt.collect();
  const std::set<std::string> expected = {"gh-final",  "gh-gc",      "gh-mark-1",
                                          "gh-mark-2", "gh-profile", "gh-range"};
  // A new thread names itself.
  while (our_tasks() != expected) usleep(1'000);
  profiler.stop();
}

TEST(RuntimeThreads, TakeNoneOfTheProgramsSignals) {
  Options options = precise_options();
  options.workers = 2;
  options.debug.gcserial = 0;
  Runtime rt(options);
  std::atomic<int> calls{0};
  drop_with_cleanup(rt, &calls);
  CpuProfiler profiler;
  rt.collect();
  // A thread that is being started has everything blocked for a moment, under its maker's name.
  const auto starting = [](const OsTask& task) {
    return task.name.starts_with("gh-") && (task.blocked >> (SIGSEGV - 1) & 1) != 0;
  };
  for (int tries = 0; tries < 1000 && std::ranges::any_of(tasks(), starting); ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  size_t seen = 0;
  for (const OsTask& task : tasks()) {
    if (!task.name.starts_with("gh-")) continue;
    ++seen;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD, SIGALRM, SIGPIPE})
      EXPECT_TRUE((task.blocked >> (signal - 1) & 1) != 0) << task.name << ' ' << signal;
    for (const int signal : {SIGSEGV, SIGPROF})
      EXPECT_TRUE((task.blocked >> (signal - 1) & 1) == 0) << task.name << ' ' << signal;
  }
  EXPECT_GE(seen, 4u);
  profiler.stop();
  // The usual order in a service: block, and wait for it, though the runtime is there already.
  sigset_t term;
  sigset_t before;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &before);
  kill(getpid(), SIGTERM);
  int got = 0;
  EXPECT_EQ(sigwait(&term, &got), 0);
  EXPECT_EQ(got, SIGTERM);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Exit status of a child that may have only so many threads more than it has.
int with_thread_limit(rlim_t limit, int (*body)()) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    const rlimit most{limit, limit};
    // Root is exempt.
    if (setrlimit(RLIMIT_NPROC, &most) != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(3);
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(RuntimeThreads, ALimitOnProcessesIsAnException) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody who has no process yet";
  const int status = with_thread_limit(1, [] {
    try {
      Runtime rt(usual_options());
    } catch (const std::system_error&) {
      return 0;
    }
    return 1;
  });
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace greyhound::runtime
