// SPDX-License-Identifier: MIT
// The write barrier. Dijkstra's insertion barrier, unless Options::barrier says kHybrid: while a
// mutator's barrier is on, every pointer that it stores into a heap object or a persistent handle
// is greyed before the store, so that a black object never comes to hold the only path to a white
// one.
//
// Why before, and why with no safepoint between: if the store came first, the object could be
// reached only through a black slot while still white for as long as the thread is descheduled; and
// a safepoint between would let a whole handshake pass in that state. Why stores into fresh objects
// need it too: while marking they are allocated black and are never scanned.
// The hybrid barrier shades the old value as well (Yuasa's deletion barrier), so that what a
// mutator loaded stays reachable for the collector and its roots need no second scan. Hence every
// overwrite, nil and clear included, goes through here with its slot (rule 12 of
// docs/protocol.md); only a store into memory that has held nothing yet comes without one.
//
// In debug builds, and with GREYHOUND_DEBUG=checkrefs=1, barrier_on stays set, and what an exact
// reference is given is checked to be a base; a store costs nothing more where that is off.
//
// All functions: on a thread with a current mutator. Pointer words are stored one by one, with
// release; the marker's acquire load in scanobject is the partner.
#pragma once

#include <cstddef>

#include "gc/bug.h"
#include "gc/mutator/hot.h"
#include "runtime/base/type.h"

namespace greyhound::gc {

// Out of line: greys what `value` points into, if it is a heap object, and as the mode wants it
// what `slot` does, if it is not null; and checks references where that is asked for.
void write_barrier_slow(const void* slot, const void* value, bool exact) __attribute__((cold));

// The barrier alone, for a store of `value` into `slot` that follows at once. `value`: any pointer,
// also interior. `slot`: null when it has held nothing yet.
GREYHOUND_INLINE void write_barrier(const void* slot, const void* value) {
  if (tls_mutator->barrier_on.load(std::memory_order_relaxed)) [[unlikely]] {
    write_barrier_slow(slot, value, false);
  }
}
// The same where both are null or the base of an object.
GREYHOUND_INLINE void write_barrier_exact(const void* slot, const void* value) {
  if (tls_mutator->barrier_on.load(std::memory_order_relaxed)) [[unlikely]] {
    write_barrier_slow(slot, value, true);
  }
}

// *slot = value, with the barrier. `slot` lies in a heap object.
GREYHOUND_INLINE void write_pointer(void** slot, void* value) {
  write_barrier(slot, value);
  store_word(slot, reinterpret_cast<uintptr_t>(value));
}

// Copies one value of `type` into a heap object: a barrier for each of its pointers, pointer words
// moved as words. `destination` and `source` are word-aligned when the type has pointers; they may
// be the same but not otherwise overlap.
void typedmemmove(const Type* type, void* destination, const void* source);
// Sets one value of `type` in a heap object to zero.
void typedmemclr(const Type* type, void* destination);
// `count` consecutive values; a safepoint between two of them for every 256 KiB (pieces.h).
void typedmemmove_array(const Type* type, void* destination, const void* source, size_t count);
void typedmemclr_array(const Type* type, void* destination, size_t count);

}  // namespace greyhound::gc
