// SPDX-License-Identifier: MIT
#include "gc/mutator/roots.h"

#include "gc/bug.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/mutator.h"

namespace greyhound::gc {

void add_root(HandleSlot* slot) { current_mutator()->roots().add(slot); }
void add_root(RootRange* range) { current_mutator()->roots().add(range); }
void add_root(PersistentRoots* roots, PersistentSlot* slot) { roots->add(slot); }
void remove_root(HandleSlot* slot) { RootSet::remove(slot); }
void remove_root(RootRange* range) { RootSet::remove(range); }
void remove_root(PersistentRoots* roots, PersistentSlot* slot) { roots->remove(slot); }
bool is_current(const PersistentRoots* roots) {
  return &current_mutator()->collector()->persistents == roots;
}

RootSet::RootSet(Mutator* owner, CollectorState* gc, bool scans_stacks)
    : stacks(owner, gc, scans_stacks), owner_(owner), gc_(gc) {
  handles_.next = handles_.previous = &handles_;
  ranges_.next = ranges_.previous = &ranges_;
  if (!scans_stacks) add(&kept_range_);
}

void RootSet::push_exact(const uintptr_t* words, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (gc_->heap.contains(words[i])) words_.push_back(words[i]);
  }
}

void RootSet::push_ambiguous(const uintptr_t* words, size_t count) {
  const auto low = reinterpret_cast<uintptr_t>(words);
  append_ambiguous_words(low, low + count * kWordBytes, gc_->heap.base(), gc_->heap.size(),
                         &words_);
}

void RootSet::collect() {
  if (!bug(Bug::kSkipStackRoots)) stacks.append_words(&words_);
  const bool skip_ranges = bug(Bug::kRangeRootsSkipped);
  for (const RootRange* range = ranges_.next; range != &ranges_; range = range->next) {
    if (range->ambiguous && !skip_ranges) push_ambiguous(range->begin, range->count);
  }
  ambiguous_ = words_.size();
  if (!bug(Bug::kSkipHandleRoots)) {
    for (HandleSlot* slot = handles_.next; slot != &handles_; slot = slot->next)
      push_exact(&slot->value, 1);
  }
  for (const RootRange* range = ranges_.next; range != &ranges_; range = range->next) {
    if (!range->ambiguous && !skip_ranges) push_exact(range->begin, range->count);
  }
}

void RootSet::add(HandleSlot* slot) {
  slot->owner = owner_;
  slot->next = handles_.next;
  slot->previous = &handles_;
  handles_.next->previous = slot;
  handles_.next = slot;
}

void RootSet::remove(HandleSlot* slot) {
  if (!may_change_roots_of(slot->owner, "loses a handle")) return;
  slot->previous->next = slot->next;
  slot->next->previous = slot->previous;
}

void RootSet::add(RootRange* range) {
  range->owner = owner_;
  range->next = ranges_.next;
  range->previous = &ranges_;
  ranges_.next->previous = range;
  ranges_.next = range;
}

void RootSet::remove(RootRange* range) {
  if (!may_change_roots_of(range->owner, "loses a range of roots")) return;
  range->previous->next = range->next;
  range->next->previous = range->previous;
  range->next = range->previous = range;
}

void RootSet::forget() {
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
