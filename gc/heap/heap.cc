// SPDX-License-Identifier: MIT
#include "gc/heap/heap.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "gc/bug.h"
#include "gc/watch/wait_profile.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

#if defined(GREYHOUND_TSAN) || defined(GREYHOUND_ASAN)
constexpr uint64_t kDefaultReserve = uint64_t{4} << 30;
#else
constexpr uint64_t kDefaultReserve = uint64_t{64} << 30;
#endif
constexpr uint64_t kSmallestReserve = PageAllocator::kChunkBytes;
// Spans are numbered in 32 bits.
constexpr uint64_t kLargestReserve = uint64_t{16} << 40;
// What is left to the rest of the program where address space is scarce: as much as the range
// takes, within these bounds. The least is the stacks of the runtime's threads and its metadata.
constexpr size_t kLeastRoom = size_t{128} << 20;
constexpr size_t kMostRoom = size_t{1} << 30;

constexpr size_t kLeastMetadataPages = 256;

// Where the parts of a range lie in its one block: what is managed first, then its side tables.
// Each begins on a page of the system's.
struct RangeParts {
  explicit RangeParts(size_t reserve) {
    const size_t pages = reserve >> kPageShift;
    size_t end = reserve;
    const auto place = [&end](size_t part) {
      const size_t at = end;
      end += align_up(part, kSystemPage);
      return at;
    };
    marks = place(reserve / kGranule / 8);
    allocs = place(reserve / kGranule / 8);
    page_table = place(pages * sizeof(uint32_t));
    spans = place(pages * sizeof(mspan));
    allocator = place(PageAllocator::table_bytes(pages));
    metadata_pages = std::max(reserve / 64 / kSystemPage, kLeastMetadataPages);
    metadata = place(SystemPages::area_bytes(metadata_pages));
    bytes = end;
  }
  size_t marks, allocs, page_table, spans, allocator, metadata, metadata_pages, bytes;
};

// A block of `bytes` that leaves room for the program; none when there is not so much.
OsRange reserve_leaving_room(size_t bytes) {
  const OsRange range = os_reserve(bytes);
  if (range.base == 0) return {};
  const OsRange room = os_reserve(std::clamp(bytes, kLeastRoom, kMostRoom));
  if (room.base == 0) {
    os_release(range);
    return {};
  }
  os_release(room);
  return range;
}

}  // namespace

mheap::~mheap() {
  if (base_ == 0) return;  // nothing was reserved
  for_each_span([this](mspan* span) {
    if (span->slot_layouts != nullptr) free_record(span->slot_layouts);
  });
  if (range_.base == 0) return;
  // Without the thread that reserved it: in a forked child.
  if (!keeper_->run([this] { os_release(range_); })) os_abandon(range_);
}

Start mheap::initialise(const Options& options) {
  options_ = &options;
  keeper_ = std::make_unique<RangeKeeper>();
  uint64_t reserve =
      std::min(options.reserve != 0 ? options.reserve : kDefaultReserve, kLargestReserve);
  reserve = align_up(reserve, PageAllocator::kChunkBytes);
  const bool ran = keeper_->run([&] {
    while (reserve >= kSmallestReserve) {
      range_ = reserve_leaving_room(RangeParts(reserve).bytes);
      if (range_.base != 0) return;
      reserve = align_down(reserve / 4 * 3, PageAllocator::kChunkBytes);
    }
  });
  if (!ran) return Start::kNoThread;
  if (range_.base == 0) return Start::kNoMemory;
  base_ = range_.base;
  size_ = reserve;
  const RangeParts parts(reserve);
  const auto part = [this](size_t offset) { return reinterpret_cast<void*>(base_ + offset); };
  marks.initialise(static_cast<uint64_t*>(part(parts.marks)), base_);
  allocs.initialise(static_cast<uint64_t*>(part(parts.allocs)), base_);
  page_table_ = static_cast<uint32_t*>(part(parts.page_table));
  spans_ = static_cast<mspan*>(part(parts.spans));
  pages_.initialise(base_, reserve >> kPageShift, part(parts.allocator));
  metadata_pages.initialise(part(parts.metadata), parts.metadata_pages);
  max_heap_ = options.max_heap != 0 ? std::min<uint64_t>(options.max_heap, reserve) : reserve;
  clobber_free.store(options.debug.clobberfree != 0, std::memory_order_relaxed);
  if (options.huge_pages) os_advise_huge(part(0), reserve);
  return Start::kStarted;
}

