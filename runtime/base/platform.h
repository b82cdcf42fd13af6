// SPDX-License-Identifier: MIT
// Compiler and machine facts that every layer shares. Owns nothing at run time.
// Supported: x86-64 Linux with GCC or Clang, where plain loads and stores of a word are single
// copies and std::atomic_ref<T*> with acquire/release costs the same as a plain access.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#if !defined(__x86_64__) || !defined(__linux__)
#error "Greyhound supports x86-64 Linux only"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define GREYHOUND_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define GREYHOUND_TSAN 1
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define GREYHOUND_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define GREYHOUND_TSAN 1
#endif
#endif

#define GREYHOUND_INLINE inline __attribute__((always_inline))
#define GREYHOUND_NOINLINE __attribute__((noinline))
// For code that reads other frames' stack words on purpose (conservative roots).
#define GREYHOUND_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined")))

namespace greyhound {

inline constexpr size_t kWordBytes = sizeof(void*);
inline constexpr size_t kCacheLine = 64;

constexpr size_t align_up(size_t n, size_t alignment) {
  return (n + alignment - 1) & ~(alignment - 1);
}
constexpr size_t align_down(size_t n, size_t alignment) { return n & ~(alignment - 1); }

// One pointer-sized word that a marker may read while a mutator writes it. Release on the store
// publishes the target's initialisation; the marker's acquire load is its partner.
GREYHOUND_INLINE void store_word(void* slot, uintptr_t value) {
  std::atomic_ref<uintptr_t>(*static_cast<uintptr_t*>(slot))
      .store(value, std::memory_order_release);
}
GREYHOUND_INLINE uintptr_t load_word(const void* slot) {
  return std::atomic_ref<uintptr_t>(*static_cast<uintptr_t*>(const_cast<void*>(slot)))
      .load(std::memory_order_acquire);
}

}  // namespace greyhound
