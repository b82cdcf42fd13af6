// SPDX-License-Identifier: MIT
// Answering the collector from inside map operations, so that a loop of writes that allocate
// nothing, or a long iteration, does not keep a handshake waiting. Lookups do not poll: they read
// no thread-local, and a program that does nothing else calls safepoint() itself.
#pragma once

#include "gc/mutator/mutator.h"

namespace greyhound::maps {

// True also on a thread without a mutator.
GREYHOUND_INLINE bool safepoint_wanted() {
  return gc::tls_mutator->request.load(std::memory_order_relaxed) != gc::Handshake::kNone;
}

// A safepoint; fatal, with what to do, on a thread without a mutator.
GREYHOUND_INLINE void poll_safepoint(const char* where) {
  if (safepoint_wanted()) [[unlikely]]
    gc::current_mutator()->safepoint(where);
}

}  // namespace greyhound::maps
