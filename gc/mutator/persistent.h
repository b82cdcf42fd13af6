// SPDX-License-Identifier: MIT
// Persistent roots: slots that belong to the runtime, not to one mutator (globals, an embedder's
// tables). Any mutator may store to one, so stores go through the write barrier (rule 6); the
// collector greys them once, when marking begins, and every later store greys its own target.
//
// Thread rules: add and remove from any thread; load and store as a word of the heap.
#pragma once

#include <cstdint>
#include <mutex>

#include "gc/mutator/root_slots.h"
#include "gc/watch/wait_profile.h"
#include "runtime/base/platform.h"

namespace greyhound::gc {

class PersistentRoots {
 public:
  PersistentRoots() { head_.next = head_.previous = &head_; }
  PersistentRoots(const PersistentRoots&) = delete;
  PersistentRoots& operator=(const PersistentRoots&) = delete;

  void add(PersistentSlot* slot) {
    ProfiledLock lock(mutex_, "lock: persistent roots");
    slot->next = head_.next;
    slot->previous = &head_;
    head_.next->previous = slot;
    head_.next = slot;
  }
  void remove(PersistentSlot* slot) {
    ProfiledLock lock(mutex_, "lock: persistent roots");
    slot->previous->next = slot->next;
    slot->next->previous = slot->previous;
  }
  template <class Visit>
  void for_each(Visit visit) {
    ProfiledLock lock(mutex_, "lock: persistent roots");
    for (PersistentSlot* slot = head_.next; slot != &head_; slot = slot->next)
      visit(load_word(&slot->value));
  }

 private:
  friend class CollectorFork;
  std::mutex mutex_;
  PersistentSlot head_;
};

}  // namespace greyhound::gc
