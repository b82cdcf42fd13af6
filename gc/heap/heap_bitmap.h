// SPDX-License-Identifier: MIT
// Two side bitmaps over the whole heap range, one bit for each 16 B granule, addressed by
// arithmetic on the object's address: marks (this cycle's grey and black objects) and allocation
// bits (slots handed out). Only the bit of an object's first granule is ever set. A page's bits are
// one cache line, so spans never share a word.
//
// Marks are set by atomic OR from any marker or barrier. Allocation bits are written by the span's
// owner with release (after the slot is zeroed) and read with acquire where a word may be no
// pointer.
#pragma once

#include <atomic>
#include <cstdint>

#include "gc/heap/size_class.h"
#include "runtime/base/platform.h"

namespace greyhound::gc {

inline constexpr size_t kGranuleShift = 4;
inline constexpr size_t kBitmapWordsPerPage = kPageSize / kGranule / 64;

class HeapBitmap {
 public:
  void initialise(uint64_t* words, uintptr_t heap_base) {
    words_ = words;
    base_ = heap_base;
  }

  GREYHOUND_INLINE size_t granule(uintptr_t address) const {
    return (address - base_) >> kGranuleShift;
  }
  GREYHOUND_INLINE uint64_t* word(uintptr_t address) const {
    return words_ + (granule(address) >> 6);
  }
  // The first address that `word` has a bit for.
  uintptr_t address(const uint64_t* word) const {
    return base_ + (static_cast<uintptr_t>(word - words_) << (kGranuleShift + 6));
  }
  GREYHOUND_INLINE static uint64_t bit(size_t granule) { return uint64_t{1} << (granule & 63); }

  // Acquire: a set allocation bit means that the slot's zeroing is visible.
  GREYHOUND_INLINE bool test(uintptr_t address) const {
    const size_t g = granule(address);
    return (std::atomic_ref<uint64_t>(words_[g >> 6]).load(std::memory_order_acquire) & bit(g)) !=
           0;
  }

  // True when this call set the bit. The plain test first keeps already-marked objects off the bus;
  // it acquires, because a root resolver that finds a mark set must then see the flag that the
  // shading mutator raised before it (Mutator::shade).
  GREYHOUND_INLINE bool test_and_set(uintptr_t address) const {
    const size_t g = granule(address);
    std::atomic_ref<uint64_t> word(words_[g >> 6]);
    if ((word.load(std::memory_order_acquire) & bit(g)) != 0) return false;
    return (word.fetch_or(bit(g), std::memory_order_acq_rel) & bit(g)) == 0;
  }

  // The owner's store of one word; marks are set by more than one.
  void store(size_t word_index, uint64_t bits) const {
    std::atomic_ref<uint64_t>(words_[word_index]).store(bits, std::memory_order_release);
  }
  uint64_t load(size_t word_index, std::memory_order order = std::memory_order_relaxed) const {
    return std::atomic_ref<uint64_t>(words_[word_index]).load(order);
  }

  // Sets (or clears) the bits of the slots [first, last) at `stride` bytes. Whole words at a time,
  // by atomic OR/AND when others may set bits of the same word, else by release stores.
  void set_slots(uintptr_t first, uintptr_t last, size_t stride, bool atomically) const;
  void clear_slots(uintptr_t first, uintptr_t last, size_t stride, bool atomically) const;

  uint64_t* words() const { return words_; }

 private:
  template <class Apply>
  void for_each_word(uintptr_t first, uintptr_t last, size_t stride, Apply apply) const;

  uint64_t* words_ = nullptr;
  uintptr_t base_ = 0;
};

}  // namespace greyhound::gc
