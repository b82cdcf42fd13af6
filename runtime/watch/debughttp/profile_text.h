// SPDX-License-Identifier: MIT
// Profiles as Go's debug=1 writes them: text that people read, and that go tool pprof reads as its
// old formats. Counts are what was sampled, not what that stands for, as there.
#pragma once

#include <string>
#include <vector>

#include "runtime/watch/debughttp/observed_runtimes.h"
#include "runtime/watch/pprof/profile.h"

namespace greyhound::serve {

std::string heap_text(const HeapSamples& samples, const Snapshot& snapshot);
// Of a profile with one value a sample: "NAME profile: total N", then a count and a stack each.
std::string count_text(const std::string& name, const pprof::Profile& profile);
// Of a profile with contentions and their delay in nanoseconds.
std::string contention_text(const std::string& name, const pprof::Profile& profile);
// goroutine?debug=2: a paragraph for each mutator.
std::string mutators_text(const std::vector<MutatorLine>& mutators);

}  // namespace greyhound::serve