mspan* mheap::new_span_struct() {
  if (mspan* span = free_spans_.pop(); span != nullptr) return span;
  mspan* span = new (spans_ + span_count_) mspan;
  span->index = span_count_++;
  return span;
}

void* mheap::allocate_record(size_t bytes) {
  void* record = try_metadata_alloc(bytes);
  if (record != nullptr || bytes > kSystemPage) return record;
  record = metadata_pages.allocate();
  return record != nullptr ? std::memset(record, 0, bytes) : nullptr;
}

void mheap::free_record(void* record) {
  if (metadata_pages.owns(record)) {
    metadata_pages.free(record);
  } else {
    metadata_free(record);
  }
}

mspan* mheap::take_pages(size_t pages, bool* zeroed) {
  if ((pages_.used_pages() + pages) << kPageShift > max_heap_) return nullptr;
  const size_t page = pages_.allocate(pages, zeroed);
  if (page == PageAllocator::kNoPage) return nullptr;
  mspan* span = new_span_struct();
  span->base = base_ + (page << kPageShift);
  span->npages = static_cast<uint32_t>(pages);
  return span;
}

void mheap::publish_span(mspan* span) {
  const size_t first = (span->base - base_) >> kPageShift;
  for (size_t i = 0; i < span->npages; ++i) {
    std::atomic_ref<uint32_t>(page_table_[first + i]).store(span->index, std::memory_order_release);
  }
}

mspan* mheap::allocate_small_span(Layout* layout, SizeClass size_class, uint32_t gen) {
  const SizeClassInfo& info = kSizeClasses[size_class];
  uint16_t* slot_layouts = nullptr;
  const size_t slot_bytes = info.objects * sizeof(uint16_t);
  if (layout == nullptr) {
    slot_layouts = static_cast<uint16_t*>(allocate_record(slot_bytes));
    if (slot_layouts == nullptr) return nullptr;
  }
  ProfiledLock lock(page_lock_, "lock: pages");
  bool zeroed = false;
  mspan* span = take_pages(info.span_pages, &zeroed);
  if (span == nullptr) {
    if (slot_layouts != nullptr) free_record(slot_layouts);
    return nullptr;
  }
  span->elem_size = info.size;
  span->divide_magic = info.divide_magic;
  span->nelems = info.objects;
  span->size_class = size_class;
  span->layout = layout;
  span->slot_layouts = slot_layouts;
  if (slot_layouts != nullptr) slot_layout_bytes_ += slot_bytes;
  span->slot_mask = layout != nullptr ? layout->slot_mask : 0;
  span->pointer_words = static_cast<uint8_t>(std::popcount(span->slot_mask));
  span->noscan = layout != nullptr && layout->noscan();
  span->exact = layout != nullptr && layout->exact;
  span->walked = layout == nullptr || layout->walked;
  span->needzero = !zeroed;
  span->central =
      layout != nullptr ? layout->central.load(std::memory_order_acquire) : &shared_[size_class];
  span->sweepgen = gen;
  span->live = 0;
  span->state.store(SpanState::kSmall, std::memory_order_release);
  publish_span(span);
  return span;
}

mspan* mheap::take_large_span(size_t bytes, bool walked, bool* zeroed) {
  ProfiledLock lock(page_lock_, "lock: pages");
  const size_t room = walked && !bug(Bug::kNoRoomBehindLarge) ? kRootReach : 0;
  mspan* span = take_pages((bytes + room + kPageSize - 1) >> kPageShift, zeroed);
  if (span != nullptr) span->walked = walked;
  return span;
}

