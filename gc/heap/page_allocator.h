// SPDX-License-Identifier: MIT
// Page runs of the heap range: a bitmap of used pages in 4 MiB chunks, each summarised by its
// longest free runs at the start, inside and at the end, as Go's page allocator does in one level.
// First fit from the lowest address keeps the heap dense, so that the top can be given back.
//
// Invariants:
//  1. A page is used iff its bit in used[] is set. Chunks at and beyond frontier_ are entirely
//  free.
//  2. dirty[] is clear for pages that read as zero (never used, or returned to the system).
//  3. Every chunk below first_free_ has no free page.
//
// Not synchronised: the heap's page lock protects it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/heap/size_class.h"

namespace greyhound::gc {

class PageAllocator {
 public:
  static constexpr size_t kChunkPages = 512;
  static constexpr size_t kChunkBytes = kChunkPages << kPageShift;
  static constexpr size_t kNoPage = static_cast<size_t>(-1);

  PageAllocator() = default;
  PageAllocator(const PageAllocator&) = delete;
  PageAllocator& operator=(const PageAllocator&) = delete;

  // `heap_base` is page 0; `pages` a multiple of kChunkPages. `tables` is zeroed memory of
  // table_bytes(pages), which stays the caller's.
  void initialise(uintptr_t heap_base, size_t pages, void* tables);
  static constexpr size_t table_bytes(size_t pages) {
    return pages / kChunkPages * (sizeof(Chunk) + sizeof(Summary));
  }

  // The first page of a free run of `count` pages, now used; kNoPage when the range has none.
  // *zeroed says whether every page of it reads as zero.
  size_t allocate(size_t count, bool* zeroed);
  void release(size_t page, size_t count);

  // Returns free dirty pages of one chunk to the system until `bytes` are, rounded up to a run of
  // them; returns the bytes. What the system keeps stays dirty, and does not count. *emptied says
  // whether some were and nothing of the chunk is used or resident any more.
  size_t return_to_system(size_t chunk, size_t bytes, bool* emptied);

  size_t used_pages() const { return used_pages_; }
  // Pages that are resident by this allocator's account: used ones and free dirty ones.
  size_t resident_pages() const { return used_pages_ + free_dirty_pages_; }
  size_t frontier_pages() const { return frontier_ * kChunkPages; }

 private:
  struct Chunk {
    uint64_t used[kChunkPages / 64];
    uint64_t dirty[kChunkPages / 64];
  };
  struct Summary {
    uint16_t start, longest, end;  // free pages
  };

  void take(size_t page, size_t count, bool* zeroed);
  void summarise(size_t chunk);
  size_t find_in_chunk(size_t chunk, size_t count) const;
  bool grow_to(size_t chunks);

  uintptr_t base_ = 0;
  Chunk* chunks_ = nullptr;
  Summary* summaries_ = nullptr;
  size_t chunk_count_ = 0;
  size_t frontier_ = 0;
  size_t first_free_ = 0;
  size_t used_pages_ = 0;
  size_t free_dirty_pages_ = 0;
};

}  // namespace greyhound::gc
