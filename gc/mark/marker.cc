// SPDX-License-Identifier: MIT
#include "gc/mark/marker.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "gc/bug.h"
#include "gc/pace/pacer.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

// Large objects are scanned in parts of this size, so that several markers share one and an
// assist's share stays small.
constexpr size_t kObletBytes = 128 << 10;
// How often a marker looks whether others are waiting, in objects.
constexpr size_t kShareInterval = 256;
// How often it has the pacer look again, in reports of work.
constexpr uint64_t kReviseInterval = 64;

}  // namespace

Marker::Marker(mheap* heap, WorkPool* pool, Pacer* pacer)
    : heap_(heap), pool_(pool), pacer_(pacer) {}

Marker::~Marker() {
  flush();
  if (spare_ != nullptr) pool_->put_empty(spare_);
}

GREYHOUND_INLINE void Marker::push(MarkEntry entry) {
  if (buffer_ == nullptr || buffer_->full()) [[unlikely]]
    next_buffer();
  buffer_->entries[buffer_->count++] = entry;
}

GREYHOUND_NOINLINE void Marker::next_buffer() {
  if (buffer_ != nullptr) pool_->put(buffer_);
  buffer_ = spare_ != nullptr ? std::exchange(spare_, nullptr) : pool_->get_empty();
}

// Takes entries off the buffer and asks for what scanobject will touch: the mark, the object, and
// its span's record, which of a large heap are in no cache either. What may be an interior pointer
// is resolved here.
GREYHOUND_INLINE void Marker::fill(Batch* batch) {
  batch->at = batch->count = 0;
  if (buffer_ == nullptr || buffer_->empty()) return;
  const size_t taken = std::min({kBatch, until_, buffer_->count});
  buffer_->count -= taken;
  const MarkEntry* const entries = buffer_->entries + buffer_->count;
  uintptr_t inside[kBatch];
  size_t count = 0;
  size_t unresolved = 0;
  for (size_t i = taken; i-- != 0;) {
    const MarkEntry entry = entries[i];
    const uintptr_t address = entry.address();
    __builtin_prefetch(heap_->marks.word(address));
    if (entry.is(MarkEntry::kInterior)) {
      inside[unresolved++] = address;
    } else {
      __builtin_prefetch(reinterpret_cast<const void*>(address));
      const mspan* const span = heap_->span_of(address);
      __builtin_prefetch(span);
      batch->entries[count] = entry;
      batch->spans[count++] = span;
    }
  }
  batch->count = count;
  if (unresolved != 0) resolve(inside, unresolved, batch);
}

// Finds the objects that the addresses `inside` lie in: many such chains of loads run side by side,
// whereas every mark that is set would make them wait for one another. So the marks of objects
// without pointers come last; the other objects go to the batch.
GREYHOUND_NOINLINE void Marker::resolve(const uintptr_t* inside, size_t count, Batch* batch) {
  const mheap& heap = *heap_;
  counts_.objects_resolved += count;
  mspan* spans[kBatch];
  for (size_t i = 0; i < count; ++i) spans[i] = heap.span_of(inside[i]);
  size_t scans = batch->count;
  size_t leaves = 0;
  Leaf leaf[kBatch];
  for (size_t i = 0; i < count; ++i) {
    mspan* const span = spans[i];
    if (span == nullptr) continue;
    // In a span's unusable tail there is no allocation bit.
    const uintptr_t base = span->object_base(span->object_index(inside[i]));
    const size_t granule = heap.marks.granule(base);
    // Also interior pointers are tested: one past the end of an object is inside the next slot.
    // In this order, which one expression would not give: what becomes allocated is black first.
    const uint64_t allocated = heap.allocs.load(granule >> 6, std::memory_order_acquire);
    const uint64_t white = allocated & ~heap.marks.load(granule >> 6, std::memory_order_relaxed);
    const size_t wanted = (white >> (granule & 63)) & 1;
    if (span->noscan) {
      // No branch on `wanted`: several pointers may lead into one object (of the tiny allocator,
      // say), and whether the mark is set already is then anybody's guess.
      leaf[leaves] = {granule, span};
      leaves += wanted;
    } else if (wanted != 0) {
      __builtin_prefetch(reinterpret_cast<const void*>(base));
      batch->entries[scans] = MarkEntry::at(base, MarkEntry::kExact);
      batch->spans[scans++] = span;
    }
  }
  batch->count = scans;
  if (leaves != 0) mark_leaves(leaf, leaves);
}

