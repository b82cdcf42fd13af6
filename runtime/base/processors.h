// SPDX-License-Identifier: MIT
// How many processors this process may use: those of its affinity, and no more than its control
// groups give it time for. std::thread::hardware_concurrency() knows of the first only, and a
// collector that takes a container of two processors for one of 64 starts as many workers and lets
// collecting take 32 times its share.
//
// Thread rules: any thread. The answer is the calling thread's affinity, and of this moment.
#pragma once

namespace greyhound {

// Rounded up, and at least one. `root` is cgroup_limits'.
unsigned processors(const char* root = "");

// The same for what was found: `quota` of processors' time, 0 for none.
unsigned processors_of(unsigned affinity, double quota);

}  // namespace greyhound
