// SPDX-License-Identifier: MIT
// The CPU profiler. Nothing here is timed: a profile is compared with what the threads' own CPU
// clocks say, and with which functions ran.
#include "runtime/profile/cpu_profiler.h"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

struct Link {
  Ref<Link> next;
  int64_t value = 0;
};

// Uses `ns` of the calling thread's CPU time.
GREYHOUND_NOINLINE uint64_t spin(uint64_t ns) {
  const uint64_t start = gc::thread_cpu_ns();
  volatile uint64_t count = 0;
  while (gc::thread_cpu_ns() - start < ns) {
    for (int i = 0; i < 1000; ++i) count = count + 1;
  }
  return gc::thread_cpu_ns() - start;
}

GREYHOUND_NOINLINE uint64_t spin_in_two_frames(uint64_t ns) {
  const uint64_t used = spin(ns);
  asm volatile("" ::: "memory");  // no sibling call
  return used;
}

constexpr uint64_t kMillisecond = 1'000'000;
CpuProfileOptions fast() {
  CpuProfileOptions options;
  options.rate = 200;
  options.perf = CpuProfileOptions::Perf::kNever;
  return options;
}

uint64_t sum_cpu(const CpuProfile& profile) {
  uint64_t sum = 0;
  for (const CpuRecord& record : profile.records) sum += record.cpu_ns;
  return sum;
}

std::string label(const CpuRecord& record, const std::string& key) {
  for (const auto& [name, value] : record.labels) {
    if (name == key) return value;
  }
  return {};
}

uint64_t samples_with(const CpuProfile& profile, const std::string& key, const std::string& value) {
  uint64_t sum = 0;
  for (const CpuRecord& record : profile.records) {
    if (label(record, key) == value) sum += record.samples;
  }
  return sum;
}

// Whether one of the addresses is in the first bytes of `function`.
bool passes(const CpuRecord& record, uint64_t (*function)(uint64_t)) {
  const auto begin = reinterpret_cast<uintptr_t>(function);
  return std::ranges::any_of(record.stack, [begin](uintptr_t at) { return at - begin < 2048; });
}

class CpuProfilerTest : public RuntimeTest {};

TEST_F(CpuProfilerTest, TheWholeIsTheThreadsOwnCpuTime) {
  CpuProfiler profiler(fast());
  profiler.add(rt);
  const uint64_t used = spin(300 * kMillisecond);
  const CpuProfile profile = profiler.stop();
  EXPECT_EQ(sum_cpu(profile), profile.cpu_ns);
  EXPECT_GE(profile.cpu_ns, used);
  // Besides: the coordinator, which has nothing to do, and starting and stopping.
  uint64_t own = 0;
  for (const CpuRecord& record : profile.records) {
    if (label(record, "thread") == "mutator") own += record.cpu_ns;
  }
  EXPECT_GE(own, used);
  EXPECT_LT(static_cast<double>(own), static_cast<double>(used) * 1.2);
  EXPECT_GT(profile.samples, 0u);  // a machine that others use may lose most ticks
  EXPECT_EQ(profile.dropped, 0u);
  EXPECT_EQ(profile.source, "thread CPU timers");
}

TEST_F(CpuProfilerTest, TheBusyFunctionHasTheTimeAndItsCallersAreThere) {
  CpuProfiler profiler(fast());
  profiler.add(rt);
  spin_in_two_frames(400 * kMillisecond);
  const CpuProfile profile = profiler.stop();
  uint64_t busy = 0, below = 0;
  for (const CpuRecord& record : profile.records) {
    if (!passes(record, spin)) continue;
    busy += record.cpu_ns;
    if (passes(record, spin_in_two_frames)) below += record.cpu_ns;
  }
#ifndef GREYHOUND_TSAN  // which delivers signals late, at a place of its own
  EXPECT_GT(static_cast<double>(busy), 0.7 * static_cast<double>(profile.cpu_ns));
  EXPECT_GT(static_cast<double>(below), 0.9 * static_cast<double>(busy));
#endif
  EXPECT_GT(profile.samples, 0u);
}

