// SPDX-License-Identifier: MIT
#include "gc/watch/thread_list.h"

#include <unistd.h>

#include <utility>

#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

// Initial-exec, as a signal handler reads it: any other access may allocate.
constinit thread_local ThreadSampling sampling __attribute__((tls_model("initial-exec")));

}  // namespace

ThreadSampling* current_thread_sampling() { return &sampling; }

ThreadList::~ThreadList() {
  std::shared_ptr<ThreadObserver> observer;
  {
    std::lock_guard lock(mutex_);
    GREYHOUND_DCHECK(threads_.empty());
    observer = observer_;
  }
  if (observer != nullptr) observer->list_ending(this);
}

void ThreadList::add(ThreadEntry* entry) {
  entry->tid = gettid();
  entry->handle = pthread_self();
  entry->sampling = &sampling;
  std::lock_guard lock(mutex_);
  threads_.push_back(entry);
  if (observer_ != nullptr) observer_->thread_started(*entry);
}

void ThreadList::remove(ThreadEntry* entry) {
  std::lock_guard lock(mutex_);
  if (std::erase(threads_, entry) == 0) return;  // forgotten, with its thread
  GREYHOUND_DCHECK(entry->sampling == &sampling);
  if (observer_ != nullptr) observer_->thread_ending(*entry);
}

void ThreadList::forget_others() {
  std::shared_ptr<ThreadObserver> observer;
  std::lock_guard lock(mutex_);
  observer.swap(observer_);
  std::erase_if(threads_, [](const ThreadEntry* thread) {
    return pthread_equal(thread->handle, pthread_self()) == 0;
  });
  for (ThreadEntry* thread : threads_) thread->tid = gettid();
}

void ThreadList::observe(const std::shared_ptr<ThreadObserver>& observer) {
  std::lock_guard lock(mutex_);
  GREYHOUND_DCHECK(observer == nullptr || observer_ == nullptr);
  for (const ThreadEntry* thread : threads_) {
    if (observer != nullptr) {
      observer->thread_started(*thread);
    } else if (observer_ != nullptr) {
      observer_->thread_ending(*thread);
    }
  }
  observer_ = observer;
}

ListedThread::ListedThread(ThreadList* list, ThreadKind kind, std::string name,
                           const Collector* collector)
    : list_(list), entry_{kind, std::move(name), collector, 0, {}, nullptr} {
  list_->add(&entry_);
}

}  // namespace greyhound::gc