// Marks objects without pointers; those of one bitmap word by one locked instruction.
GREYHOUND_INLINE void Marker::mark_leaves(const Leaf* leaf, size_t count) {
  until_ -= count;
  uint64_t greyed = 0;
  uint64_t bytes = 0;
  for (size_t i = 0; i < count;) {
    const size_t at = leaf[i].granule >> 6;
    const mspan* const span = leaf[i].span;
    uint64_t bits = 0;
    do {
      bits |= HeapBitmap::bit(leaf[i].granule);
    } while (++i < count && leaf[i].granule >> 6 == at);
    const uint64_t fresh = bits & ~std::atomic_ref<uint64_t>(heap_->marks.words()[at])
                                       .fetch_or(bits, std::memory_order_acq_rel);
    const uint64_t objects = (fresh & (fresh - 1)) == 0
                                 ? (fresh != 0 ? 1 : 0)
                                 : static_cast<uint64_t>(std::popcount(fresh));
    greyed += objects;
    bytes += objects * span->elem_size;
  }
  counts_.objects_greyed += greyed;
  counts_.noscan_greyed += greyed;
  counts_.bytes_marked += bytes;
}

// The next entry whose memory has had time to arrive; 0 when there is none left.
GREYHOUND_INLINE MarkEntry Marker::next_entry(const mspan** span) {
  while (now_->at == now_->count) {
    std::swap(now_, next_);
    fill(next_);
    if (until_ == 0) return MarkEntry::none();
    if (now_->count == 0 && next_->count == 0 && (buffer_ == nullptr || buffer_->empty()))
      return MarkEntry::none();
  }
  *span = now_->spans[now_->at];
  return now_->entries[now_->at++];
}

GREYHOUND_INLINE void Marker::greyobject(uintptr_t word, MarkEntry::Kind kind) {
  if (!heap_->contains(word)) return;
  push(MarkEntry::of(word, kind));
}

// True when this call set the mark, so that the caller is to scan the object.
GREYHOUND_INLINE bool Marker::mark(uintptr_t object, GatheredMarks* gathered) {
  return mark_bit(heap_->marks.word(object), heap_->marks.granule(object), gathered);
}

// The same for bit `granule` % 64 of `word`.
GREYHOUND_INLINE bool Marker::mark_bit(uint64_t* word, size_t granule, GatheredMarks* gathered) {
  const uint64_t bit = HeapBitmap::bit(granule);
  if (word != gathered->word) {
    const uint64_t seen = std::atomic_ref<uint64_t>(*word).load(std::memory_order_relaxed);
    if ((seen & bit) != 0) return false;
    write_marks(gathered);
    gathered->word = word;
    gathered->seen = seen;
  }
  if ((gathered->seen & bit) != 0) return false;
  gathered->seen |= bit;
  gathered->fresh |= bit;
  return true;
}

GREYHOUND_INLINE void Marker::write_marks(GatheredMarks* gathered) {
  if (gathered->fresh == 0 || bug(Bug::kMarksNotWritten)) return;
  const uint64_t before = std::atomic_ref<uint64_t>(*gathered->word)
                              .fetch_or(gathered->fresh, std::memory_order_acq_rel);
  if ((before & gathered->fresh) != 0) [[unlikely]]
    uncount(gathered->word, before & gathered->fresh);
  *gathered = {};
}

// Objects that another marker or a mutator marked as well, in the meantime: who set the bit counts.
GREYHOUND_NOINLINE void Marker::uncount(const uint64_t* word, uint64_t twice) {
  const mspan* span = heap_->span_of(heap_->marks.address(word));
  const auto objects = static_cast<uint64_t>(std::popcount(twice));
  counts_.objects_greyed -= objects;
  if (span->noscan) counts_.noscan_greyed -= objects;
  counts_.bytes_marked -=
      objects * (span->size_class == kLargeClass ? span->bytes() : span->elem_size);
}

GREYHOUND_INLINE void Marker::scanobject(MarkEntry entry, const mspan* span) {
  --until_;
  const uintptr_t object = entry.address();
  if (entry.is(MarkEntry::kOblet)) [[unlikely]] {
    scan_large(object, span, false);
    until_ = 0;  // as much work as an interval of objects; the others may be waiting for its rest
    return;
  }
  if (entry.is(MarkEntry::kExact) && !mark(object, &marks_)) return;
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
      until_ = 0;
    } else {
      scan_small(object, span);
    }
    return;
  }
  if (span->exact && follows_near_) {
    scan_near(object, span);
    return;
  }
  const MarkEntry::Kind kind = span->exact ? MarkEntry::kExact : MarkEntry::kInterior;
  counts_.words_scanned += span->pointer_words;
  const auto* words = reinterpret_cast<const uintptr_t*>(object);
  do {
    // acquire: partner of store_word's release, so the target's initialisation is visible.
    greyobject(load_word(words + std::countr_zero(mask)), kind);
    mask &= mask - 1;
  } while (mask != 0);
}

