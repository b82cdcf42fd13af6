// SPDX-License-Identifier: MIT
// Waiting for a 32-bit word to change, with a timeout (which std::atomic::wait lacks). The word's
// own atomic operations order memory; these calls only sleep and wake, and leave errno as it is: a
// thread that leaves a blocking region may still want its own.
//
// A system that refuses them (a sandbox) makes waiting slower, not wrong: who may not sleep naps
// and looks again, and nobody sleeps so long that a wake which was refused would be missed for
// good.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>

#include "runtime/base/system.h"

namespace greyhound {

inline constexpr uint64_t kLongestSleepNs = 100'000'000;

// Returns when the word is no longer `expected`, when woken, spuriously, or after `timeout_ns` (at
// most, and for 0, kLongestSleepNs). The caller looks again.
template <class T>
inline void futex_wait(const std::atomic<T>& word, T expected, uint64_t timeout_ns = 0) {
  static_assert(sizeof(T) == 4);
  if (timeout_ns == 0) timeout_ns = kLongestSleepNs;
  const timespec timeout{0, static_cast<long>(std::min(timeout_ns, kLongestSleepNs))};
  const int saved_errno = errno;
  if (syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, static_cast<uint32_t>(expected), &timeout,
              nullptr, 0) != 0 &&
      errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT) {
    short_nap();
  }
  errno = saved_errno;
}

template <class T>
inline void futex_wake_all(const std::atomic<T>& word) {
  static_assert(sizeof(T) == 4);
  const int saved_errno = errno;
  // Refused, the waiters' own timeouts wake them.
  static_cast<void>(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0));
  errno = saved_errno;
}

inline void cpu_pause() { __builtin_ia32_pause(); }

}  // namespace greyhound
