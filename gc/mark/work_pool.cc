// SPDX-License-Identifier: MIT
#include "gc/mark/work_pool.h"

#include <new>

#include "gc/memory/os_memory.h"
#include "gc/watch/wait_profile.h"
#include "runtime/base/check.h"

namespace greyhound::gc {

void WorkPool::free_list(WorkBuffer* list) {
  while (list != nullptr) {
    WorkBuffer* next = list->next;
    if (pages_->owns(list)) {
      pages_->free(list);
    } else {
      metadata_free(list);
    }
    list = next;
  }
}

WorkPool::~WorkPool() {
  free_list(full_);
  free_list(empty_);
}

WorkBuffer* WorkPool::get_empty() {
  {
    ProfiledLock lock(mutex_, "lock: work pool");
    if (empty_ != nullptr) {
      WorkBuffer* buffer = empty_;
      empty_ = buffer->next;
      buffer->next = nullptr;
      return buffer;
    }
  }
  buffers_.fetch_add(1, std::memory_order_relaxed);
  auto* buffer = static_cast<WorkBuffer*>(pages_->allocate());
  if (buffer == nullptr) buffer = static_cast<WorkBuffer*>(metadata_alloc(sizeof(WorkBuffer)));
  buffer->next = nullptr;
  buffer->count = 0;
  return buffer;
}

void WorkPool::put_empty(WorkBuffer* buffer) {
  GREYHOUND_DCHECK(buffer->empty());
  ProfiledLock lock(mutex_, "lock: work pool");
  buffer->next = empty_;
  empty_ = buffer;
}

void WorkPool::put(WorkBuffer* buffer) {
  GREYHOUND_DCHECK(!buffer->empty());
  bool wake = false;
  {
    ProfiledLock lock(mutex_, "lock: work pool");
    buffer->next = full_;
    full_ = buffer;
    queued_.store(queued_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    wake = waiting_.load(std::memory_order_relaxed) != 0;
    asked_.store(false, std::memory_order_relaxed);
  }
  if (wake) changed_.notify_one();
}

WorkBuffer* WorkPool::try_get(bool becomes_active) {
  if (!has_work()) return nullptr;
  ProfiledLock lock(mutex_, "lock: work pool");
  WorkBuffer* buffer = full_;
  if (buffer == nullptr) return nullptr;
  full_ = buffer->next;
  buffer->next = nullptr;
  queued_.store(queued_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  if (becomes_active) ++active_;
  return buffer;
}

WorkBuffer* WorkPool::get_or_finish() {
  ProfiledLock lock(mutex_, "lock: work pool");
  GREYHOUND_DCHECK(active_ > 0);
  --active_;
  while (true) {
    if (full_ != nullptr) {
      WorkBuffer* buffer = full_;
      full_ = buffer->next;
      buffer->next = nullptr;
      queued_.store(queued_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
      ++active_;
      return buffer;
    }
    if (active_ == 0) {
      changed_.notify_all();
      return nullptr;
    }
    waiting_.store(waiting_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    changed_.wait(lock);
    waiting_.store(waiting_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
  }
}

void WorkPool::finish() {
  ProfiledLock lock(mutex_, "lock: work pool");
  GREYHOUND_DCHECK(active_ > 0);
  if (--active_ == 0) changed_.notify_all();
}

void WorkPool::become_active() {
  ProfiledLock lock(mutex_, "lock: work pool");
  ++active_;
}

bool WorkPool::quiet() {
  ProfiledLock lock(mutex_, "lock: work pool");
  return full_ == nullptr && active_ == 0;
}

void WorkPool::trim() {
  constexpr size_t kKeep = 16;
  WorkBuffer* surplus = nullptr;
  {
    ProfiledLock lock(mutex_, "lock: work pool");
    WorkBuffer* last = empty_;
    for (size_t i = 1; last != nullptr && i < kKeep; ++i) last = last->next;
    if (last == nullptr) return;
    surplus = last->next;
    last->next = nullptr;
    size_t count = 0;
    for (WorkBuffer* b = surplus; b != nullptr; b = b->next) ++count;
    buffers_.fetch_sub(count, std::memory_order_relaxed);
  }
  free_list(surplus);
}

}  // namespace greyhound::gc
