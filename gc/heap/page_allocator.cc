// SPDX-License-Identifier: MIT
#include "gc/heap/page_allocator.h"

#include <algorithm>
#include <bit>

#include "gc/memory/os_memory.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

constexpr size_t kWords = PageAllocator::kChunkPages / 64;

// Calls apply(word index, bit mask) for the pages [first, first + count) of one chunk.
template <class Apply>
void for_each_mask(size_t first, size_t count, Apply apply) {
  while (count > 0) {
    const size_t offset = first % 64;
    const size_t here = std::min(count, 64 - offset);
    const uint64_t mask = (here == 64 ? ~uint64_t{0} : (uint64_t{1} << here) - 1) << offset;
    apply(first / 64, mask);
    first += here;
    count -= here;
  }
}

}  // namespace

void PageAllocator::initialise(uintptr_t heap_base, size_t pages, void* tables) {
  GREYHOUND_CHECK(pages % kChunkPages == 0);
  base_ = heap_base;
  chunk_count_ = pages / kChunkPages;
  chunks_ = static_cast<Chunk*>(tables);
  summaries_ = reinterpret_cast<Summary*>(chunks_ + chunk_count_);
}

bool PageAllocator::grow_to(size_t chunks) {
  if (chunks > chunk_count_) return false;
  for (; frontier_ < chunks; ++frontier_)
    summaries_[frontier_] = {kChunkPages, kChunkPages, kChunkPages};
  return true;
}

size_t PageAllocator::allocate(size_t count, bool* zeroed) {
  size_t run = 0;  // free pages that end where the chunk begins
  while (first_free_ < frontier_ && summaries_[first_free_].longest == 0) ++first_free_;
  for (size_t c = first_free_; c < frontier_; ++c) {
    const Summary& summary = summaries_[c];
    size_t page = kNoPage;
    if (run + summary.start >= count) {
      page = c * kChunkPages - run;
    } else if (summary.longest >= count) {
      page = find_in_chunk(c, count);
    }
    if (page != kNoPage) {
      take(page, count, zeroed);
      return page;
    }
    run = summary.start == kChunkPages ? run + kChunkPages : summary.end;
  }
  const size_t page = frontier_ * kChunkPages - run;
  if (!grow_to((page + count + kChunkPages - 1) / kChunkPages)) return kNoPage;
  take(page, count, zeroed);
  return page;
}

size_t PageAllocator::find_in_chunk(size_t chunk, size_t count) const {
  const uint64_t* used = chunks_[chunk].used;
  size_t start = 0;
  size_t page = 0;
  while (page < kChunkPages) {
    const uint64_t rest = used[page / 64] >> (page % 64);
    const size_t in_word = 64 - page % 64;
    const size_t free_here = std::min<size_t>(in_word, static_cast<size_t>(std::countr_zero(rest)));
    page += free_here;
    if (page - start >= count) return chunk * kChunkPages + start;
    if (free_here == in_word) continue;
    // At a used page: skip the used ones of this word.
    const uint64_t from_used = used[page / 64] >> (page % 64);
    page += std::min<size_t>(64 - page % 64, static_cast<size_t>(std::countr_one(from_used)));
    start = page;
  }
  return kNoPage;
}

void PageAllocator::take(size_t page, size_t count, bool* zeroed) {
  *zeroed = true;
  used_pages_ += count;
  while (count > 0) {
    const size_t chunk = page / kChunkPages;
    const size_t first = page % kChunkPages;
    const size_t here = std::min(count, kChunkPages - first);
    Chunk& c = chunks_[chunk];
    for_each_mask(first, here, [&](size_t w, uint64_t mask) {
      GREYHOUND_DCHECK((c.used[w] & mask) == 0);
      c.used[w] |= mask;
      if ((c.dirty[w] & mask) != 0) *zeroed = false;
      free_dirty_pages_ -= static_cast<size_t>(std::popcount(c.dirty[w] & mask));
      c.dirty[w] |= mask;
    });
    summarise(chunk);
    page += here;
    count -= here;
  }
}

void PageAllocator::release(size_t page, size_t count) {
  used_pages_ -= count;
  free_dirty_pages_ += count;
  first_free_ = std::min(first_free_, page / kChunkPages);
  while (count > 0) {
    const size_t chunk = page / kChunkPages;
    const size_t first = page % kChunkPages;
    const size_t here = std::min(count, kChunkPages - first);
    for_each_mask(first, here, [&](size_t w, uint64_t mask) {
      GREYHOUND_DCHECK((chunks_[chunk].used[w] & mask) == mask);
      chunks_[chunk].used[w] &= ~mask;
    });
    summarise(chunk);
    page += here;
    count -= here;
  }
}

void PageAllocator::summarise(size_t chunk) {
  const uint64_t* used = chunks_[chunk].used;
  size_t longest = 0;
  size_t run = 0;
  size_t start = kChunkPages;
  for (size_t w = 0; w < kWords; ++w) {
    uint64_t bits = used[w];
    if (bits == 0) {
      run += 64;
      continue;
    }
    size_t position = 0;
    while (bits != 0) {
      const auto zeros = static_cast<size_t>(std::countr_zero(bits));
      run += zeros;
      if (start == kChunkPages) start = w * 64 + position + zeros;
      longest = std::max(longest, run);
      run = 0;
      bits >>= zeros;
      const auto ones = static_cast<size_t>(std::countr_one(bits));
      position += zeros + ones;
      bits = ones == 64 ? 0 : bits >> ones;
    }
    run = 64 - position;
  }
  longest = std::max(longest, run);
  summaries_[chunk] = {static_cast<uint16_t>(start), static_cast<uint16_t>(longest),
                       static_cast<uint16_t>(run)};
}

size_t PageAllocator::return_to_system(size_t index, size_t bytes, bool* emptied) {
  Chunk& chunk = chunks_[index];
  const auto returnable = [&](size_t p) {
    return ((chunk.dirty[p / 64] & ~chunk.used[p / 64]) >> (p % 64) & 1) != 0;
  };
  size_t returned = 0;
  size_t page = 0;
  while (page < kChunkPages && returned < bytes) {
    if (!returnable(page)) {
      ++page;
      continue;
    }
    const size_t first = page;
    while (page < kChunkPages && returnable(page)) ++page;
    if (!os_return_pages(
            reinterpret_cast<void*>(base_ + ((index * kChunkPages + first) << kPageShift)),
            (page - first) << kPageShift))
      continue;
    for_each_mask(first, page - first, [&](size_t w, uint64_t mask) { chunk.dirty[w] &= ~mask; });
    free_dirty_pages_ -= page - first;
    returned += (page - first) << kPageShift;
  }
  const auto none = [](uint64_t bits) { return bits == 0; };
  *emptied = returned != 0 && std::ranges::all_of(chunk.used, none) &&
             std::ranges::all_of(chunk.dirty, none);
  return returned;
}

}  // namespace greyhound::gc