void mheap::publish_large_span(mspan* span, Layout* layout, uint32_t gen) {
  span->elem_size = static_cast<uint32_t>(std::min<size_t>(span->bytes(), UINT32_MAX));
  span->divide_magic = 0;
  span->nelems = 1;
  span->size_class = kLargeClass;
  span->layout = layout;
  span->slot_layouts = nullptr;
  span->slot_mask = 0;
  span->pointer_words = 0;
  span->noscan = layout->noscan();
  span->exact = layout->exact;
  span->needzero = true;
  span->central = nullptr;
  span->sweepgen = gen;
  span->live = 0;
  allocs.set_slots(span->base, span->base + kGranule, kGranule, false);
  span->state.store(SpanState::kLarge, std::memory_order_release);
  ProfiledLock lock(page_lock_, "lock: pages");
  publish_span(span);
}

void mheap::free_spans(SpanList* spans) {
  if (spans->empty()) return;
  ProfiledLock lock(page_lock_, "lock: pages");
  while (mspan* span = spans->pop()) free_span(span);
}

void mheap::free_span(mspan* span) {
  span->state.store(SpanState::kFree, std::memory_order_release);
  const size_t first = (span->base - base_) >> kPageShift;
  for (size_t i = 0; i < span->npages; ++i) {
    std::atomic_ref<uint32_t>(page_table_[first + i]).store(0, std::memory_order_release);
  }
  if (span->slot_layouts != nullptr) {
    slot_layout_bytes_ -= span->nelems * sizeof(uint16_t);
    free_record(span->slot_layouts);
    span->slot_layouts = nullptr;
  }
  pages_.release(first, span->npages);
  free_spans_.push(span);
}

void mheap::push_large(mspan* span) {
  ProfiledLock lock(page_lock_, "lock: pages");
  large_[span->sweepgen & 1].push(span);
}

mspan* mheap::pop_large(uint32_t gen) {
  ProfiledLock lock(page_lock_, "lock: pages");
  return large_[gen & 1].pop();
}

size_t mheap::page_bytes() {
  ProfiledLock lock(page_lock_, "lock: pages");
  return pages_.used_pages() << kPageShift;
}

size_t mheap::resident_bytes() {
  ProfiledLock lock(page_lock_, "lock: pages");
  return pages_.resident_pages() << kPageShift;
}

size_t mheap::frontier_bytes() {
  ProfiledLock lock(page_lock_, "lock: pages");
  return pages_.frontier_pages() << kPageShift;
}

size_t mheap::return_to_system(size_t bytes) {
  if (bytes == SIZE_MAX) metadata_pages.return_kept();
  // A chunk's bits are whole pages of the bitmaps, and zero, as every sweep left them, whether the
  // system takes their pages back or not.
  constexpr size_t kBitmapBytes = PageAllocator::kChunkPages * kBitmapWordsPerPage * 8;
  size_t returned = 0;
  size_t chunk = frontier_bytes() / PageAllocator::kChunkBytes;
  while (chunk-- > 0 && returned < bytes) {
    ProfiledLock lock(page_lock_, "lock: pages");
    bool emptied = false;
    returned += pages_.return_to_system(chunk, bytes - returned, &emptied);
    if (!emptied) continue;
    const uintptr_t start = base_ + chunk * PageAllocator::kChunkBytes;
    static_cast<void>(os_return_pages(marks.word(start), kBitmapBytes));
    static_cast<void>(os_return_pages(allocs.word(start), kBitmapBytes));
  }
  return returned;
}

size_t mheap::metadata_bytes() {
  ProfiledLock lock(page_lock_, "lock: pages");
  const size_t pages = pages_.frontier_pages();
  // With each span's place in a list.
  constexpr size_t kSpanBytes = sizeof(mspan) + sizeof(mspan*);
  return pages * (2 * kBitmapWordsPerPage * 8 + sizeof(uint32_t)) + span_count_ * kSpanBytes +
         slot_layout_bytes_;
}

}  // namespace greyhound::gc
