// SPDX-License-Identifier: MIT
// The CPU profiler where the system refuses what it asks for: a profile says what it lacks, and the
// program goes on.
#include <cerrno>

#include "runtime/profile/cpu_profiler.h"
#include "tests/runtime/fixture.h"
#include "tests/system_faults.h"

namespace greyhound::runtime {
namespace {

class CpuProfilerFaults : public RuntimeTest {
 protected:
  using Perf = CpuProfileOptions::Perf;

  CpuProfile profile(Perf perf) {
    CpuProfileOptions options;
    options.rate = 200;
    options.perf = perf;
    CpuProfiler profiler(options);
    profiler.add(rt);
    use_cpu();
    return profiler.stop();
  }
  static void use_cpu() {
    volatile uint64_t count = 0;
    for (const uint64_t start = gc::thread_cpu_ns(); gc::thread_cpu_ns() - start < 50'000'000;)
      count = count + 1;
  }
};

TEST_F(CpuProfilerFaults, ThreadsWithoutATimerAreCounted) {
  const SystemFault fault(Call::kTimerCreate, EAGAIN);
  const CpuProfile found = profile(Perf::kNever);
  EXPECT_EQ(found.without_clock, found.threads);
  EXPECT_EQ(found.samples, 0u);
  EXPECT_GT(found.cpu_ns, 0u) << "their clocks tell what they used";
}

TEST_F(CpuProfilerFaults, ATimerThatCannotBeSetIsNoneForOneThread) {
  const SystemFault fault(Call::kTimerSettime, EINVAL, 1);
  const CpuProfile found = profile(Perf::kNever);
  EXPECT_EQ(found.without_clock, 1u);
  EXPECT_GE(found.threads, 2u);
}

TEST_F(CpuProfilerFaults, WithoutPerfThereAreTimers) {
  const SystemFault fault(Call::kPerfEventOpen, EACCES);
  const CpuProfile found = profile(Perf::kAlways);
  EXPECT_EQ(found.source, "thread CPU timers");
  EXPECT_EQ(found.without_clock, 0u);
}

TEST_F(CpuProfilerFaults, APerfEventThatCannotBeRearmedIsReplaced) {
  if (profile(Perf::kAlways).source != "perf task clock") GTEST_SKIP() << "no perf events here";
  CpuProfileOptions options;
  options.rate = 200;
  options.perf = Perf::kAlways;
  CpuProfiler profiler(options);
  profiler.add(rt);
  const SystemFault fault(Call::kIoctl, EIO);
  for (int i = 0; i < 40; ++i) use_cpu();
  EXPECT_EQ(profiler.stop().source, "thread CPU timers and perf task clock");
}

TEST_F(CpuProfilerFaults, ASignalThatCannotBeHandledIsSaid) {
  {
    const SystemFault fault(Call::kSigaction, EINVAL, 1);
    EXPECT_THROW(profile(Perf::kNever), ProfileError);
  }
  EXPECT_GT(profile(Perf::kNever).cpu_ns, 0u) << "the next one starts";
}

TEST_F(CpuProfilerFaults, ThreadsWhoseStackIsNotKnownHaveNoFrames) {
  const SystemFault fault(Call::kPthreadGetattr, ENOMEM);
  const CpuProfile found = profile(Perf::kNever);
  EXPECT_GT(fault.failed(), 0);
  EXPECT_GT(found.cpu_ns, 0u);
}

}  // namespace
}  // namespace greyhound::runtime
