// SPDX-License-Identifier: MIT
// A system that gives no threads: the linker sends every pthread_create of the layers to
// threads_test.cc (--wrap), which asks here. Threads of the standard library's are always given.
#pragma once

#include <cstddef>

namespace greyhound::runtime {

// Until the end of the scope: lets `first` threads start, then refuses `count`.
class RefusedThreads {
 public:
  explicit RefusedThreads(size_t first = 0, size_t count = static_cast<size_t>(-1));
  ~RefusedThreads();
  RefusedThreads(const RefusedThreads&) = delete;
  RefusedThreads& operator=(const RefusedThreads&) = delete;
  // That were asked for and not given.
  size_t refused() const;
};

}  // namespace greyhound::runtime
