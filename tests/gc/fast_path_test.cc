// SPDX-License-Identifier: MIT
// How many instructions the fast paths take, counted by stepping a child process through them one
// by one: the count repeats exactly, where a time would not. Optimised builds without planted
// faults only, whose checks are instructions too; skipped where processes may not be traced.
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "gc/alloc/malloc_inl.h"
#include "runtime/iface.h"
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

#if !defined(__OPTIMIZE__) || !defined(NDEBUG) || defined(GREYHOUND_ASAN) || \
    defined(GREYHOUND_TSAN) || (defined(GREYHOUND_PLANTED_FAULTS) && GREYHOUND_PLANTED_FAULTS)
constexpr bool kOptimised = false;
#else
constexpr bool kOptimised = true;
#endif

struct Pair {
  Ref<Node> left, right;
};

constexpr int kTimes = 32;
// Until the layout has spans of its own.
constexpr int kWarmUp = 4096;
// Of so many counts the least: between two of them a run may end and be refilled.
constexpr int kCounts = 3;

// Between two of these the parent counts.
GREYHOUND_NOINLINE void stop() { kill(getpid(), SIGSTOP); }

template <class Operation>
[[noreturn]] void child(Operation operation) {
  ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  Options options = quiet_options();
  Collector collector(options);
  if (!collector.start()) _exit(1);
  Mutator mutator(&collector, "child");
  mutator.bind();
  for (int i = 0; i < kWarmUp; ++i) operation();
  stop();
  for (int i = 0; i < kTimes; ++i) asm volatile("" ::: "memory");
  stop();
  while (true) {
    for (int i = 0; i < kTimes; ++i) operation();
    stop();
  }
}

// Instructions until the child stops itself; -1 when it ended instead.
long steps_until_stop(pid_t pid) {
  for (long steps = 0;; ++steps) {
    if (ptrace(PTRACE_SINGLESTEP, pid, nullptr, nullptr) != 0) return -1;
    int status = 0;
    if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return -1;
    if (WSTOPSIG(status) == SIGSTOP) return steps;
  }
}

// Instructions of one operation, its loop not counted; negative when that could not be measured.
template <class Operation>
double instructions(Operation operation) {
  const pid_t pid = fork();
  if (pid == 0) child(operation);
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status)) return -1;
  const long empty = steps_until_stop(pid);
  long full = LONG_MAX;
  for (int i = 0; i < kCounts; ++i) full = std::min(full, steps_until_stop(pid));
  kill(pid, SIGKILL);
  waitpid(pid, &status, 0);
  return empty < 0 || full < 0 ? -1 : static_cast<double>(full - empty) / kTimes;
}

template <class T>
void keep(T* object) {
  asm volatile("" ::"r"(object) : "memory");
}

class FastPathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kOptimised)
      GTEST_SKIP() << "counts only mean something in an optimised build without planted faults";
  }
  // Clang 14 takes a few more than GCC 12.
  template <class Operation>
  static void expect_at_most(double gcc, double clang, Operation operation) {
#if defined(__clang__)
    const double most = clang;
    static_cast<void>(gcc);
#else
    const double most = gcc;
    static_cast<void>(clang);
#endif
    const double count = instructions(operation);
    if (count < 0) GTEST_SKIP() << "this process may not trace its child";
    RecordProperty("instructions", std::to_string(count));
    EXPECT_LE(count, most);
    EXPECT_GT(count, 3) << "the operation was optimised away";
  }
};

TEST_F(FastPathTest, AnObjectWithPointers) {
  expect_at_most(18, 34, [] { keep(newobject_inl<Pair>()); });
}

TEST_F(FastPathTest, ATinyObject) {
  expect_at_most(15, 17, [] { keep(newobject_inl<uint64_t>()); });
}

TEST_F(FastPathTest, AnObjectWithoutPointers) {
  expect_at_most(12, 14, [] { keep(newobject_inl<std::array<uint64_t, 4>>()); });
}

TEST_F(FastPathTest, MallocgcOfAnySize) {
  expect_at_most(48, 54, [] { keep(mallocgc(sizeof(Pair), type_of<Pair>())); });
}

TEST_F(FastPathTest, ABoxedInteger) {
  expect_at_most(22, 27, [] { keep(runtime::convT64(1000)); });
}

// The box and the store of two words behind one barrier.
TEST_F(FastPathTest, ABoxedIntegerThatIsStored) {
  static eface holder;
  expect_at_most(27, 34, [] { holder = runtime::to_eface(int64_t{1000}); });
}

TEST_F(FastPathTest, AStoreWhileIdle) {
  static Pair holder;
  static Node* target = nullptr;
  expect_at_most(8, 8, [] { holder.left = target; });
}

}  // namespace
}  // namespace greyhound::gc
