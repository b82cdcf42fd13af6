// SPDX-License-Identifier: MIT
// The roots that a program registers: a slot, an array of words, a slot that is no mutator's. What
// inline code needs of them, and no more; roots.h and persistent.h have the rest.
//
// Thread rules: the first two on the thread of the mutator that they belong to; the third added and
// removed on any.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/mutator/hot.h"

namespace greyhound::gc {

class PersistentRoots;

// One precise root slot of a mutator; linked into its list while alive. See runtime/handle.h. When
// the mutator goes first, the slot is null and linked to itself, and its owner is null.
struct HandleSlot {
  HandleSlot* next = nullptr;
  HandleSlot* previous = nullptr;
  uintptr_t value = 0;
  Mutator* owner = nullptr;
};

// A registered array of root words (a VM's value stack, an iterator); linked into its mutator's
// list while alive. `count` may change at any time by the owner, which is null once the mutator is
// gone. Its words mean the object that they point into, unless it is ambiguous: then they count as
// a stack's do (root_resolver.h).
struct RootRange {
  const uintptr_t* begin = nullptr;
  size_t count = 0;
  bool ambiguous = false;
  Mutator* owner = nullptr;
  RootRange* next = nullptr;
  RootRange* previous = nullptr;
};

// A slot that belongs to the runtime.
struct PersistentSlot {
  PersistentSlot* next = nullptr;
  PersistentSlot* previous = nullptr;
  uintptr_t value = 0;  // word-atomic
};

// From here on a root of the current mutator.
void add_root(HandleSlot* slot);
void add_root(RootRange* range);
void add_root(PersistentRoots* roots, PersistentSlot* slot);
void remove_root(HandleSlot* slot);
void remove_root(RootRange* range);
void remove_root(PersistentRoots* roots, PersistentSlot* slot);
// Whether `roots` are those of the current mutator's collector.
bool is_current(const PersistentRoots* roots);

// Whether a handle or range of `owner` may be changed: no when its mutator is gone. Fatal on another
// thread than the owner's and while the owner is not current.
bool may_change_roots_slow(const Mutator* owner, const char* what);
GREYHOUND_INLINE bool may_change_roots_of(const Mutator* owner, const char* what) {
  return (owner != nullptr && owner == tls_mutator->self) || may_change_roots_slow(owner, what);
}

}  // namespace greyhound::gc
