// SPDX-License-Identifier: MIT
// Pages of the system's out of a reserved area, one at a time: metadata that a cycle cannot do
// without comes from address space that its runtime has, whatever limit the process is given later.
// A page that is freed goes back to the system; its number waits on a stack at the area's end.
//
// Thread rules: initialise before all else; then any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "gc/os_memory.h"
#include "gc/short_mutex.h"

namespace greyhound::gc {

class SystemPages {
 public:
  // The area for `pages` of them.
  static constexpr size_t area_bytes(size_t pages) {
    constexpr size_t kNumbers = kSystemPage / sizeof(uint32_t);
    return (pages + (pages + kNumbers - 1) / kNumbers) * kSystemPage;
  }

  // `area` is area_bytes(pages) of zeroed memory, which stays the caller's.
  void initialise(void* area, size_t pages) {
    area_ = static_cast<char*>(area);
    pages_ = pages;
    free_ = reinterpret_cast<uint32_t*>(area_ + pages * kSystemPage);
  }

  // Any content. Null when all are taken.
  void* allocate() {
    std::lock_guard lock(mutex_);
    if (free_count_ != 0) return area_ + free_[--free_count_] * kSystemPage;
    return used_ < pages_ ? area_ + used_++ * kSystemPage : nullptr;
  }
  bool owns(const void* page) const {
    return static_cast<size_t>(static_cast<const char*>(page) - area_) < pages_ * kSystemPage;
  }
  // REQUIRES: owns(page).
  void free(void* page) {
    // Where the system keeps it, it is resident and no more: what it holds does not count.
    static_cast<void>(os_return_pages(page, kSystemPage));
    std::lock_guard lock(mutex_);
    free_[free_count_++] =
        static_cast<uint32_t>(static_cast<size_t>(static_cast<char*>(page) - area_) / kSystemPage);
  }

 private:
  friend class CollectorFork;
  char* area_ = nullptr;
  size_t pages_ = 0;
  uint32_t* free_ = nullptr;  // the numbers of free pages below used_
  ShortMutex mutex_;
  size_t free_count_ = 0;  // protected by mutex_
  size_t used_ = 0;        // protected by mutex_
};

}  // namespace greyhound::gc
