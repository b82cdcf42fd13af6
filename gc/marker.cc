// SPDX-License-Identifier: MIT
#include "gc/marker.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "gc/bug.h"
#include "gc/pacer.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

// Large objects are scanned in parts of this size, so that several markers share one and an
// assist's share stays small.
constexpr size_t kObletBytes = 128 << 10;
// How often a marker looks whether others are waiting, in objects.
constexpr size_t kShareInterval = 64;
// How often it has the pacer look again, in reports of work.
constexpr uint64_t kReviseInterval = 64;

}  // namespace

Marker::Marker(Heap* heap, WorkPool* pool, Pacer* pacer)
    : heap_(heap), pool_(pool), pacer_(pacer) {}

Marker::~Marker() {
  flush();
  if (spare_ != nullptr) pool_->put_empty(spare_);
}

GREYHOUND_INLINE void Marker::push(MarkEntry entry) {
  if (buffer_ == nullptr || buffer_->full()) [[unlikely]] {
    push_slow(entry);
    return;
  }
  buffer_->entries[buffer_->count++] = entry;
}

GREYHOUND_NOINLINE void Marker::push_slow(MarkEntry entry) {
  if (buffer_ != nullptr) pool_->put(buffer_);
  buffer_ = spare_ != nullptr ? std::exchange(spare_, nullptr) : pool_->get_empty();
  buffer_->entries[buffer_->count++] = entry;
}

GREYHOUND_INLINE bool Marker::pop(MarkEntry* entry) {
  if (buffer_ == nullptr || buffer_->empty()) return false;
  *entry = buffer_->entries[--buffer_->count];
  return true;
}

// Asks for what scanobject will touch. What may be an interior pointer needs its span then, so a
// look at it now costs nothing twice, and spares the memory system the lines of objects that are
// not scanned.
GREYHOUND_INLINE void Marker::prefetch(MarkEntry entry) {
  const uintptr_t address = entry & ~uintptr_t{kTagMask};
  __builtin_prefetch(heap_->marks.word(address));
  if ((entry & kTagMask) != kTagExact) {
    const mspan* span = heap_->span_of(address);
    if (span == nullptr || span->noscan) return;
  }
  __builtin_prefetch(reinterpret_cast<const void*>(address));
}

GREYHOUND_INLINE MarkEntry Marker::next_entry() {
  while (true) {
    MarkEntry in = 0;
    if (pop(&in)) {
      prefetch(in);
      ++fifo_count_;
    } else if (fifo_count_ == 0) {
      return 0;
    }
    const MarkEntry out = std::exchange(fifo_[fifo_at_], in);
    fifo_at_ = (fifo_at_ + 1) & (kPrefetchDistance - 1);
    if (out != 0) {
      --fifo_count_;
      return out;
    }
  }
}

GREYHOUND_INLINE void Marker::greyobject(uintptr_t word, MarkTag tag) {
  if (!heap_->contains(word)) return;
  push((word & ~uintptr_t{kTagMask}) | tag);
}

// Sets the entry's mark and finds its span. 0 when it was marked before or is no object.
GREYHOUND_INLINE uintptr_t Marker::claim(MarkEntry entry, mspan** span) {
  uintptr_t object = entry & ~uintptr_t{kTagMask};
  const uintptr_t tag = entry & kTagMask;
  if (tag == kTagExact) [[likely]] {
    if (!heap_->marks.test_and_set(object)) return 0;
    *span = heap_->span_of(object);
  } else if (tag == kTagGrey) {
    *span = heap_->span_of(object);
  } else {
    ++counts_.objects_resolved;
    const FoundObject found = heap_->find_object(object);
    if (found.base == 0) return 0;
    // Also interior pointers are tested: one past the end of an object is inside the next slot.
    if (!heap_->allocs.test(found.base)) return 0;
    if (!heap_->marks.test_and_set(found.base)) return 0;
    object = found.base;
    *span = found.span;
  }
  return object;
}

GREYHOUND_INLINE void Marker::scanobject(MarkEntry entry) {
  if ((entry & kTagOblet) != 0) [[unlikely]] {
    const uintptr_t from = entry & ~uintptr_t{kTagMask};
    scan_large(from, heap_->span_of(from), false);
    return;
  }
  mspan* span = nullptr;
  const uintptr_t object = claim(entry, &span);
  if (object == 0) return;
  ++counts_.objects_greyed;
  counts_.bytes_marked += span->elem_size;
  if (span->noscan) {
    ++counts_.noscan_greyed;
    return;
  }
  uint64_t mask = span->slot_mask;
  if (mask == 0) [[unlikely]] {
    if (span->size_class == kLargeClass) {
      counts_.bytes_marked += span->bytes() - span->elem_size;
      scan_large(object, span, true);
    } else {
      scan_small(object, span);
    }
    return;
  }
  const MarkTag tag = span->exact ? kTagExact : kTagInterior;
  counts_.words_scanned += span->pointer_words;
  const auto* words = reinterpret_cast<const uintptr_t*>(object);
  do {
    // acquire: partner of store_word's release, so the target's initialisation is visible.
    greyobject(load_word(words + std::countr_zero(mask)), tag);
    mask &= mask - 1;
  } while (mask != 0);
}

// A slot whose layout does not fit one word, or of a shared span.
GREYHOUND_NOINLINE void Marker::scan_small(uintptr_t object, const mspan* span) {
  const Layout* layout = heap_->layout_of(span, span->object_index(object));
  if (layout->noscan()) return;
  scan_words(object, 0, span->elem_size / kWordBytes, layout);
}

