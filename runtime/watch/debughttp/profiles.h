// SPDX-License-Identifier: MIT
// The profiles of what is observed: heap and allocs from the runtimes' samples, block and mutex
// from their waits, goroutine from their mutators, threadcreate from the process's threads, each a
// state of this moment (sessions.h has those of a span of time).
//
// goroutine and threadcreate count, they do not sample, and a mutator's stack is not walked for
// them: a frame in brackets is no function but says what the mutator or thread is doing.
//
// Thread rules: any thread. Those that need symbols take their turn, as each reads the program's
// debugging information.
#pragma once

#include <vector>

#include "runtime/watch/debughttp/observed_runtimes.h"
#include "runtime/watch/pprof/profile.h"

namespace greyhound::serve {

// `default_type`: the value shown unless asked otherwise, "inuse_space" or "alloc_space".
pprof::Profile heap_profile(const HeapSamples& samples, const char* default_type,
                            bool hide_runtime);
// Waits for the runtimes' own locks (mutex), and all others (block).
bool is_lock(const gc::WaitRecord& record);
enum class Waits { kLocks, kOthers };
pprof::Profile wait_profile(const WaitSamples& samples, Waits which);
// Labels: mutator and state.
pprof::Profile mutator_profile(const std::vector<MutatorLine>& mutators);
// Label: thread.
pprof::Profile thread_profile();

}  // namespace greyhound::serve
