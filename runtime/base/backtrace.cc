// SPDX-License-Identifier: MIT
#include "runtime/base/backtrace.h"

#include <pthread.h>
#include <unistd.h>

#include "runtime/base/check.h"
#include "runtime/base/system.h"

// glibc's: where the program's first thread began, above all frames of a program's. What glibc
// itself looks up in /proc/self/maps, which wants a file descriptor and a mounted /proc.
extern "C" void* __libc_stack_end;

namespace greyhound {

StackBounds thread_stack_bounds(bool again) {
  constinit thread_local StackBounds bounds;
  if (bounds.end != 0 && !again) return bounds;
  const StackBounds now = stack_bounds(pthread_self());
  if (now.end != 0) return bounds = now;
  bounds.low = 0;
  if (bounds.end == 0 && getpid() == gettid())
    bounds.end = reinterpret_cast<uintptr_t>(__libc_stack_end);
  if (bounds.end == 0) {
    fatal(
        "the system does not tell where this thread's stack is (pthread_getattr_np), so its roots "
        "cannot be scanned; give the process more memory, or let a sandbox allow "
        "sched_getaffinity");
  }
  return bounds;
}

}  // namespace greyhound
