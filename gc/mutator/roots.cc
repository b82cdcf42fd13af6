// SPDX-License-Identifier: MIT
// A mutator's half of marking: what its barrier shades, and the roots that it gives away in H3. The
// rest of the mutator is in mutator.cc.

#include "gc/bug.h"
#include "gc/mark/root_resolver.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/mutator.h"
#include "runtime/base/process_exit.h"

namespace greyhound::gc {

// --- shading

void Mutator::shade(uintptr_t address, bool exact) {
  ++barrier_hits_;
  mheap& heap = gc_->heap;
  if (!heap.contains(address)) return;
  uintptr_t object = address & ~uintptr_t{kTagMask};
  if (!exact) {
    object = heap.findObject(address).base;
    // One past the end of an object is inside the next slot, which may be free.
    if (object == 0 || !heap.allocs.test(object)) return;
  }
  shade_object(object);
}

void Mutator::shade_object(uintptr_t object) {
  mheap& heap = gc_->heap;
  if (heap.marks.test(object)) return;
  // Before the mark is visible: the collector may be about to resolve the same object from a root
  // word that this thread has already given it. Finding the mark set it would take the object for
  // scanned, and without the flag judge the round quiet while the object waits here.
  if (!bug(Bug::kShadeWithoutFlag) && !gc_->round.ask_for_another()) return;
  if (!heap.marks.test_and_set(object)) return;
  ++barrier_shades_;
  if (shades_ == nullptr) shades_ = gc_->pool.get_empty();
  shades_->entries[shades_->count++] = object | kTagGrey;
  if (shades_->full()) donate_shades();
}

// Rule 2: every donation asks for another round, early ones included.
void Mutator::donate_shades() {
  if (shades_ == nullptr) return;
  WorkBuffer* donated = shades_;
  shades_ = nullptr;
  if (donated->empty()) {
    gc_->pool.put_empty(donated);
    return;
  }
  // In this order: were the flag first, a round could clear it, find the pool dry and be judged
  // quiet with the buffer's objects scanned too late (tests/model/termination.pml).
  gc_->pool.put(donated);
  if (!bug(Bug::kDonateWithoutFlag)) gc_->round.ask_for_another();
}

// --- roots

void Mutator::push_exact_words(const uintptr_t* words, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (gc_->heap.contains(words[i])) root_words_.push_back(words[i]);
  }
}

void Mutator::push_ambiguous_words(const uintptr_t* words, size_t count) {
  const auto low = reinterpret_cast<uintptr_t>(words);
  append_ambiguous_words(low, low + count * kWordBytes, gc_->heap.base(), gc_->heap.size(),
                         &root_words_);
}

void Mutator::shade_root_words() {
  collect_root_words();
  for_each_root_object(gc_->heap, root_words_.data(), conservative_words_,
                       [this](const FoundObject& object) { shade_object(object.base); });
  for (size_t i = conservative_words_; i < root_words_.size(); ++i) shade(root_words_[i], false);
  clear_root_words();
}

void Mutator::collect_root_words() {
  if (!bug(Bug::kSkipStackRoots)) {
    if (conservative_) {
      push_ambiguous_words(saved_registers_.data(), saved_registers_.size());
      push_ambiguous_words(saved_frame_.data(), saved_frame_.size());
    }
    stacks_.for_each([this](const StackRange& stack) {
      stack.append_words(gc_->heap.base(), gc_->heap.size(), &root_words_);
    });
  }
  const bool skip_ranges = bug(Bug::kRangeRootsSkipped);
  for (const RootRange* range = ranges_.next; range != &ranges_; range = range->next) {
    if (range->ambiguous && !skip_ranges) push_ambiguous_words(range->begin, range->count);
  }
  conservative_words_ = root_words_.size();
  if (!bug(Bug::kSkipHandleRoots)) {
    for (HandleSlot* slot = handles_.next; slot != &handles_; slot = slot->next)
      push_exact_words(&slot->value, 1);
  }
  for (const RootRange* range = ranges_.next; range != &ranges_; range = range->next) {
    if (!range->ambiguous && !skip_ranges) push_exact_words(range->begin, range->count);
  }
}

void Mutator::add_handle(HandleSlot* slot) {
  slot->owner = this;
  slot->next = handles_.next;
  slot->previous = &handles_;
  handles_.next->previous = slot;
  handles_.next = slot;
}

void Mutator::remove_handle(HandleSlot* slot) {
  if (!may_change_roots_of(slot->owner, "loses a handle")) return;
  slot->previous->next = slot->next;
  slot->next->previous = slot->previous;
}

void Mutator::add_root_range(RootRange* range) {
  range->owner = this;
  range->next = ranges_.next;
  range->previous = &ranges_;
  ranges_.next->previous = range;
  ranges_.next = range;
}

void Mutator::remove_root_range(RootRange* range) {
  if (!may_change_roots_of(range->owner, "loses a range of roots")) return;
  range->previous->next = range->next;
  range->next->previous = range->previous;
  range->next = range->previous = range;
}

GREYHOUND_NOINLINE bool Mutator::may_change_slow(const Mutator* owner, const char* what) {
  if (owner == nullptr) return false;
  if (!owner->bound_) return true;  // played by a thread that steps the collector
  // A static object's destructor: nothing of it is looked at any more.
  if (called_by_exit()) return false;
  owner->not_current(what);
}

// Of a mutator that goes: what outlives it refers to nothing of it, and to nothing that may die.
void Mutator::forget_roots() {
  while (handles_.next != &handles_) {
    HandleSlot* slot = handles_.next;
    handles_.next = slot->next;
    slot->next = slot->previous = slot;
    slot->value = 0;
    slot->owner = nullptr;
  }
  while (ranges_.next != &ranges_) {
    RootRange* range = ranges_.next;
    ranges_.next = range->next;
    range->next = range->previous = range;
    range->owner = nullptr;
  }
  ranges_.previous = &ranges_;
}

}  // namespace greyhound::gc
