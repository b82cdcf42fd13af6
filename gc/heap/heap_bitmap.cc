// SPDX-License-Identifier: MIT
#include "gc/heap/heap_bitmap.h"

namespace greyhound::gc {

// Gathers the bits of consecutive slots word by word, so that a word is written once.
template <class Apply>
void HeapBitmap::for_each_word(uintptr_t first, uintptr_t last, size_t stride, Apply apply) const {
  if (first >= last) return;
  const size_t end = granule(last);
  const size_t step = stride >> kGranuleShift;
  size_t g = granule(first);
  if (step == 1) {
    while (g < end) {
      const size_t word_end = (g | 63) + 1;
      const size_t stop = word_end < end ? word_end : end;
      const uint64_t high = (stop & 63) == 0 ? ~uint64_t{0} : (uint64_t{1} << (stop & 63)) - 1;
      apply(g >> 6, high & (~uint64_t{0} << (g & 63)));
      g = stop;
    }
    return;
  }
  while (g < end) {
    const size_t index = g >> 6;
    uint64_t bits = 0;
    for (; g < end && (g >> 6) == index; g += step) bits |= bit(g);
    apply(index, bits);
  }
}

void HeapBitmap::set_slots(uintptr_t first, uintptr_t last, size_t stride, bool atomically) const {
  for_each_word(first, last, stride, [&](size_t index, uint64_t bits) {
    std::atomic_ref<uint64_t> word(words_[index]);
    if (atomically) {
      word.fetch_or(bits, std::memory_order_acq_rel);
    } else {
      word.store(word.load(std::memory_order_relaxed) | bits, std::memory_order_release);
    }
  });
}

void HeapBitmap::clear_slots(uintptr_t first, uintptr_t last, size_t stride,
                             bool atomically) const {
  for_each_word(first, last, stride, [&](size_t index, uint64_t bits) {
    std::atomic_ref<uint64_t> word(words_[index]);
    if (atomically) {
      word.fetch_and(~bits, std::memory_order_acq_rel);
    } else {
      word.store(word.load(std::memory_order_relaxed) & ~bits, std::memory_order_release);
    }
  });
}

}  // namespace greyhound::gc
