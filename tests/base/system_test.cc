// SPDX-License-Identifier: MIT
// What the layers ask of the system, when it refuses once and for ever.
#include "runtime/base/system.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <thread>

#include "gtest/gtest.h"
#include "runtime/base/backtrace.h"
#include "runtime/base/futex.h"
#include "tests/system_faults.h"

namespace greyhound {
namespace {

TEST(SystemClock, CpuTimeStandsStillWhileItCannotBeRead) {
  const uint64_t before = thread_cpu_ns();
  for (const int times : {1, kForEver}) {
    const SystemFault fault(Call::kClockGettime, EPERM, times);
    const uint64_t last = thread_cpu_ns();
    EXPECT_GE(last, before);
    if (times == kForEver) {
      EXPECT_EQ(thread_cpu_ns(), last);
    }
  }
  EXPECT_GE(thread_cpu_ns(), before);
}

TEST(SystemClock, WithoutAMonotonicClockThereIsNoGoingOn) {
  EXPECT_EXIT(
      {
        const SystemFault fault(Call::kClockGettime, EPERM);
        monotonic_ns();
      },
      ::testing::ExitedWithCode(2), "fatal error: the system's monotonic clock cannot be read");
}

TEST(SystemSeed, DiffersFromCallToCall) {
  for (const int times : {0, 1, kForEver}) {
    const SystemFault fault(Call::kGetrandom, ENOSYS, times);
    EXPECT_NE(random_seed(), random_seed()) << times;
  }
}

TEST(SystemStack, HoldsAVariableOfTheThread) {
  const StackBounds bounds = stack_bounds(pthread_self());
  const auto here = reinterpret_cast<uintptr_t>(&bounds);
  EXPECT_GT(here, bounds.low);
  EXPECT_LT(here, bounds.end);
  const SystemFault fault(Call::kPthreadGetattr, ENOENT);
  EXPECT_EQ(stack_bounds(pthread_self()).end, 0u);
}

// As where /proc is not mounted, or no descriptor is left to read it with. A process of its own, as
// a thread asks once.
TEST(SystemStack, TheFirstThreadsEndIsKnownWithoutTheSystem) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const StackBounds bounds = stack_bounds(pthread_self());
        const SystemFault fault(Call::kPthreadGetattr, EMFILE);
        const uintptr_t end = thread_stack_end();
        const bool ok = end > reinterpret_cast<uintptr_t>(&bounds) && end <= bounds.end;
        std::_Exit(ok ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(SystemStack, AnotherThreadSaysThatItIsNotKnown) {
  EXPECT_EXIT(
      {
        const SystemFault fault(Call::kPthreadGetattr, ENOMEM);
        std::thread([] { thread_stack_end(); }).join();
      },
      ::testing::ExitedWithCode(2), "does not tell where this thread's stack is");
}

TEST(Futex, AWaiterIsWokenThoughEveryCallIsRefused) {
  for (const int times : {1, 2, kForEver}) {
    const SystemFault fault(Call::kFutex, ENOSYS, times);
    std::atomic<uint32_t> word{0};
    std::thread waker([&word] {
      word.store(1);
      futex_wake_all(word);
    });
    while (word.load() == 0) futex_wait(word, uint32_t{0});
    waker.join();
  }
}

TEST(Futex, EveryAnswerOfTheKernelsEndsOneWait) {
  for (const int error : {EAGAIN, EINTR, ETIMEDOUT, EINVAL}) {
    const SystemFault fault(Call::kFutex, error, 1);
    std::atomic<uint32_t> word{0};
    futex_wait(word, uint32_t{0});
    EXPECT_EQ(fault.failed(), 1);
  }
}

TEST(Futex, LeavesErrno) {
  std::atomic<uint32_t> word{1};
  errno = 77;
  futex_wait(word, uint32_t{0});
  EXPECT_EQ(errno, 77);
  const SystemFault fault(Call::kFutex, ENOSYS);
  futex_wait(word, uint32_t{1});
  futex_wake_all(word);
  EXPECT_EQ(errno, 77);
}

TEST(Nap, EndsThoughItIsRefused) {
  const SystemFault fault(Call::kNanosleep, EINTR);
  errno = 77;
  short_nap();
  EXPECT_EQ(errno, 77);
  EXPECT_EQ(fault.failed(), 1);
}

}  // namespace
}  // namespace greyhound
