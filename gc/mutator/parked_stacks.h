// SPDX-License-Identifier: MIT
// The stacks that are in the collector's list. Each stack belongs to one mutator, which scans it
// with its own roots, or, parked, to the collector.
//
// A parked stack passes from one thread to another through the collector's list, and no handshake
// keeps the two in step. What makes that sound (tests/model/stacks.pml):
//  1. Whoever puts a stack into the list while its barrier is on shades what the stack holds.
//  2. The collector greys what the listed ones hold once a cycle, after H2 and before the first H3.
// So a stack that is in the list all through marking is seen by 2, one that comes later by 1, and
// one that is taken out by the scans of the mutator that took it, or by 1 when it comes back.
// Nothing runs on a listed stack, so its words stay as they are.
//
// Thread rules: a stack that has an owner is that mutator's; the list may be used from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "gc/memory/own_containers.h"
#include "gc/mutator/stack_range.h"
#include "gc/watch/wait_profile.h"

namespace greyhound::gc {

class CollectorFork;

// Appends those words of [low, high) that are worth resolving (root_resolver.h) in a heap of
// `heap_size` bytes from `heap_base`.
void append_ambiguous_words(uintptr_t low, uintptr_t high, uintptr_t heap_base, size_t heap_size,
                            RootWords* words);

// Those of a stack.
void append_stack_words(const StackRange& stack, uintptr_t heap_base, size_t heap_size,
                        RootWords* words);

class StackList {
 public:
  StackList() { head_.next = head_.previous = &head_; }
  StackList(const StackList&) = delete;
  StackList& operator=(const StackList&) = delete;

  StackRange* first() { return head_.next == &head_ ? nullptr : head_.next; }
  void add_last(StackRange* stack) {
    stack->next = &head_;
    stack->previous = head_.previous;
    head_.previous->next = stack;
    head_.previous = stack;
  }
  static void remove(StackRange* stack) {
    stack->previous->next = stack->next;
    stack->next->previous = stack->previous;
  }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const StackRange* stack = head_.next; stack != &head_; stack = stack->next) visit(*stack);
  }

 private:
  StackRange head_;
};

class ParkedStacks {
 public:
  void add(StackRange* stack) {
    ProfiledLock lock(mutex_, "lock: parked stacks");
    stack->owner = nullptr;
    list_.add_last(stack);
    ++count_;
  }
  void remove(StackRange* stack) {
    ProfiledLock lock(mutex_, "lock: parked stacks");
    StackList::remove(stack);
    --count_;
  }
  // Calls visit(words, count) with the words that may be roots, of every stack that is in the list
  // from before the call to its end, and perhaps of others. Holds the lock for a few stacks at a
  // time: a mutator may be waiting for it.
  template <class Visit>
  void for_each_words(uintptr_t heap_base, size_t heap_size, Visit visit) {
    RootWords words;
    for (size_t left = begin_scan(); left != 0;) {
      words.clear();
      left = scan_some(left, heap_base, heap_size, &words);
      visit(words.data(), words.size());
    }
  }

 private:
  friend class CollectorFork;
  static constexpr size_t kAtOnce = 4;

  size_t begin_scan() {
    ProfiledLock lock(mutex_, "lock: parked stacks");
    return count_;
  }
  // Moves what it scans to the end of the list: the first `left` are those yet to be scanned, and
  // some that came since where others went. Returns how many are left.
  size_t scan_some(size_t left, uintptr_t heap_base, size_t heap_size, RootWords* words) {
    ProfiledLock lock(mutex_, "lock: parked stacks");
    for (size_t i = 0; i < kAtOnce && left != 0; ++i, --left) {
      StackRange* stack = list_.first();
      if (stack == nullptr) return 0;
      StackList::remove(stack);
      list_.add_last(stack);
      append_stack_words(*stack, heap_base, heap_size, words);
    }
    return left;
  }

  std::mutex mutex_;
  StackList list_;    // protected by mutex_
  size_t count_ = 0;  // protected by mutex_
};

}  // namespace greyhound::gc