// Scans from `from` to the end of its oblet; for a whole object, queues the other oblets first.
GREYHOUND_NOINLINE void Marker::scan_large(uintptr_t from, const mspan* span, bool whole) {
  const uintptr_t end = span->base + span->bytes();
  if (whole && !bug(Bug::kOtherObletsSkipped)) {
    for (uintptr_t oblet = from + kObletBytes; oblet < end; oblet += kObletBytes)
      push(oblet | kTagOblet);
  }
  const uintptr_t stop = std::min(end, from + kObletBytes);
  scan_words(span->base, (from - span->base) / kWordBytes, (stop - span->base) / kWordBytes,
             span->layout);
}

// The pointer words of [first_word, last_word) of the object at `base`: its elements repeat from
// the start, so the first one may begin before first_word.
void Marker::scan_words(uintptr_t base, size_t first_word, size_t last_word, const Layout* layout) {
  const auto* words = reinterpret_cast<const uintptr_t*>(base);
  const MarkTag tag = layout->exact ? kTagExact : kTagInterior;
  const size_t elem_words = layout->elem_words;
  for (size_t elem = first_word - first_word % elem_words; elem < last_word; elem += elem_words) {
    for (size_t m = 0; m < layout->mask.size(); ++m) {
      uint64_t mask = layout->mask[m];
      while (mask != 0) {
        const size_t word = elem + m * 64 + static_cast<size_t>(std::countr_zero(mask));
        mask &= mask - 1;
        if (word < first_word) continue;
        if (word >= last_word) return;
        ++counts_.words_scanned;
        greyobject(load_word(words + word), tag);
      }
    }
  }
}

bool Marker::grey_root(uintptr_t word) {
  if (!heap_->contains(word)) return false;
  ++counts_.objects_resolved;
  const FoundObject found = heap_->find_object(word);
  if (found.base == 0 || !heap_->allocs.test(found.base)) return false;
  if (!heap_->marks.test_and_set(found.base)) return false;
  push(found.base | kTagGrey);
  return true;
}

// What was greyed since the last report becomes the assists' credit.
void Marker::report_work() {
  if (counts_.bytes_marked == credited_bytes_) return;
  pacer_->add_credit(static_cast<int64_t>(counts_.bytes_marked - credited_bytes_));
  credited_bytes_ = counts_.bytes_marked;
  if (++reports_ % kReviseInterval == 0) pacer_->revise();
}

// Gives half of the buffer away while others want work.
void Marker::share() {
  report_work();
  if (!pool_->hungry() || buffer_ == nullptr || buffer_->count < 4 || pool_->has_work()) return;
  WorkBuffer* half = pool_->get_empty();
  const size_t given = buffer_->count / 2;
  std::copy_n(buffer_->entries, given, half->entries);
  std::copy(buffer_->entries + given, buffer_->entries + buffer_->count, buffer_->entries);
  half->count = given;
  buffer_->count -= given;
  pool_->put(half);
}

GREYHOUND_NOINLINE void Marker::gcDrain() {
  size_t until_share = kShareInterval;
  while (true) {
    const MarkEntry entry = next_entry();
    if (entry != 0) {
      scanobject(entry);
      if (--until_share == 0) {
        share();
        until_share = kShareInterval;
      }
      continue;
    }
    share();
    WorkBuffer* more = pool_->get_or_finish();
    if (more == nullptr) return;
    if (buffer_ != nullptr) {
      if (spare_ == nullptr) {
        spare_ = buffer_;
      } else {
        pool_->put_empty(buffer_);
      }
    }
    buffer_ = more;
  }
}

int64_t Marker::gcDrainN(int64_t budget) {
  WorkBuffer* work = pool_->try_get(true);
  if (work == nullptr) return -1;
  DCHECK(buffer_ == nullptr || buffer_->empty());
  if (buffer_ != nullptr) pool_->put_empty(buffer_);
  buffer_ = work;
  const uint64_t start = counts_.bytes_marked;
  const auto limit = static_cast<uint64_t>(budget);
  while (counts_.bytes_marked - start < limit) {
    const MarkEntry entry = next_entry();
    if (entry == 0) break;
    scanobject(entry);
  }
  flush();
  pool_->finish();
  pacer_->add_work(static_cast<int64_t>(counts_.bytes_marked - start));
  credited_bytes_ = counts_.bytes_marked;
  return static_cast<int64_t>(counts_.bytes_marked - start);
}

bool Marker::drain_objects(size_t budget) {
  bool any = false;
  while (budget > 0) {
    MarkEntry entry = next_entry();
    if (entry == 0) {
      WorkBuffer* work = pool_->try_get(!any);
      if (work == nullptr) break;
      if (buffer_ != nullptr) pool_->put_empty(buffer_);
      buffer_ = work;
      any = true;
      continue;
    }
    scanobject(entry);
    --budget;
  }
  flush();
  if (any) pool_->finish();
  return any;
}

void Marker::flush() {
  for (MarkEntry& entry : fifo_) {
    if (entry != 0) push(std::exchange(entry, 0));
  }
  fifo_count_ = 0;
  if (buffer_ == nullptr) return;
  if (buffer_->empty()) {
    pool_->put_empty(buffer_);
  } else {
    pool_->put(buffer_);
  }
  buffer_ = nullptr;
}

MarkCounts Marker::take_counts() {
  credited_bytes_ = 0;
  return std::exchange(counts_, MarkCounts{});
}

}  // namespace greyhound::gc
