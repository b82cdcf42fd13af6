// SPDX-License-Identifier: MIT
// A mutator's precise roots, and the words of all its roots as H3 copies them (rules 6 and 9 of
// docs/protocol.md).
//
// Thread rules: the mutator's owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "gc/memory/own_containers.h"
#include "gc/mutator/root_slots.h"
#include "gc/mutator/stacks.h"

namespace greyhound::gc {

class CollectorState;
class Mutator;

class RootSet {
 public:
  RootSet(Mutator* owner, CollectorState* gc, bool scans_stacks);
  RootSet(const RootSet&) = delete;
  RootSet& operator=(const RootSet&) = delete;

  void add(HandleSlot* slot);
  static void remove(HandleSlot* slot);
  void add(RootRange* range);
  static void remove(RootRange* range);
  // Of a mutator that goes: what outlives it refers to nothing of it, and to nothing that may die.
  void forget();

  // Copies the words that may be roots, for the collector to resolve and clear.
  void collect();
  RootWords& words() { return words_; }
  const RootWords& words() const { return words_; }
  // How many of them, from the first, are ambiguous: from stacks, registers and ranges that say so.
  size_t ambiguous() const { return ambiguous_; }
  // Both at once: an H3 that scans nothing (the hybrid barrier's) leaves them as they are.
  void clear() {
    scanned_ = words_.size();
    words_.clear();
    ambiguous_ = 0;
  }
  // How many there were before they were cleared.
  size_t scanned() const { return scanned_; }

  MutatorStacks stacks;
  // What a write to a map has dropped and may still read; roots where stacks are none
  // (maps/assign_inl.h).
  std::array<uintptr_t, 4> kept_by_write{};

 private:
  friend struct CheckmarkRoots;

  void push_exact(const uintptr_t* words, size_t count);
  void push_ambiguous(const uintptr_t* words, size_t count);

  Mutator* const owner_;
  CollectorState* const gc_;
  HandleSlot handles_;  // list head
  RootRange ranges_;    // list head
  RootRange kept_range_{kept_by_write.data(), 4};
  RootWords words_;  // of the last H3
  size_t ambiguous_ = 0;
  size_t scanned_ = 0;
};

}  // namespace greyhound::gc
