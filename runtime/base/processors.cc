// SPDX-License-Identifier: MIT
#include "runtime/base/processors.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "runtime/base/cgroup.h"

namespace greyhound {
namespace {

// A set as large as the kernel's: it refuses a smaller one.
constexpr int kMostCpus = 1 << 16;

unsigned by_affinity() {
  for (int cpus = CPU_SETSIZE; cpus <= kMostCpus; cpus *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<size_t>(cpus));
    if (set == nullptr) break;
    const size_t size = CPU_ALLOC_SIZE(static_cast<size_t>(cpus));
    const bool known = sched_getaffinity(0, size, set) == 0;
    const int count = known ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (known) return static_cast<unsigned>(count);
  }
  return static_cast<unsigned>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace

unsigned processors(const char* root) {
  return processors_of(by_affinity(), cgroup_limits(root).cpus);
}

unsigned processors_of(unsigned affinity, double quota) {
  const unsigned there = std::max(1u, affinity);
  if (quota <= 0 || quota >= there) return there;
  return std::max(1u, static_cast<unsigned>(std::ceil(quota)));
}

}  // namespace greyhound
