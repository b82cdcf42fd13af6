// SPDX-License-Identifier: MIT
#include "gc/memory/os_memory.h"

#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "runtime/base/check.h"
#include "runtime/base/platform.h"

#if !defined(GREYHOUND_USE_MIMALLOC) || defined(GREYHOUND_ASAN) || defined(GREYHOUND_TSAN)
#undef GREYHOUND_USE_MIMALLOC
#define GREYHOUND_USE_MIMALLOC 0
#endif

namespace greyhound::gc {
namespace {

// What is taken of mimalloc. Null functions: it is not there.
struct Mimalloc {
  void* (*malloc)(size_t) = nullptr;
  void* (*malloc_aligned)(size_t, size_t) = nullptr;
  void (*free)(void*) = nullptr;
  char name[32] = "system";
};

// The first object that is told of is the program itself; without an interpreter it was linked
// statically.
bool linked_statically() {
  bool interpreted = false;
  dl_iterate_phdr(
      [](dl_phdr_info* program, size_t, void* found) {
        for (int i = 0; i < program->dlpi_phnum; ++i) {
          if (program->dlpi_phdr[i].p_type == PT_INTERP) *static_cast<bool*>(found) = true;
        }
        return 1;
      },
      &interpreted);
  return !interpreted;
}

template <class Function>
bool find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

// Local, so that its malloc is nobody's else. Never unloaded: each thread that used it runs its
// code once more when the thread ends, and what it keeps to itself would be lost with every plugin
// that is unloaded and loaded again.
Mimalloc load_mimalloc() {
  Mimalloc found;
  if (!GREYHOUND_USE_MIMALLOC || linked_statically()) return found;
  void* library = dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) return found;
  int (*version)() = nullptr;
  if (!find(library, "mi_version", &version) || !find(library, "mi_malloc", &found.malloc) ||
      !find(library, "mi_malloc_aligned", &found.malloc_aligned) ||
      !find(library, "mi_free", &found.free)) {
    return {};
  }
  const int number = version();  // 209 is 2.0.9
  std::snprintf(found.name, sizeof found.name, "mimalloc %d.%d.%d", number / 100, number / 10 % 10,
                number % 10);
  return found;
}

// The one thing of a process's that all its runtimes share: memory of one may be freed through
// another's code only if both have the same source. Constant once it is there.
const Mimalloc& mimalloc() {
  static const Mimalloc found = load_mimalloc();
  return found;
}

// Zeroes what is resident of a block that the system would not take back. Pages that are not were
// never written to: what cannot be given back is locked, so it was not swapped out either.
bool clear_resident_pages(char* block, size_t bytes) {
  constexpr size_t kAtOnce = 4096;
  unsigned char resident[kAtOnce];
  for (size_t done = 0; done < bytes; done += kAtOnce * kSystemPage) {
    const size_t here = std::min(bytes - done, kAtOnce * kSystemPage);
    if (mincore(block + done, here, resident) != 0) return false;
    for (size_t page = 0; page * kSystemPage < here; ++page) {
      if ((resident[page] & 1) != 0) std::memset(block + done + page * kSystemPage, 0, kSystemPage);
    }
  }
  return true;
}

OsRange reserve_by_mimalloc(size_t bytes) {
  void* block = mimalloc().malloc_aligned(bytes, kRangeAlignment);
  if (block == nullptr) return {};
  // It may have been used before. Of fresh address space this costs nothing.
  if (!os_return_pages(block, bytes) && !clear_resident_pages(static_cast<char*>(block), bytes)) {
    mimalloc().free(block);
    return {};
  }
  return {reinterpret_cast<uintptr_t>(block), bytes, block, bytes};
}

OsRange reserve_by_mmap(size_t bytes) {
  const size_t padded = bytes + kRangeAlignment;
  void* mapping = mmap(nullptr, padded, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return {};
  return {align_up(reinterpret_cast<uintptr_t>(mapping), kRangeAlignment), bytes, mapping, padded};
}

}  // namespace

const char* memory_source() { return mimalloc().name; }

OsRange os_reserve(size_t bytes) {
  GREYHOUND_CHECK(bytes % kSystemPage == 0);
  return mimalloc().malloc_aligned != nullptr ? reserve_by_mimalloc(bytes) : reserve_by_mmap(bytes);
}

void os_release(const OsRange& range) {
  if (mimalloc().free != nullptr) return mimalloc().free(range.block);
  // The system may have no room for the hole in its table of mappings (vm.max_map_count). Then only
  // the addresses stay taken.
  if (munmap(range.block, range.block_bytes) != 0)
    madvise(range.block, range.block_bytes, MADV_DONTNEED);
}

bool os_return_pages(void* address, size_t bytes) {
  return madvise(address, bytes, MADV_DONTNEED) == 0;
}

void os_advise_huge(void* address, size_t bytes) {
  // Without the advice the heap is as it is without Options::huge_pages.
  static_cast<void>(madvise(address, bytes, MADV_HUGEPAGE));
}

void* try_metadata_alloc(size_t bytes) {
  if (mimalloc().malloc == nullptr) return std::calloc(1, bytes);
  // Cleared here: where memory is locked, mimalloc cannot know what its pages hold.
  void* block = mimalloc().malloc(bytes);
  return block != nullptr ? std::memset(block, 0, bytes) : nullptr;
}

// mimalloc would keep the mapping, and count on a thread that is not there.
void os_abandon(const OsRange& range) {
  if (mimalloc().free == nullptr) return os_release(range);
  static_cast<void>(os_return_pages(range.block, range.block_bytes));
}

void* required(void* block, size_t bytes) {
  if (block == nullptr) {
    fatal(
        "out of memory for %zu bytes of the collector's own; raise the limit of the process's "
        "memory or address space (ulimit -v, vm.max_map_count), or lower Options::max_heap",
        bytes);
  }
  return block;
}

void* metadata_alloc(size_t bytes) { return required(try_metadata_alloc(bytes), bytes); }

const void* os_zero_pages(size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return required(pages == MAP_FAILED ? nullptr : pages, bytes);
}

void os_free_zero_pages(const void* pages, size_t bytes) {
  // Where the system refuses, addresses stay taken.
  static_cast<void>(munmap(const_cast<void*>(pages), bytes));
}

void metadata_free(void* block) {
  if (mimalloc().free != nullptr) return mimalloc().free(block);
  std::free(block);
}

RangeKeeper::~RangeKeeper() {
  if (!thread_.running()) return;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

bool RangeKeeper::run(const std::function<void()>& work) {
  std::unique_lock lock(mutex_);
  if (gone_) return false;
  if (!thread_.running() && thread_.start<&RangeKeeper::loop>("gh-range", this) != 0) return false;
  work_ = &work;
  changed_.notify_all();
  changed_.wait(lock, [this] { return work_ == nullptr; });
  return true;
}

// Not destroyed and made: that would wait for the thread.
void RangeKeeper::forget() {
  new (&mutex_) std::mutex();
  new (&changed_) std::condition_variable();
  thread_.forget();
  gone_ = true;
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
