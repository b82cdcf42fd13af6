// SPDX-License-Identifier: MIT
// The one seam to the system's memory. mimalloc is the source of every byte: a runtime's range as
// one lazily committed huge block (never the zeroing variant, which would touch it all), metadata
// as plain blocks.
//
// mimalloc's shared library is loaded apart from the program, when memory is first asked for: the
// program keeps its own malloc and operator new, which Debian's mimalloc, built as C, would
// otherwise replace by ones that end the process where they should throw. Where the library is not
// there, in a statically linked program (whose C library a library loaded later would not share),
// and in builds without it (sanitizers, GREYHOUND_MIMALLOC=OFF), ranges come from mmap and blocks
// from malloc.
//
// Every call to the system may fail, and each failure is an answer here: null or false. What the
// caller may then rely on is said at each function; tests/gc/os_memory_test.cc injects them.
//
// Thread rules: a range is reserved and released by the same thread (mimalloc 2.0.9 keeps the
// mapping of one freed elsewhere): see RangeKeeper. Everything else: any thread.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>

#include "runtime/base/os_thread.h"

namespace greyhound::gc {

// What a range begins at a multiple of: a huge page.
inline constexpr size_t kRangeAlignment = size_t{2} << 20;
inline constexpr size_t kSystemPage = 4096;

// "mimalloc 2.0.9" or "system": where this process takes its memory from.
const char* memory_source();

// Address space that commits lazily and reads as zero.
struct OsRange {
  uintptr_t base = 0;  // aligned to kRangeAlignment; 0: there is none
  size_t bytes = 0;
  void* block = nullptr;  // what the source gave
  size_t block_bytes = 0;
};

// base is 0 when the system refuses. `bytes` is a multiple of kSystemPage.
OsRange os_reserve(size_t bytes);
// REQUIRES: the thread that reserved it.
void os_release(const OsRange& range);
// Of a range whose thread is gone: its memory goes back to the system. With mimalloc its addresses
// do not, which an address space has room for.
void os_abandon(const OsRange& range);

// Gives the pages of [address, address + bytes) back; whole pages of the system's. True when they
// read as zero from now on. False when the system keeps them (it does with locked memory): they
// hold what they held, and may read as zero in part.
[[nodiscard]] bool os_return_pages(void* address, size_t bytes);
// Advises the kernel to back the range with huge pages; where it cannot, nothing changes.
void os_advise_huge(void* address, size_t bytes);

// `block`, of `bytes`; null is fatal.
void* required(void* block, size_t bytes);

// Metadata block, zeroed. Null when there is none left; metadata_alloc is fatal then, for what
// nobody can do without in the middle of a cycle.
void* try_metadata_alloc(size_t bytes);
void* metadata_alloc(size_t bytes);
void metadata_free(void* block);

// Pages that read as zero and take no memory; fatal where there is no address space for them.
const void* os_zero_pages(size_t bytes);
void os_free_zero_pages(const void* pages, size_t bytes);

// Runs reservations and their release on one thread of its own, so that any thread may destroy a
// runtime. Lives inside the runtime's heap.
class RangeKeeper {
 public:
  RangeKeeper() = default;
  ~RangeKeeper();
  RangeKeeper(const RangeKeeper&) = delete;
  RangeKeeper& operator=(const RangeKeeper&) = delete;

  // Runs `work` on the keeper's thread and waits for it. False, and nothing done, when there is no
  // thread to be had, or no longer.
  [[nodiscard]] bool run(const std::function<void()>& work);
  // In a forked child: the keeper's thread is not there.
  void forget();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;  // protected by mutex_
  bool stop_ = false;                            // protected by mutex_
  bool gone_ = false;                            // protected by mutex_
  OsThread thread_;
};

}  // namespace greyhound::gc
