// SPDX-License-Identifier: MIT
// What control groups allow this process: processors' time and memory. Of both versions: one tree
// for everything (v2) and a tree a controller (v1), where they are mounted by custom, under
// /sys/fs/cgroup. A group is held to the limits of those above it, so the least of all counts. In a
// container the path that the kernel gives may be one of the host's, of which only the top is to be
// seen: what is not there is passed over.
//
// Thread rules: any thread. Reads a dozen small files at most.
#pragma once

#include <cstdint>

namespace greyhound {

struct CgroupLimits {
  double cpus = 0;      // processors' worth of time; 0: no limit
  uint64_t memory = 0;  // bytes at which the kernel begins to take memory back, or kills; 0: none
};

// `root` goes before /proc and /sys, for tests.
CgroupLimits cgroup_limits(const char* root = "");

}  // namespace greyhound
