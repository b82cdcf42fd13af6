// SPDX-License-Identifier: MIT
// The one seam to the system's memory. mimalloc is the source of every byte: heap ranges and
// bitmaps as lazily committed huge blocks (mi_malloc_aligned at 64 MiB alignment, never the zeroing
// variant, which would touch them all), other metadata as plain blocks. Builds without mimalloc
// (sanitizers, GREYHOUND_MIMALLOC=OFF) take ranges from mmap and blocks from malloc.
//
// Thread rules: a range is reserved and released by the same thread (mimalloc 2.0.9 keeps the
// mapping of one freed elsewhere): see RangeKeeper. Everything else: any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace greyhound::gc {

inline constexpr size_t kRangeAlignment = size_t{64} << 20;

// A block of lazily committed, zeroed address space aligned to kRangeAlignment; null when the
// system refuses. `bytes` is rounded up to the alignment by the caller.
void* os_reserve(size_t bytes);
// REQUIRES: the thread that reserved it.
void os_release(void* range, size_t bytes);

// Gives the pages of [address, address + bytes) back; they read as zero afterwards. Page-aligned.
void os_return_pages(void* address, size_t bytes);
// Advises the kernel to back the range with huge pages; harmless when it cannot.
void os_advise_huge(void* address, size_t bytes);

// Metadata block, zeroed; fatal when there is none left (metadata is small and cannot be refused
// safely).
void* metadata_alloc(size_t bytes);
void metadata_free(void* block);

// Runs reservations and their release on one thread of its own, so that any thread may destroy a
// runtime. Lives inside the runtime's heap.
class RangeKeeper {
 public:
  RangeKeeper() = default;
  ~RangeKeeper();
  RangeKeeper(const RangeKeeper&) = delete;
  RangeKeeper& operator=(const RangeKeeper&) = delete;

  // Runs `work` on the keeper's thread and waits for it.
  void run(const std::function<void()>& work);

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;  // protected by mutex_
  bool stop_ = false;                            // protected by mutex_
  std::thread thread_;
};

}  // namespace greyhound::gc
