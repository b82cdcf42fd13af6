// SPDX-License-Identifier: MIT
// Which objects an ambiguous root word stands for. Ambiguous are the words of stacks, registers and
// ranges registered as such: nobody knows which of them are pointers, nor to what, for an optimised
// loop keeps its pointer where the next step wants it. As its last round waits in a call, that may
// be past the object's end, or before its base where the loop runs backward, and no other pointer
// is left. (GCC's induction variables do both, by less than the step of the loop: an element, or as
// many as it skips. tests/runtime/loops/heap_loops.cc has them, docs/embedding.md the promise.)
//
// So a word keeps up to three objects:
//   - the one in whose slot it lies;
//   - the one before that slot, if it ends less than kRootReach before the word;
//   - the one after it, if it begins at most kRootReach after the word, unless the word is its own
//     slot's base. That is what most pointers on a stack are, and two objects are enough for one.
// The last two, its neighbours, are kept if a loop may walk them (Layout::walked): arrays, of one
// element too, structs with an array somewhere inside, types that do not say, bytes. Three kinds
// are nobody's neighbours.
//   - A large object that a loop may walk has kRootReach bytes of its own behind it.
//   - The parts of maps are walked by no loop but the runtime's (kTypeNeverWalked), which has the
//     map's header in hand: else a table that was dropped would be kept by the base of the one that
//     took its place beside it, and the last map's by the next one's header.
//   - Single structs that hold no array (kTypeHoldsNoArray) are walked by none. They are what most
//     words of stacks are the bases of: of a thread that goes through a list each scan would find
//     new garbage beside its nodes, and no round would be quiet.
// Neighbours only: a step is no longer than the object. A word in no slot (a span's unusable tail,
// a page without a span, just outside of the heap) has neighbours all the same.
//
// H3, detach, unbind and checkmark ask here. Handles, Persistents, precise ranges and words in the
// heap mean the object that they point into and no other: what is unreachable but for a neighbour's
// pointer must die there.
//
// Thread rules: as mheap::findObject, while marking: no span is freed then.
#pragma once

#include "gc/bug.h"
#include "gc/heap/heap.h"

namespace greyhound::gc {

// Whether an ambiguous word is worth resolving.
GREYHOUND_INLINE bool may_be_root(uintptr_t heap_base, size_t heap_size, uintptr_t word) {
  return word - (heap_base - kRootReach) < heap_size + 2 * kRootReach;
}

namespace root_resolver_internal {

// The last slot of the span that ends at or below `edge`, a span's or a page's base.
inline FoundObject last_slot_before(const mheap& heap, uintptr_t edge) {
  if (!heap.contains(edge - 1)) return {};
  mspan* span = heap.span_of(edge - 1);
  if (span == nullptr) return {};
  return {span->object_base(span->nelems - 1), span, span->nelems - 1};
}

// Whether a pointer past its end may stand for the object in slot `index`.
GREYHOUND_INLINE bool is_walked(const mheap& heap, const mspan* span, uint32_t index) {
  if (span->layout != nullptr) return span->walked;
  const Layout* layout = heap.layout_of(span, index);
  return layout == nullptr || layout->walked;
}

// The neighbours of a word that lies in no slot, or in the first or the last one of its span, where
// the neighbour is another span's. `before`, `after`: whether that one is asked for.
template <class See>
GREYHOUND_NOINLINE void see_across_borders(const mheap& heap, uintptr_t word, const mspan* span,
                                           bool before, bool after, See see) {
  if (bug(Bug::kBordersNotCrossed) || bug(Bug::kNeighboursNotKept)) return;
  const uintptr_t low = span != nullptr ? span->base : align_down(word, kPageSize);
  const uintptr_t high = span != nullptr ? low + span->bytes() : low + kPageSize;
  if (before) {
    const FoundObject slot = last_slot_before(heap, low);
    if (slot.base != 0 && slot.span->size_class != kLargeClass &&
        word - (slot.base + slot.span->slot_bytes()) < kRootReach &&
        is_walked(heap, slot.span, slot.index))
      see(slot);
  }
  if (!after || high - word > kRootReach) return;
  const FoundObject slot = heap.findObject(high);
  if (slot.base != 0 && is_walked(heap, slot.span, slot.index)) see(slot);
}

}  // namespace root_resolver_internal

// Calls visit(FoundObject) for each allocated object that `word` stands for.
template <class Visit>
GREYHOUND_INLINE void for_each_root_object(const mheap& heap, uintptr_t word, Visit visit) {
  if (!may_be_root(heap.base(), heap.size(), word)) return;
  const auto see = [&](const FoundObject& slot) {
    // acquire, within: what is allocated was zeroed.
    if (slot.base != 0 && heap.allocs.test(slot.base)) visit(slot);
  };
  mspan* const span = heap.contains(word) ? heap.span_of(word) : nullptr;
  if (span == nullptr)
    return root_resolver_internal::see_across_borders(heap, word, nullptr, true, true, see);
  const uint32_t index = span->object_index(word);
  const uintptr_t base = span->object_base(index);
  const size_t bytes = span->slot_bytes();
  const bool in_slot = index < span->nelems;  // else in the tail
  if (in_slot) see({base, span, index});
  if (bug(Bug::kNeighboursNotKept)) return;
  bool before = word - base < kRootReach;
  bool after = base + bytes - word <= kRootReach && word != base;
  if (before && index != 0) {
    if (root_resolver_internal::is_walked(heap, span, index - 1))
      see({base - bytes, span, index - 1});
    before = false;
  }
  if (after && index + 1 < span->nelems) {
    if (root_resolver_internal::is_walked(heap, span, index + 1))
      see({base + bytes, span, index + 1});
    after = false;
  }
  // Behind the last slot comes the tail, if there is one, and then the next span.
  if (index + 1 >= span->nelems)
    after = span->base + span->bytes() - word <= kRootReach && (word != base || !in_slot);
  if (before || after) [[unlikely]]
    root_resolver_internal::see_across_borders(heap, word, span, before, after, see);
}

// The same for `count` words. Their chains of loads are independent, and in no cache where the heap
// is large: what a word needs is asked for a few words ahead.
template <class Visit>
GREYHOUND_INLINE void for_each_root_object(const mheap& heap, const uintptr_t* words, size_t count,
                                           Visit visit) {
  constexpr size_t kAhead = 8;
  for (size_t i = 0; i < count; ++i) {
    if (i + kAhead < count && heap.contains(words[i + kAhead])) {
      const uintptr_t next = words[i + kAhead];
      __builtin_prefetch(heap.marks.word(next));
      __builtin_prefetch(heap.allocs.word(next));
      __builtin_prefetch(heap.span_of(next));
    }
    for_each_root_object(heap, words[i], visit);
  }
}

}  // namespace greyhound::gc
