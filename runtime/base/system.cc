// SPDX-License-Identifier: MIT
#include "runtime/base/system.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/check.h"

namespace greyhound {

bool read_clock(clockid_t clock, uint64_t* ns) {
  timespec now;
  if (clock_gettime(clock, &now) != 0) return false;
  *ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
  return true;
}

uint64_t monotonic_ns() {
  uint64_t ns = 0;
  if (!read_clock(CLOCK_MONOTONIC, &ns)) {
    fatal(
        "the system's monotonic clock cannot be read (clock_gettime: %s); a sandbox must allow it",
        std::strerror(errno));
  }
  return ns;
}

uint64_t thread_cpu_ns() {
  constinit thread_local uint64_t last = 0;
  read_clock(CLOCK_THREAD_CPUTIME_ID, &last);
  return last;
}

uint64_t random_seed() {
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == static_cast<ssize_t>(sizeof seed))
    return seed;
  // Where this thread's stack lies differs by address space randomisation, the clocks by time.
  uint64_t wall = 0;
  read_clock(CLOCK_REALTIME, &wall);
  return (monotonic_ns() << 32) ^ wall ^ reinterpret_cast<uintptr_t>(&seed);
}

StackBounds stack_bounds(pthread_t thread) {
  pthread_attr_t attributes;
  if (pthread_getattr_np(thread, &attributes) != 0) return {};
  void* low = nullptr;
  size_t size = 0;
  const bool known = pthread_attr_getstack(&attributes, &low, &size) == 0;
  pthread_attr_destroy(&attributes);
  if (!known) return {};
  const auto begin = reinterpret_cast<uintptr_t>(low);
  return {begin, begin + size};
}

void short_nap() {
  const int saved_errno = errno;
  constexpr timespec kNap{0, 50'000};
  // Interrupted or refused, it is shorter.
  static_cast<void>(nanosleep(&kNap, nullptr));
  errno = saved_errno;
}

}  // namespace greyhound
