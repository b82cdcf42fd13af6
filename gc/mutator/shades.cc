// SPDX-License-Identifier: MIT
#include "gc/mutator/shades.h"

#include "gc/bug.h"
#include "gc/mutator/collector_state.h"

namespace greyhound::gc {

void Shades::shade(uintptr_t address, bool exact) {
  ++hits_;
  mheap& heap = gc_->heap;
  if (!heap.contains(address)) return;
  uintptr_t object = align_down(address, kGranule);
  if (!exact) {
    object = heap.findObject(address).base;
    // One past the end of an object is inside the next slot, which may be free.
    if (object == 0 || !heap.allocs.test(object)) return;
  }
  shade_object(object);
}

void Shades::shade_object(uintptr_t object) {
  mheap& heap = gc_->heap;
  if (heap.marks.test(object)) return;
  // Before the mark is visible: the collector may be about to resolve the same object from a root
  // word that this thread has already given it. Finding the mark set it would take the object for
  // scanned, and without the flag judge the round quiet while the object waits here.
  if (!bug(Bug::kShadeWithoutFlag) && !gc_->round.ask_for_another()) return;
  if (!heap.marks.test_and_set(object)) return;
  ++shades_;
  if (buffer_ == nullptr) buffer_ = gc_->pool.get_empty();
  buffer_->entries[buffer_->count++] = MarkEntry::at(object, MarkEntry::kGrey);
  if (buffer_->full()) donate();
}

// Rule 2: every donation asks for another round, early ones included.
void Shades::donate() {
  if (buffer_ == nullptr) return;
  WorkBuffer* donated = buffer_;
  buffer_ = nullptr;
  if (donated->empty()) {
    gc_->pool.put_empty(donated);
    return;
  }
  // In this order: were the flag first, a round could clear it, find the pool dry and be judged
  // quiet with the buffer's objects scanned too late (tests/model/termination.pml).
  gc_->pool.put(donated);
  if (!bug(Bug::kDonateWithoutFlag)) gc_->round.ask_for_another();
}

void Shades::flush_counts() {
  gc_->counters.add_barriers(hits_, shades_);
  hits_ = shades_ = 0;
}

}  // namespace greyhound::gc
