// SPDX-License-Identifier: MIT
// Samples on their way from a signal handler to the reader: a ring of words with one writer (the
// handler on one thread) and one reader. A sample takes as many words as it needs; one for which
// the longest possible would not fit is dropped by the writer, and counted.
//
// Thread rules: reserve, put and publish in the handler; the rest by the reader. Lock-free: each
// end is written by one side and read by the other, release and acquire.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace greyhound::runtime {

class SampleRing {
 public:
  // Room for `words` at least.
  explicit SampleRing(size_t words)
      : mask_(std::bit_ceil(words) - 1),
        words_(std::make_unique_for_overwrite<uint64_t[]>(mask_ + 1)) {}

  // Whether `most` words can be put; else the sample counts as dropped.
  bool reserve(size_t most) {
    at_ = end_.load(std::memory_order_relaxed);
    // acquire: what the reader was done with may be overwritten.
    if (mask_ + 1 - (at_ - begin_.load(std::memory_order_acquire)) >= most) return true;
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  void put(uint64_t word) { words_[at_++ & mask_] = word; }
  // Writes word `index` of what was put since reserve().
  void set(size_t index, uint64_t word) {
    words_[(end_.load(std::memory_order_relaxed) + index) & mask_] = word;
  }
  void publish() { end_.store(at_, std::memory_order_release); }

  // How many words can be taken now.
  size_t available() const {
    return end_.load(std::memory_order_acquire) - begin_.load(std::memory_order_relaxed);
  }
  uint64_t take() {
    const size_t at = begin_.load(std::memory_order_relaxed);
    const uint64_t word = words_[at & mask_];
    begin_.store(at + 1, std::memory_order_release);
    return word;
  }
  uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  const size_t mask_;
  const std::unique_ptr<uint64_t[]> words_;
  size_t at_ = 0;  // the writer's
  std::atomic<size_t> begin_{0};
  std::atomic<size_t> end_{0};
  std::atomic<uint64_t> dropped_{0};
};

}  // namespace greyhound::runtime
