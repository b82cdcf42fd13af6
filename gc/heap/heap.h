// SPDX-License-Identifier: MIT
// The heap: one range of addresses, its side tables, its spans and what is known of their layouts.
// As Go's mheap. It hands out spans and finds objects; when to collect is the Collector's business.
//
//   address --page_table_--> span index --spans_--> mspan --layout--> which words are pointers
//      \------- arithmetic ------> mark bit, allocation bit (heap_bitmap.h)
//
// Invariants:
//  1. page_table_[p] is the index of the span that page p belongs to, 0 for none; stored with
//     release once the span's first cache line is written, cleared when it is freed.
//  2. Span structs are never unmapped and keep their index, so a racing reader of a stale one reads
//     an old span, never unmapped memory.
//  3. No span is freed while marking.
//
// Thread rules: contains, span_of, findObject from any thread; span allocation and freeing under
// the page lock, which these functions take.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>

#include "gc/heap/heap_bitmap.h"
#include "gc/heap/layout.h"
#include "gc/heap/mcentral.h"
#include "gc/heap/mspan.h"
#include "gc/heap/page_allocator.h"
#include "gc/memory/os_memory.h"
#include "gc/memory/short_mutex.h"
#include "gc/memory/system_pages.h"
#include "gc/options.h"

namespace greyhound::gc {

// An ambiguous word may stand for an object that ends, or begins, up to so far from it
// (root_resolver.h): two cache lines, the step of a loop over elements of up to that size. Behind a
// large object that may be walked so much is left free.
inline constexpr size_t kRootReach = 128;

// What findObject returns: base is 0 when the address is in no object slot.
struct FoundObject {
  uintptr_t base = 0;
  mspan* span = nullptr;
  uint32_t index = 0;
};

class mheap {
 public:
  mheap() = default;
  ~mheap();
  mheap(const mheap&) = delete;
  mheap& operator=(const mheap&) = delete;

  // Reserves the range: options.reserve, or what of it can be had while as much again (from 128 MiB
  // to 1 GiB) stays free for the program; whole chunks of the page allocator. kNoMemory: not one.
  // `options` outlive the heap.
  [[nodiscard]] Start initialise(const Options& options);
  // In a forked child: the thread that reserved the range is not there.
  void forget_keeper() { keeper_->forget(); }

  GREYHOUND_INLINE bool contains(uintptr_t address) const { return address - base_ < size_; }
  GREYHOUND_INLINE mspan* span_of(uintptr_t address) const {
    // acquire: partner of publish_span's release.
    const uint32_t index = std::atomic_ref<uint32_t>(page_table_[(address - base_) >> kPageShift])
                               .load(std::memory_order_acquire);
    return index == 0 ? nullptr : spans_ + index;
  }
  // The slot that `address` points into, allocated or not. REQUIRES nothing of the address.
  GREYHOUND_INLINE FoundObject findObject(uintptr_t address) const {
    if (!contains(address)) return {};
    mspan* span = span_of(address);
    if (span == nullptr) return {};
    const uint32_t index = span->object_index(address);
    if (index >= span->nelems) return {};
    return {span->object_base(index), span, index};
  }

  // A fresh span of `layout`, or of the shared spans of `size_class` when layout is null; stamped
  // with `gen` and owned by the caller. Null when the range, the limit or the process's memory is
  // exhausted.
  mspan* allocate_small_span(Layout* layout, SizeClass size_class, uint32_t gen);
  // Pages for one object of `bytes`, in two steps, since clearing them may take long and be done
  // while the mutator is blocked: the span is nobody's but the caller's until it is published.
  // *zeroed says whether its pages read as zero. Published, its allocation bit is set; it is on no
  // list yet.
  // `walked`: a pointer past its end may stand for it (kTypeNeverWalked).
  mspan* take_large_span(size_t bytes, bool walked, bool* zeroed);
  void publish_large_span(mspan* span, Layout* layout, uint32_t gen);
  // Gives the pages of spans that nothing lives in back; empties the list.
  void free_spans(SpanList* spans);

  mcentral& shared_central(SizeClass size_class) { return shared_[size_class]; }
  LayoutRegistry& layouts() { return layouts_; }
  // The layout of the object in slot `index`.
  const Layout* layout_of(const mspan* span, uint32_t index) const {
    if (span->layout != nullptr) return span->layout;
    return layouts_.by_id(
        std::atomic_ref<uint16_t>(span->slot_layouts[index]).load(std::memory_order_relaxed));
  }

  void push_large(mspan* span);
  mspan* pop_large(uint32_t gen);

  // Calls visit(mspan*) for every span in use. REQUIRES: no span is allocated or freed meanwhile.
  template <class Visit>
  void for_each_span(Visit visit) const {
    for (uint32_t i = 1; i < span_count_; ++i) {
      if (spans_[i].state.load(std::memory_order_acquire) != SpanState::kFree) visit(spans_ + i);
    }
  }

  HeapBitmap marks;
  HeapBitmap allocs;
  SystemPages metadata_pages;  // for the grey work, and where the system gives nothing
  // The current sweep generation. Raised by the collector before H5; acquire by mutators in sweep.
  std::atomic<uint32_t> sweepgen{2};
  std::atomic<bool> clobber_free{false};
  // Mutators that may be sweeping a span of the old generation right now.
  std::atomic<uint32_t> sweepers{0};

  uintptr_t base() const { return base_; }
  size_t size() const { return size_; }
  size_t page_bytes();
  size_t resident_bytes();
  size_t frontier_bytes();
  // As PageAllocator's, over all chunks; no allocation waits for more than one of them.
  size_t return_to_system(size_t bytes);
  uint64_t max_heap() const { return max_heap_; }
  const Options& options() const { return *options_; }
  // Bytes of side tables that are in use (bits and table entries of the pages up to the frontier,
  // span structs, slot records).
  size_t metadata_bytes();

 private:
  friend class CollectorFork;
  mspan* new_span_struct();                       // REQUIRES: page_lock_ held
  mspan* take_pages(size_t pages, bool* zeroed);  // likewise; null at the limit
  void free_span(mspan* span);                    // likewise
  void publish_span(mspan* span);                 // likewise
  // A shared span's, zeroed: the system's memory, or where it gives none a page of the range's.
  // Null: neither.
  void* allocate_record(size_t bytes);
  void free_record(void* record);

  uintptr_t base_ = 0;
  size_t size_ = 0;
  uint32_t* page_table_ = nullptr;
  mspan* spans_ = nullptr;
  uint64_t max_heap_ = 0;
  const Options* options_ = nullptr;

  ShortMutex page_lock_;
  PageAllocator pages_;           // protected by page_lock_
  SpanList free_spans_;           // protected by page_lock_
  uint32_t span_count_ = 1;       // protected by page_lock_; index 0 means none
  size_t slot_layout_bytes_ = 0;  // protected by page_lock_
  SpanList large_[2];             // by sweepgen parity; protected by page_lock_

  LayoutRegistry layouts_;
  mcentral shared_[kNumSizeClasses];

  OsRange range_;  // with the side tables behind what is managed
  std::unique_ptr<RangeKeeper> keeper_;
};

}  // namespace greyhound::gc
