// SPDX-License-Identifier: MIT
// What the layers ask of the system beside memory (gc/memory/os_memory.h) and waiting (futex.h).
// Any such call may fail, in a sandbox or where something is used up; each function says what its
// callers get then. tests/system_faults.h makes them fail.
//
// Thread rules: any thread.
#pragma once

#include <pthread.h>
#include <time.h>

#include <cstdint>

namespace greyhound {

// False, and nothing written, when the clock cannot be read.
bool read_clock(clockid_t clock, uint64_t* ns);

// The clock that everything is timed and paced by. Fatal when it cannot be read: no figure would
// mean anything from there on, and no wait would end in time.
uint64_t monotonic_ns();
// Processor time of the calling thread. While it cannot be read it stands still: nothing is
// charged, rather than something wrong.
uint64_t thread_cpu_ns();

// 64 bits that nobody can guess. Where the system gives none, bits that only differ from run to
// run.
uint64_t random_seed();

struct StackBounds {
  uintptr_t low = 0;
  uintptr_t end = 0;  // exclusive; 0: not known
};
// The stack of `thread`, which must live. The system may not know: for a program's first thread
// glibc reads /proc/self/maps, for any other it allocates.
StackBounds stack_bounds(pthread_t thread);

// Sleeps for a moment, where a wait that would sleep longer is refused. Leaves errno.
void short_nap();

}  // namespace greyhound