// Scans `object`, and depth first what is reached from it without leaving its span. REQUIRES: the
// span's pointer words are in its slot_mask and exact. Counts the first object's words only.
//
// What changes with every object is kept in locals: as members, each would be a store that the next
// object's load waits for. The rest is relative to the span, which saves a third of the loads.
GREYHOUND_INLINE void Marker::scan_near(uintptr_t object, const mspan* span) {
  const uintptr_t base = span->base;
  const size_t bytes = span->bytes();
  const uint64_t slot_mask = span->slot_mask;
  uint64_t* const marks = heap_->marks.word(base);
  GatheredMarks gathered = marks_;
  size_t left = until_;
  size_t near = 0;
  size_t offset = object - base;
  while (true) {
    uint64_t mask = slot_mask;
    do {
      const auto* slot = reinterpret_cast<const uintptr_t*>(base + offset) +
                         static_cast<unsigned>(std::countr_zero(mask));
      // acquire: partner of store_word's release, so the target's initialisation is visible.
      const uintptr_t word = load_word(slot);
      if (word - base < bytes && near != kNearCapacity) {
        near_[near++] = static_cast<uint32_t>(word - base);
      } else {
        greyobject(word, MarkEntry::kExact);
      }
      mask &= mask - 1;
    } while (mask != 0);
    do {
      if (near == 0 || left == 0) {
        while (near != 0) push(MarkEntry::at(base + near_[--near], MarkEntry::kExact));
        const uint64_t more = until_ - left;
        counts_.objects_greyed += more;
        counts_.bytes_marked += more * span->elem_size;
        counts_.words_scanned += (more + 1) * span->pointer_words;
        marks_ = gathered;
        until_ = left;
        return;
      }
      offset = near_[--near];
    } while (
        !mark_bit(marks + (offset >> (kGranuleShift + 6)), offset >> kGranuleShift, &gathered));
    --left;
  }
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
      push(MarkEntry::at(oblet, MarkEntry::kOblet));
  }
  const uintptr_t stop = std::min(end, from + kObletBytes);
  scan_words(span->base, (from - span->base) / kWordBytes, (stop - span->base) / kWordBytes,
             span->layout);
}

// The pointer words of [first_word, last_word) of the object at `base`: its elements repeat from
// the start, so the first one may begin before first_word, and the last one end beyond last_word.
void Marker::scan_words(uintptr_t base, size_t first_word, size_t last_word, const Layout* layout) {
  const auto* words = reinterpret_cast<const uintptr_t*>(base);
  const MarkEntry::Kind kind = layout->exact ? MarkEntry::kExact : MarkEntry::kInterior;
  const size_t elem_words = layout->elem_words;
  for (size_t elem = first_word - first_word % elem_words; elem < last_word; elem += elem_words) {
    for (size_t m = 0; m < layout->mask.size(); ++m) {
      const size_t at = elem + m * 64;
      uint64_t mask = layout->mask[m];
      if (at < first_word) mask &= at + 64 <= first_word ? 0 : ~uint64_t{0} << (first_word - at);
      if (at + 64 > last_word) mask &= at >= last_word ? 0 : ~uint64_t{0} >> (at + 64 - last_word);
      if (mask != 0) greyobject(words + at, mask, kind);
    }
  }
}

// greyobject of each word that `mask` has a bit for. Without a branch that depends on the word:
// half of a map's slots are empty, and no predictor knows which.
GREYHOUND_INLINE void Marker::greyobject(const uintptr_t* words, uint64_t mask,
                                         MarkEntry::Kind kind) {
  if (buffer_ == nullptr || buffer_->count + 64 > WorkBuffer::kCapacity) next_buffer();
  // Locals: for all that the compiler knows, each entry that is written could change them.
  const uintptr_t base = heap_->base();
  const size_t size = heap_->size();
  MarkEntry* next = buffer_->entries + buffer_->count;
  uint64_t scanned = 0;
  do {
    // acquire: partner of store_word's release, so the target's initialisation is visible.
    const uintptr_t word = load_word(words + std::countr_zero(mask));
    *next = MarkEntry::of(word, kind);
    next += word - base < size ? 1 : 0;
    mask &= mask - 1;
    ++scanned;
  } while (mask != 0);
  counts_.words_scanned += scanned;
  buffer_->count = static_cast<size_t>(next - buffer_->entries);
}

