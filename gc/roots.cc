// SPDX-License-Identifier: MIT
// A mutator's half of marking: what its barrier shades, and the roots that it gives away in H3. The
// rest of the mutator is in mutator.cc.

#include "gc/bug.h"
#include "gc/collector.h"
#include "gc/mutator.h"

namespace greyhound::gc {

// --- shading

void Mutator::shade(uintptr_t address, bool exact) {
  ++barrier_hits_;
  Heap& heap = collector_->heap;
  if (!heap.contains(address)) return;
  uintptr_t object = address & ~uintptr_t{kTagMask};
  if (!exact) {
    object = heap.find_object(address).base;
    // One past the end of an object is inside the next slot, which may be free.
    if (object == 0 || !heap.allocs.test(object)) return;
  }
  if (heap.marks.test(object)) return;
  // Before the mark is visible: the collector may be about to resolve the same object from a root
  // word that this thread has already given it. Finding the mark set it would take the object for
  // scanned, and without the flag judge the round quiet while the object waits here.
  if (!bug(Bug::kShadeWithoutFlag) && !collector_->ask_for_round()) return;
  if (!heap.marks.test_and_set(object)) return;
  ++barrier_shades_;
  if (shades_ == nullptr) shades_ = collector_->pool.get_empty();
  shades_->entries[shades_->count++] = object | kTagGrey;
  if (shades_->full()) donate_shades();
}

// Rule 2: every donation asks for another round, early ones included.
void Mutator::donate_shades() {
  if (shades_ == nullptr) return;
  WorkBuffer* donated = shades_;
  shades_ = nullptr;
  if (donated->empty()) {
    collector_->pool.put_empty(donated);
    return;
  }
  // In this order: were the flag first, a round could clear it, find the pool dry and be judged
  // quiet with the buffer's objects scanned too late (tests/model/termination.pml).
  collector_->pool.put(donated);
  if (!bug(Bug::kDonateWithoutFlag)) collector_->ask_for_round();
}

// --- roots

void Mutator::push_root_word(uintptr_t word) {
  if (collector_->heap.contains(word)) root_words_.push_back(word);
}

GREYHOUND_NO_SANITIZE void Mutator::push_stack_words(uintptr_t low, uintptr_t high) {
  const uintptr_t heap_base = collector_->heap.base();
  const size_t heap_size = collector_->heap.size();
  for (uintptr_t at = align_up(low, kWordBytes); at + kWordBytes <= high; at += kWordBytes) {
    const uintptr_t word = *reinterpret_cast<const volatile uintptr_t*>(at);
    if (word - heap_base < heap_size) root_words_.push_back(word);
  }
}

void Mutator::shade_root_words() {
  collect_root_words();
  for (uintptr_t word : root_words_) shade(word, false);
  clear_root_words();
}

void Mutator::collect_root_words() {
  if (!bug(Bug::kSkipStackRoots)) {
    if (conservative_) {
      for (uintptr_t word : saved_registers_) push_root_word(word);
      for (uintptr_t word : saved_frame_) push_root_word(word);
    }
    for (const StackRange& stack : stacks_) {
      if (stack.saved_sp != 0) push_stack_words(stack.saved_sp, stack.base);
    }
  }
  conservative_words_ = root_words_.size();
  if (!bug(Bug::kSkipHandleRoots)) {
    for (HandleSlot* slot = handles_.next; slot != &handles_; slot = slot->next)
      push_root_word(slot->value);
  }
  if (!bug(Bug::kRangeRootsSkipped)) {
    for (const RootRange* range = ranges_.next; range != &ranges_; range = range->next) {
      for (size_t i = 0; i < range->count; ++i) push_root_word(range->begin[i]);
    }
  }
}

void Mutator::add_handle(HandleSlot* slot) {
  slot->next = handles_.next;
  slot->previous = &handles_;
  handles_.next->previous = slot;
  handles_.next = slot;
}

void Mutator::remove_handle(HandleSlot* slot) {
  slot->previous->next = slot->next;
  slot->next->previous = slot->previous;
}

void Mutator::add_root_range(RootRange* range) {
  range->next = ranges_.next;
  range->previous = &ranges_;
  ranges_.next->previous = range;
  ranges_.next = range;
}

void Mutator::remove_root_range(RootRange* range) {
  range->previous->next = range->next;
  range->next->previous = range->previous;
  range->next = range->previous = range;
}

size_t Mutator::add_stack(uintptr_t base) {
  stacks_.push_back({base, 0});
  return stacks_.size() - 1;
}

void Mutator::set_saved_sp(size_t stack, uintptr_t sp) { stacks_[stack].saved_sp = sp; }

void Mutator::switch_stack(size_t stack, uintptr_t leaving_sp) {
  stacks_[current_stack_].saved_sp = leaving_sp;
  current_stack_ = stack;
  stacks_[stack].saved_sp = 0;
}

}  // namespace greyhound::gc
