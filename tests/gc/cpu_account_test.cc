// SPDX-License-Identifier: MIT
// CPU time and nothing else is what collecting is said to take. The clock is the test's.
#include "gc/pace/cpu_account.h"

#include <gtest/gtest.h>

#include <thread>

namespace greyhound::gc {
namespace {

uint64_t cpu_clock_ns = 0;  // of "this thread"
uint64_t fake_clock() { return cpu_clock_ns; }

TEST(CpuAccount, AChargeIsForWhatTheThreadRanSinceTheOneBefore) {
  CpuAccount account;
  CpuLap lap(&account, fake_clock);
  cpu_clock_ns = 1'000;
  lap.start();
  cpu_clock_ns += 50;
  lap.charge(CpuWork::kMark);
  cpu_clock_ns += 7;
  lap.charge(CpuWork::kSweep);
  EXPECT_EQ(account.times().mark_ns, 50u);
  EXPECT_EQ(account.times().sweep_ns, 7u);
  EXPECT_EQ(account.times().assist_ns, 0u);
  EXPECT_EQ(account.times().total(), 57u);
}

TEST(CpuAccount, WhatAThreadDidBeforeItStartedIsItsOwn) {
  CpuAccount account;
  CpuLap lap(&account, fake_clock);
  lap.start();
  cpu_clock_ns += 1'000'000;
  lap.start();
  cpu_clock_ns += 3;
  lap.charge(CpuWork::kMark);
  EXPECT_EQ(account.times().mark_ns, 3u);
}

// Two threads' clocks have nothing to do with one another.
TEST(CpuAccount, AnotherThreadsClockIsNotCompared) {
  CpuAccount account;
  CpuLap lap(&account, fake_clock);
  lap.start();
  std::thread([&] {
    cpu_clock_ns += 1'000'000;
    lap.charge(CpuWork::kMark);
    cpu_clock_ns += 5;
    lap.charge(CpuWork::kMark);
  }).join();
  EXPECT_EQ(account.times().mark_ns, 5u);
}

TEST(CpuAccount, TimesAreSubtractedEachByItself) {
  CpuAccount account;
  account.add(CpuWork::kAssist, 10);
  const CpuTimes before = account.times();
  account.add(CpuWork::kAssist, 4);
  account.add(CpuWork::kMark, 2);
  const CpuTimes taken = account.times() - before;
  EXPECT_EQ(taken.assist_ns, 4u);
  EXPECT_EQ(taken.mark_ns, 2u);
}

}  // namespace
}  // namespace greyhound::gc