bool Marker::grey_root(uintptr_t word) {
  const FoundObject found = heap_->findObject(word);
  return found.base != 0 && heap_->allocs.test(found.base) && grey_object(found.base);
}

bool Marker::grey_object(uintptr_t object) {
  ++counts_.objects_resolved;
  if (!heap_->marks.test_and_set(object)) return false;
  const mspan* const span = heap_->span_of(object);
  if (!span->noscan) {
    push(MarkEntry::at(object, MarkEntry::kGrey));
    return true;
  }
  // Black at once.
  ++counts_.objects_greyed;
  ++counts_.noscan_greyed;
  counts_.bytes_marked += span->slot_bytes();
  return true;
}

void Marker::grey_fields(uintptr_t object) { push(MarkEntry::at(object, MarkEntry::kGrey)); }

// The interval that ended says which way the next one goes; assists, which scan too little to try,
// take it from the last marker that did.
GREYHOUND_NOINLINE void Marker::choose_near() {
  const bool followed = follows_near_;
  follows_near_ = near_choice_.interval_ended(work_taken_ + counts_.work(), thread_cpu_ns);
  if (follows_near_ != followed) pool_->set_follow_near(follows_near_);
}

// What was greyed since the last report becomes the assists' credit.
void Marker::report_work() {
  const uint64_t work = counts_.work();
  if (work == credited_work_) return;
  pacer_->add_credit(static_cast<int64_t>(work - credited_work_));
  credited_work_ = work;
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

GREYHOUND_NOINLINE bool Marker::gcDrain(size_t objects) {
  until_ = kShareInterval;
  for (size_t intervals = objects / kShareInterval; intervals != 0;) {
    const mspan* span = nullptr;
    const MarkEntry entry = next_entry(&span);
    if (entry) scanobject(entry, span);
    if (until_ == 0) {
      choose_near();
      share();
      until_ = kShareInterval;
      --intervals;
      continue;
    }
    if (entry) continue;
    write_marks(&marks_);
    share();
    WorkBuffer* more = pool_->get_or_finish();
    if (more == nullptr) return false;
    if (buffer_ != nullptr) {
      if (spare_ == nullptr) {
        spare_ = buffer_;
      } else {
        pool_->put_empty(buffer_);
      }
    }
    buffer_ = more;
  }
  return true;
}

int64_t Marker::gcDrainN(int64_t budget) {
  WorkBuffer* work = pool_->try_get(true);
  if (work == nullptr) return -1;
  GREYHOUND_DCHECK(buffer_ == nullptr || buffer_->empty());
  if (buffer_ != nullptr) pool_->put_empty(buffer_);
  buffer_ = work;
  follows_near_ = pool_->follow_near();
  const uint64_t start = counts_.work();
  const auto limit = static_cast<uint64_t>(budget);
  while (counts_.work() - start < limit) {
    const mspan* span = nullptr;
    until_ = kShareInterval;
    const MarkEntry entry = next_entry(&span);
    if (entry) {
      scanobject(entry, span);
    } else if (until_ != 0) {
      break;
    }
  }
  flush();
  pool_->finish();
  const uint64_t done = counts_.work() - start;
  pacer_->add_work(static_cast<int64_t>(done));
  credited_work_ = counts_.work();
  return static_cast<int64_t>(done);
}

bool Marker::drain_objects(size_t budget) {
  bool any = false;
  until_ = budget;
  while (until_ > 0) {
    const mspan* span = nullptr;
    const MarkEntry entry = next_entry(&span);
    if (until_ == 0) break;
    if (!entry) {
      WorkBuffer* work = pool_->try_get(!any);
      if (work == nullptr) break;
      if (buffer_ != nullptr) pool_->put_empty(buffer_);
      buffer_ = work;
      any = true;
      continue;
    }
    scanobject(entry, span);
  }
  flush();
  if (any) pool_->finish();
  return any;
}

void Marker::flush() {
  write_marks(&marks_);
  for (Batch* batch : {now_, next_}) {
    while (batch->at != batch->count) push(batch->entries[batch->at++]);
  }
  if (buffer_ == nullptr) return;
  if (buffer_->empty()) {
    pool_->put_empty(buffer_);
  } else {
    pool_->put(buffer_);
  }
  buffer_ = nullptr;
}

MarkCounts Marker::take_counts() {
  credited_work_ = 0;
  work_taken_ += counts_.work();
  return std::exchange(counts_, MarkCounts{});
}

}  // namespace greyhound::gc
