// SPDX-License-Identifier: MIT
#include "gc/os_memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "runtime/base/check.h"
#include "runtime/base/platform.h"

#if defined(GREYHOUND_USE_MIMALLOC) && GREYHOUND_USE_MIMALLOC && !defined(GREYHOUND_ASAN) && \
    !defined(GREYHOUND_TSAN)
#include <mimalloc.h>
#define GREYHOUND_MI 1
#else
#define GREYHOUND_MI 0
#endif

namespace greyhound::gc {

#if GREYHOUND_MI

void* os_reserve(size_t bytes) {
  void* range = mi_malloc_aligned(bytes, kRangeAlignment);
  // mimalloc promises nothing about the content; that untouched pages are zero is the kernel's
  // doing.
  if (range != nullptr) GREYHOUND_CHECK(*static_cast<volatile uint64_t*>(range) == 0);
  return range;
}
void os_release(void* range, size_t) { mi_free(range); }

void* metadata_alloc(size_t bytes) {
  void* block = mi_zalloc(bytes);
  if (block == nullptr) fatal("out of memory for %zu bytes of collector metadata", bytes);
  return block;
}
void metadata_free(void* block) { mi_free(block); }

#else

void* os_reserve(size_t bytes) {
  const size_t padded = bytes + kRangeAlignment;
  void* mapping = mmap(nullptr, padded, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  const auto start = reinterpret_cast<uintptr_t>(mapping);
  const uintptr_t aligned = align_up(start, kRangeAlignment);
  if (aligned != start) munmap(mapping, aligned - start);
  const uintptr_t end = start + padded;
  if (end != aligned + bytes)
    munmap(reinterpret_cast<void*>(aligned + bytes), end - aligned - bytes);
  return reinterpret_cast<void*>(aligned);
}
void os_release(void* range, size_t bytes) { munmap(range, bytes); }

void* metadata_alloc(size_t bytes) {
  void* block = std::calloc(1, bytes);
  if (block == nullptr) fatal("out of memory for %zu bytes of collector metadata", bytes);
  return block;
}
void metadata_free(void* block) { std::free(block); }

#endif

void os_return_pages(void* address, size_t bytes) { madvise(address, bytes, MADV_DONTNEED); }
void os_advise_huge(void* address, size_t bytes) { madvise(address, bytes, MADV_HUGEPAGE); }

RangeKeeper::~RangeKeeper() {
  if (!thread_.joinable()) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void RangeKeeper::run(const std::function<void()>& work) {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) thread_ = std::thread([this] { loop(); });
  work_ = &work;
  changed_.notify_all();
  changed_.wait(lock, [this] { return work_ == nullptr; });
}

void RangeKeeper::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return work_ != nullptr || stop_; });
    if (work_ == nullptr) return;
    (*work_)();
    work_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace greyhound::gc
