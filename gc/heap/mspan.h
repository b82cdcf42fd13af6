// SPDX-License-Identifier: MIT
// A span: a run of pages that holds objects of one size class and, unless it is a shared span, one
// layout; or one large object. As Go's mspan, without its bitmaps: those are side tables addressed
// from the object's address (heap_bitmap.h), so sweeping is a loop over words.
//
// Ownership: at any time a span is in exactly one place: an mcentral list, a mutator's cache, the
// heap's large-object list, or free. Whoever took it from a list owns its fields and its allocation
// bits; mark bits are set by any marker. The first cache line is what the marker reads; it is
// written before the page table entry is published with release and not again until the span is
// freed, which never happens while marking.
//
// sweepgen: equal to the heap's: swept in this generation. One less: to be swept before use.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "gc/heap/layout.h"

namespace greyhound::gc {

class mcentral;

enum class SpanState : uint8_t { kFree, kSmall, kLarge };

struct alignas(64) mspan {
  uintptr_t base = 0;
  uint32_t elem_size = 0;          // of a large object: its pages in bytes, saturated (see bytes())
  uint32_t divide_magic = 0;       // 0 for a large object: every offset has index 0
  uint64_t slot_mask = 0;          // of layout; 0 when the layout does not fit one word
  const Layout* layout = nullptr;  // null for a shared span
  uint16_t* slot_layouts = nullptr;  // shared span: a slot's layout id; kNoType: not handed out
  uint32_t nelems = 0;
  uint32_t npages = 0;
  SizeClass size_class = kLargeClass;
  bool noscan = false;
  bool exact = false;
  // A pointer past an object's end, or before its base, may stand for it. Of a shared span its
  // layouts say it.
  bool walked = true;
  bool needzero = false;      // free slots may hold anything
  uint8_t pointer_words = 0;  // set bits of slot_mask
  std::atomic<SpanState> state{SpanState::kFree};
  uint32_t sweepgen = 0;
  uint32_t live = 0;  // objects that survived the last sweep; known_garbage reads it from elsewhere
  // ---- second line: owner only, and nothing that a sweep needs
  mspan* next = nullptr;
  mcentral* central = nullptr;
  uint32_t index = 0;  // in the heap's span table

  size_t bytes() const { return size_t{npages} << kPageShift; }
  size_t slot_bytes() const { return size_class == kLargeClass ? bytes() : elem_size; }
  uintptr_t limit() const { return base + size_t{nelems} * elem_size; }
  // REQUIRES: address inside the span's pages. May be nelems in a small span's unusable tail.
  uint32_t object_index(uintptr_t address) const {
    return static_cast<uint32_t>((static_cast<uint64_t>(address - base) * divide_magic) >> 32);
  }
  uintptr_t object_base(uint32_t object) const { return base + size_t{object} * elem_size; }
};
static_assert(sizeof(mspan) == 128 && offsetof(mspan, next) == 64);

// A LIFO list of spans linked through mspan::next. Not synchronised: its holder's lock protects it.
class SpanList {
 public:
  void push(mspan* span) {
    span->next = head_;
    head_ = span;
  }
  mspan* pop() {
    mspan* span = head_;
    if (span != nullptr) {
      head_ = span->next;
      span->next = nullptr;
    }
    return span;
  }
  bool empty() const { return head_ == nullptr; }

 private:
  mspan* head_ = nullptr;
};

}  // namespace greyhound::gc
