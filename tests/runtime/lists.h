// SPDX-License-Identifier: MIT
// Lists, that whoever held one finds whole or has lost.
#pragma once

#include <cstdint>

#include "tests/runtime/fixture.h"

namespace greyhound::runtime {

inline constexpr uint64_t kLength = 1000;

inline Node* make_list(uint64_t length) {
  Node* list = nullptr;
  for (uint64_t i = 0; i < length; ++i) list = Thread::make<Node>(list, i);
  return list;
}

inline bool is_whole(const Node* list, uint64_t length) {
  for (uint64_t i = length; i-- > 0; list = list->next) {
    if (list == nullptr || list->value != i) return false;
  }
  return list == nullptr;
}

// Whatever was lost is overwritten by now.
inline void collect_and_reuse(Runtime& rt) {
  for (int i = 0; i < 2; ++i) {
    rt.collect();
    for (uint64_t k = 0; k < 20 * kLength; ++k) Thread::make<Node>(nullptr, uint64_t{77777});
  }
}

}  // namespace greyhound::runtime
