// SPDX-License-Identifier: MIT
// Pages of the system's out of a reserved area, one at a time: metadata that a cycle cannot do
// without comes from address space that its runtime has, whatever limit the process is given later.
// Freed pages are kept for the next cycle, up to 4 MiB of them (to return one and touch it again
// costs 3 us, and small heaps' cycles take hundreds); beyond that they go back to the system. Their
// numbers wait on two stacks at the area's end, which grow towards each other.
//
// Thread rules: initialise before all else; then any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>

#include "gc/memory/os_memory.h"
#include "gc/memory/short_mutex.h"

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
    if (kept_ != 0) return page(free_[--kept_]);
    if (returned_ != 0) return page(free_[pages_ - returned_--]);
    return used_ < pages_ ? page(used_++) : nullptr;
  }
  bool owns(const void* page) const {
    return static_cast<size_t>(static_cast<const char*>(page) - area_) < pages_ * kSystemPage;
  }
  // REQUIRES: owns(page).
  void free(void* page) {
    {
      std::lock_guard lock(mutex_);
      if (kept_ < kMostKept) {
        free_[kept_++] = number(page);
        return;
      }
    }
    give_back(page);
  }
  // Gives the kept ones back, too.
  void return_kept() {
    while (void* page = take_kept()) give_back(page);
  }
  size_t kept_bytes() {
    std::lock_guard lock(mutex_);
    return kept_ * kSystemPage;
  }

 private:
  static constexpr size_t kMostKept = (4 << 20) / kSystemPage;

  char* page(size_t number) const { return area_ + number * kSystemPage; }
  uint32_t number(const void* page) const {
    return static_cast<uint32_t>(static_cast<size_t>(static_cast<const char*>(page) - area_) /
                                 kSystemPage);
  }
  void* take_kept() {
    std::lock_guard lock(mutex_);
    return kept_ != 0 ? page(free_[--kept_]) : nullptr;
  }
  void give_back(void* page) {
    // Where the system keeps it, it is resident and no more: what it holds does not count.
    static_cast<void>(os_return_pages(page, kSystemPage));
    std::lock_guard lock(mutex_);
    free_[pages_ - ++returned_] = number(page);
  }

  friend class CollectorFork;
  char* area_ = nullptr;
  size_t pages_ = 0;
  uint32_t* free_ = nullptr;  // the numbers of free pages below used_
  ShortMutex mutex_;          // of what follows
  size_t kept_ = 0;           // from free_'s beginning
  size_t returned_ = 0;       // from its end
  size_t used_ = 0;
};

}  // namespace greyhound::gc
