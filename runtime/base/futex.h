// SPDX-License-Identifier: MIT
// Waiting for a 32-bit word to change, with a timeout (which std::atomic::wait lacks). The word's
// own atomic operations order memory; these calls only sleep and wake.
#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace greyhound {

// Returns when the word is no longer `expected`, when woken, spuriously, or after `timeout_ns`
// (0: no timeout). The caller looks again.
template <class T>
inline void futex_wait(const std::atomic<T>& word, T expected, uint64_t timeout_ns = 0) {
  static_assert(sizeof(T) == 4);
  timespec timeout{static_cast<time_t>(timeout_ns / 1'000'000'000u),
                   static_cast<long>(timeout_ns % 1'000'000'000u)};
  syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, static_cast<uint32_t>(expected),
          timeout_ns == 0 ? nullptr : &timeout, nullptr, 0);
}

template <class T>
inline void futex_wake_all(const std::atomic<T>& word) {
  static_assert(sizeof(T) == 4);
  syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT32_MAX, nullptr, nullptr, 0);
}

inline void cpu_pause() { __builtin_ia32_pause(); }

}  // namespace greyhound
