// SPDX-License-Identifier: MIT
// Weak cells and ephemerons as objects, and reading what the marker does not see (rule 11 of
// docs/protocol.md).
//
// Thread rules: a thread with a current mutator.
#pragma once

#include <cstdint>

namespace greyhound::gc {

// One for each target: two weak pointers to it are equal when their cells are.
struct WeakCell {
  uintptr_t target = 0;  // word-atomic; 0 once the target has died
  uintptr_t unused = 0;  // 16 bytes: a smaller one would share a tiny block's mark with others
};

// While `key` lives, so does `value`; the cell itself keeps neither.
struct EphemeronCell {
  uintptr_t key = 0;    // word-atomic; both are 0 once the key has died
  uintptr_t value = 0;  // word-atomic
};

// For a mutator that read `address` from where the marker does not look (a weak cell): true when
// the object is alive, and from then on as if it had been reached by a pointer. Before the round is
// closed that vetoes quiet; afterwards an unmarked object is dead. REQUIRES: no safepoint since the
// reading.
bool weak_load(uintptr_t address);

}  // namespace greyhound::gc
