// SPDX-License-Identifier: MIT
// The standard containers that the collector changes in the middle of something. This layer is
// compiled without exceptions: std::bad_alloc would pass through it and leave locks held, lists
// linked and handshakes unanswered. Where there is no memory for these the process ends with a
// sentence instead.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gc/memory/os_memory.h"

namespace greyhound::gc {

template <class T>
struct OwnAllocator {
  using value_type = T;

  OwnAllocator() = default;
  template <class U>
  OwnAllocator(const OwnAllocator<U>&) {}

  T* allocate(size_t count) {
    return static_cast<T*>(required(std::malloc(count * sizeof(T)), count * sizeof(T)));
  }
  void deallocate(T* block, size_t) { std::free(block); }

  template <class U>
  bool operator==(const OwnAllocator<U>&) const {
    return true;
  }
};

template <class T>
using OwnVector = std::vector<T, OwnAllocator<T>>;
template <class T>
using OwnDeque = std::deque<T, OwnAllocator<T>>;
template <class Key, class Value, class Hash = std::hash<Key>, class Equal = std::equal_to<Key>>
using OwnMap =
    std::unordered_map<Key, Value, Hash, Equal, OwnAllocator<std::pair<const Key, Value>>>;

// Words that may be pointers, as they were found.
using RootWords = OwnVector<uintptr_t>;

}  // namespace greyhound::gc