TEST_F(CpuProfilerTest, SamplesCarryTheLabelsOfTheScope) {
  CpuProfiler profiler(fast());
  profiler.add(rt);
  {
    ProfileLabels outer("scenario", "boxed");
    ProfileLabels other("phase", "warm-up");
    ProfileLabels inner("phase", std::string(3000, 'x'));
    spin(200 * kMillisecond);
  }
  {
    ProfileLabels label("scenario", "plain");
    spin(200 * kMillisecond);
  }
  const CpuProfile profile = profiler.stop();
  EXPECT_GT(samples_with(profile, "scenario", "boxed"), 0u);
  EXPECT_GT(samples_with(profile, "scenario", "plain"), 0u);
  // The innermost one counts; what is too long is cut off.
  EXPECT_GT(samples_with(profile, "phase", std::string(200, 'x')), 0u);
  for (const CpuRecord& record : profile.records) {
    if (label(record, "scenario") == "plain") {
      EXPECT_EQ(label(record, "phase"), "");
    }
    // While the scopes begin and end, less of them is there.
    const std::string phase = label(record, "phase");
    EXPECT_TRUE(phase.empty() || phase == "warm-up" || phase == std::string(200, 'x')) << phase;
  }
}

TEST_F(CpuProfilerTest, CollectorThreadsHaveAPhaseAndNoLabelsOfUsers) {
  Link* list = nullptr;
  for (int64_t i = 0; i < 300'000; ++i) list = thread.make<Link>(list, i);
  CpuProfiler profiler(fast());
  profiler.add(rt);
  CpuProfile profile;
  {
    ProfileLabels label("scenario", "collecting");
    for (int i = 0; i < 200; ++i) {
      rt.collect();
      if (gc::GcStats stats = rt.stats(); stats.mark_cpu_ns > 600 * kMillisecond) break;
    }
    profile = profiler.stop();
  }
  ASSERT_EQ(list->value, 299'999);
  uint64_t marking = 0;
  for (const CpuRecord& record : profile.records) {
    const std::string thread = label(record, "thread");
    const bool collector = thread == "coordinator" || thread.starts_with("worker");
    if (record.samples == 0) continue;
    EXPECT_EQ(!label(record, "gcphase").empty(), collector);
    if (collector) {
      EXPECT_EQ(label(record, "scenario"), "");
    }
    if (label(record, "gcphase") == "drain") marking += record.samples;
  }
  EXPECT_GT(marking, 0u);
}

TEST_F(CpuProfilerTest, ThreadsMayComeAndGo) {
  CpuProfiler profiler(fast());
  profiler.add(rt);
  std::atomic<uint64_t> used{0};
  thread.blocking([&] {
    for (int round = 0; round < 10; ++round) {
      std::vector<std::thread> others;
      for (int i = 0; i < 4; ++i) {
        others.emplace_back([&] {
          Thread other(rt, "short");
          used += spin(3 * kMillisecond);
          for (int64_t k = 0; k < 100; ++k) other.make<Link>(nullptr, k);
        });
      }
      for (std::thread& other : others) other.join();
    }
  });
  const CpuProfile profile = profiler.stop();
  uint64_t own = 0;
  for (const CpuRecord& record : profile.records) {
    if (label(record, "thread") == "short") own += record.cpu_ns;
  }
  // 40 threads, each shorter than a period or two: they are sampled as one.
  EXPECT_GE(own, used.load());
  EXPECT_GT(samples_with(profile, "thread", "short"), 0u);
  EXPECT_GE(profile.threads, 42u);
}

TEST_F(CpuProfilerTest, TwoRuntimesAreOneProfile) {
  Runtime other(usual_options());
  CpuProfiler profiler(fast());
  profiler.add(rt);
  profiler.add(other);
  profiler.add(other);
  std::thread second([&] {
    Thread attached(other, "second");
    spin(200 * kMillisecond);
  });
  {
    // One thread in two runtimes is sampled once.
    Thread nested(other, "nested");
    spin(200 * kMillisecond);
  }
  thread.blocking([&] { second.join(); });
  const CpuProfile profile = profiler.stop();
  EXPECT_GT(samples_with(profile, "thread", "second"), 0u);
  EXPECT_GT(samples_with(profile, "thread", "mutator"), 0u);
  EXPECT_EQ(samples_with(profile, "thread", "nested"), 0u);
}

TEST_F(CpuProfilerTest, ARuntimeMayEndBeforeTheProfile) {
  CpuProfiler profiler(fast());
  for (int i = 0; i < 3; ++i) {
    Runtime shorter(usual_options());
    profiler.add(shorter);
    Thread attached(shorter, "brief");
    spin(20 * kMillisecond);
    for (int64_t k = 0; k < 1000; ++k) attached.make<Link>(nullptr, k);
    shorter.collect();
  }
  const CpuProfile profile = profiler.stop();
  EXPECT_GE(profile.cpu_ns, 60 * kMillisecond);
  EXPECT_EQ(sum_cpu(profile), profile.cpu_ns);
}

TEST_F(CpuProfilerTest, ThePerfClockServesRatesThatTimersCannot) {
  CpuProfileOptions options;
  options.rate = 2000;
  CpuProfiler profiler(options);
  profiler.add(rt);
  const uint64_t used = spin(300 * kMillisecond);
  const CpuProfile profile = profiler.stop();
  EXPECT_EQ(sum_cpu(profile), profile.cpu_ns);
  EXPECT_GT(profile.samples, 0u);
  if (profile.source != "perf task clock") GTEST_SKIP() << "here it is " << profile.source;
#ifndef GREYHOUND_TSAN
  // More than the 250 a second of timers, counted in the thread's own time.
  EXPECT_GT(static_cast<double>(profile.samples), 300 * static_cast<double>(used) * 1e-9);
#endif
}

TEST_F(CpuProfilerTest, ASecondProfileIsRefusedAndTheFirstGoesOn) {
  CpuProfiler first(fast());
  first.add(rt);
  try {
    CpuProfiler second(fast());
    FAIL() << "two profiles";
  } catch (const ProfileError& error) {
    EXPECT_NE(std::string(error.what()).find("running in this process already"), std::string::npos);
  }
  spin(100 * kMillisecond);
  EXPECT_GT(first.stop().samples, 0u);
  CpuProfiler third(fast());  // once it has ended there is room for another
  third.stop();
}

TEST_F(CpuProfilerTest, ARateOutOfRangeIsRefused) {
  for (const unsigned rate : {0u, kMostCpuProfileRate + 1}) {
    CpuProfileOptions options;
    options.rate = rate;
    EXPECT_THROW(CpuProfiler{options}, ProfileError) << rate;
  }
}

TEST_F(CpuProfilerTest, TheHandlerThatWasThereComesBack) {
  struct sigaction mine {};
  mine.sa_handler = [](int) {};
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGPROF, &mine, &before), 0);
  struct sigaction now {};
  {
    CpuProfiler profiler(fast());
    sigaction(SIGPROF, nullptr, &now);
    EXPECT_NE(now.sa_handler, mine.sa_handler);
  }
  sigaction(SIGPROF, nullptr, &now);
  EXPECT_EQ(now.sa_handler, mine.sa_handler);
  sigaction(SIGPROF, &before, nullptr);
}

TEST_F(CpuProfilerTest, ManyProfilesUnderLoadLoseNothing) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&] {
      Thread other(rt, "busy");
      while (!stop.load(std::memory_order_relaxed)) {
        ProfileLabels label("work", "lists");
        Link* list = nullptr;
        for (int64_t k = 0; k < 2000; ++k) list = other.make<Link>(list, k);
        ASSERT_EQ(list->value, 1999);
      }
    });
  }
  CpuProfileOptions options;
  options.rate = 2000;  // by perf where that can be had
  uint64_t samples = 0;
  for (int i = 0; i < 10; ++i) {
    CpuProfiler profiler(options);
    profiler.add(rt);
    thread.blocking([] { std::this_thread::sleep_for(std::chrono::milliseconds(30)); });
    if (i % 3 == 0) rt.collect();
    const CpuProfile profile = profiler.stop();
    EXPECT_EQ(sum_cpu(profile), profile.cpu_ns);
    samples += profile.samples;
  }
  stop = true;
  thread.blocking([&] {
    for (std::thread& other : others) other.join();
  });
  EXPECT_GT(samples, 0u);
}

}  // namespace
}  // namespace greyhound::runtime
