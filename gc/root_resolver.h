// SPDX-License-Identifier: MIT
// Which objects an ambiguous root word stands for. Ambiguous are the words of stacks, registers and
// ranges registered as such: nobody knows which of them are pointers, nor to what, for an optimised
// loop keeps its pointer where the next step wants it. As its last round waits in a call, that may
// be past the object's end, or before its base where the loop runs backward, and no other pointer
// is left. (GCC's induction variables do both, by less than the step of the loop: an element, or as
// many as it skips. tests/runtime/hidden_pointers.cc has the loops, docs/embedding.md the promise.)
//
// So a word keeps up to three objects:
//   - the one in whose slot it lies;
//   - the one before that slot, if it ends less than kRootReach before the word;
//   - the one after it, if it begins at most kRootReach after the word, unless the word is its own
//     slot's base. That is what most pointers on a stack are, and two objects are enough for one.
// Neighbours only: a step is no longer than the object. A word in no slot (a span's unusable tail,
// a page without a span, just outside of the heap) has neighbours all the same.
//
// H3, detach, unbind and checkmark ask here. Handles, Persistents, precise ranges and words in the
// heap mean the object that they point into and no other: what is unreachable but for a neighbour's
// pointer must die there.
//
// Thread rules: as Heap::find_object, while marking: no span is freed then.
#pragma once

#include <algorithm>

#include "gc/bug.h"
#include "gc/heap.h"

namespace greyhound::gc {

// Two cache lines: the step of a loop over elements of up to that size.
inline constexpr size_t kRootReach = 128;

// Whether an ambiguous word is worth resolving.
GREYHOUND_INLINE bool may_be_root(uintptr_t heap_base, size_t heap_size, uintptr_t word) {
  return word - (heap_base - kRootReach) < heap_size + 2 * kRootReach;
}

namespace root_resolver_internal {

// The last slot of those that end at or below `edge`, which is a slot's or a page's base; of the
// page before it only.
inline FoundObject slot_before(const Heap& heap, uintptr_t edge) {
  if (!heap.contains(edge - 1)) return {};
  mspan* span = heap.span_of(edge - 1);
  if (span == nullptr) return {};
  const uint32_t index = std::min(span->object_index(edge - 1), span->nelems - 1);
  return {span->object_base(index), span, index};
}

// The slot that begins at `edge` or, where that is a span's unusable tail, at the span's end.
inline FoundObject slot_after(const Heap& heap, uintptr_t edge) {
  if (!heap.contains(edge)) return {};
  mspan* span = heap.span_of(edge);
  if (span != nullptr && edge >= span->limit() && span->size_class != kLargeClass)
    return heap.find_object(span->base + span->bytes());
  return heap.find_object(edge);
}

}  // namespace root_resolver_internal

// Calls visit(FoundObject) for each allocated object that `word` stands for.
template <class Visit>
GREYHOUND_INLINE void for_each_root_object(const Heap& heap, uintptr_t word, Visit visit) {
  if (!may_be_root(heap.base(), heap.size(), word)) return;
  const FoundObject own = heap.find_object(word);
  // Where the slots around the word end and begin.
  uintptr_t low = align_down(word, kPageSize);
  uintptr_t high = low + kPageSize;
  if (own.base != 0) {
    low = own.base;
    high = low + own.span->slot_bytes();
  } else if (mspan* span = heap.contains(word) ? heap.span_of(word) : nullptr; span != nullptr) {
    low = span->limit();
    high = span->base + span->bytes();
  }
  const auto see = [&](const FoundObject& slot) {
    // acquire, within: what is allocated was zeroed.
    if (slot.base != 0 && heap.allocs.test(slot.base)) visit(slot);
  };
  see(own);
  if (bug(Bug::kNeighboursNotKept)) return;
  const auto beyond_border = [&](const FoundObject& slot) {
    return bug(Bug::kBordersNotCrossed) && slot.span != own.span;
  };
  if (word - low < kRootReach) {
    const FoundObject before = root_resolver_internal::slot_before(heap, low);
    if (before.base != 0 && word - (before.base + before.span->slot_bytes()) < kRootReach &&
        !beyond_border(before))
      see(before);
  }
  if (high - word <= kRootReach && word != own.base) {
    const FoundObject after = root_resolver_internal::slot_after(heap, high);
    if (after.base != 0 && after.base - word <= kRootReach && !beyond_border(after)) see(after);
  }
}

}  // namespace greyhound::gc
