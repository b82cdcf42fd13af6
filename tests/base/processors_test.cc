// SPDX-License-Identifier: MIT
// What affinity and control groups leave a process, from files as the kernel writes them.
#include "runtime/base/processors.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/base/cgroup.h"

namespace greyhound {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// A directory that stands for /.
class CgroupTest : public ::testing::Test {
 protected:
  CgroupTest() {
    const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
    root_ = std::filesystem::path(::testing::TempDir()) /
            (std::string("cgroup_") + test->name() + "_" + std::to_string(getpid()));
    std::filesystem::create_directories(root_);
  }
  ~CgroupTest() override { std::filesystem::remove_all(root_); }

  void file(const std::string& path, const std::string& text) {
    const std::filesystem::path whole = root_ / path;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << text;
  }
  CgroupLimits limits() const { return cgroup_limits(root_.c_str()); }

 private:
  std::filesystem::path root_;
};

TEST_F(CgroupTest, WithoutGroupsThereIsNoLimit) {
  EXPECT_EQ(limits().cpus, 0);
  EXPECT_EQ(limits().memory, 0u);
}

TEST_F(CgroupTest, Version2GivesQuotaAndMemoryOfTheGroup) {
  file("proc/self/cgroup", "0::/app.slice/server\n");
  file("sys/fs/cgroup/app.slice/server/cpu.max", "150000 100000\n");
  file("sys/fs/cgroup/app.slice/server/memory.max", "536870912\n");
  file("sys/fs/cgroup/app.slice/server/memory.high", "max\n");
  EXPECT_DOUBLE_EQ(limits().cpus, 1.5);
  EXPECT_EQ(limits().memory, 512 * kMiB);
}

TEST_F(CgroupTest, MemoryIsTakenBackFromHighOn) {
  file("proc/self/cgroup", "0::/server\n");
  file("sys/fs/cgroup/server/memory.max", "536870912\n");
  file("sys/fs/cgroup/server/memory.high", "402653184\n");
  EXPECT_EQ(limits().memory, 384 * kMiB);
}

TEST_F(CgroupTest, TheLeastOfAllGroupsAboveCounts) {
  file("proc/self/cgroup", "0::/a/b/c\n");
  file("sys/fs/cgroup/a/cpu.max", "200000 100000\n");
  file("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
  file("sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
  file("sys/fs/cgroup/a/memory.max", "1073741824\n");
  file("sys/fs/cgroup/a/b/c/memory.max", "max\n");
  EXPECT_DOUBLE_EQ(limits().cpus, 2);
  EXPECT_EQ(limits().memory, 1024 * kMiB);
}

TEST_F(CgroupTest, Version1GivesEachControllersOwn) {
  file("proc/self/cgroup", "5:memory:/jobs/7\n4:cpu,cpuacct:/jobs/7\n1:name=systemd:/\n0::/\n");
  file("sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.cfs_quota_us", "50000\n");
  file("sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.cfs_period_us", "100000\n");
  file("sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes", "268435456\n");
  EXPECT_DOUBLE_EQ(limits().cpus, 0.5);
  EXPECT_EQ(limits().memory, 256 * kMiB);
}

TEST_F(CgroupTest, Version1SaysNoneByMinusOneAndByAHugeNumber) {
  file("proc/self/cgroup", "5:memory:/\n4:cpu:/\n");
  file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  file("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  file("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_EQ(limits().cpus, 0);
  EXPECT_EQ(limits().memory, 0u);
}

// As in a container without a cgroup namespace: the path is the host's, the mount the container's.
TEST_F(CgroupTest, AGroupThatIsNotThereIsPassedOver) {
  file("proc/self/cgroup", "0::/docker/0123456789abcdef\n");
  file("sys/fs/cgroup/cpu.max", "300000 100000\n");
  file("sys/fs/cgroup/memory.max", "1073741824\n");
  EXPECT_DOUBLE_EQ(limits().cpus, 3);
  EXPECT_EQ(limits().memory, 1024 * kMiB);
}

TEST_F(CgroupTest, WhatIsNoNumberIsNoLimit) {
  file("proc/self/cgroup", "nonsense\n0::/a\n");
  file("sys/fs/cgroup/a/cpu.max", "many few\n");
  file("sys/fs/cgroup/a/memory.max", "");
  EXPECT_EQ(limits().cpus, 0);
  EXPECT_EQ(limits().memory, 0u);
}

TEST(Processors, AreThoseOfTheAffinityAndNoMoreThanTheQuotaRoundedUp) {
  EXPECT_EQ(processors_of(8, 0), 8u);
  EXPECT_EQ(processors_of(8, 1.5), 2u);
  EXPECT_EQ(processors_of(8, 2), 2u);
  EXPECT_EQ(processors_of(8, 0.1), 1u);
  EXPECT_EQ(processors_of(2, 64), 2u);
  EXPECT_EQ(processors_of(0, 0), 1u);
}

TEST(Processors, OfAThreadThatIsBoundToOneAreOne) {
  unsigned found = 0;
  std::thread bound([&] {
    cpu_set_t allowed, one;
    CPU_ZERO(&one);
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
      if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &one);
    }
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    found = processors();
  });
  bound.join();
  EXPECT_EQ(found, 1u);
}

}  // namespace
}  // namespace greyhound
