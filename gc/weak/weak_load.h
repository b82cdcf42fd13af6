// SPDX-License-Identifier: MIT
// Reading what the marker does not see (rule 11 of docs/protocol.md).
//
// Thread rules: a thread with a current mutator.
#pragma once

#include <cstdint>

namespace greyhound::gc {

// For a mutator that read `address` from where the marker does not look (a weak cell): true when
// the object is alive, and from then on as if it had been reached by a pointer. Before the round is
// closed that vetoes quiet; afterwards an unmarked object is dead. REQUIRES: no safepoint since the
// reading.
bool weak_load(uintptr_t address);

}  // namespace greyhound::gc
