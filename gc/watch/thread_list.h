// SPDX-License-Identifier: MIT
// The threads of one runtime, for those who watch threads rather than mutators (the CPU profiler,
// runtime/profile/): the attached ones, the coordinator and the marking workers. A thread that is
// attached to several runtimes is in each one's list.
//
// Thread rules: add and remove on the thread that the entry is about; the observer may be set from
// any. It is told of every thread once: of those that are there when it comes, and later of each as
// it starts and ends, on that thread. It must not call the list from thread_started and
// thread_ending, which are called under the list's lock.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gc/memory/own_containers.h"
#include "runtime/base/platform.h"

namespace greyhound::gc {

class Collector;

// What a signal handler finds on its own thread. One a thread, whatever it is attached to.
struct ThreadSampling {
  std::atomic<void*> sampler{nullptr};  // what takes the thread's samples; null: nothing
  std::atomic<uint32_t> in_handler{0};  // handlers that may be using it
};

enum class ThreadKind : uint8_t { kMutator, kCoordinator, kWorker };

struct ThreadEntry {
  ThreadKind kind = ThreadKind::kMutator;
  std::string name;
  const Collector* collector = nullptr;
  pid_t tid = 0;
  pthread_t handle = {};
  ThreadSampling* sampling = nullptr;
};

// The calling thread's. May be called in a signal handler.
ThreadSampling* current_thread_sampling();

class ThreadList;

class ThreadObserver {
 public:
  virtual ~ThreadObserver() = default;
  virtual void thread_started(const ThreadEntry& thread) = 0;
  virtual void thread_ending(const ThreadEntry& thread) = 0;
  // The list goes away; no thread is in it. Not under its lock.
  virtual void list_ending(ThreadList* list) = 0;
};

class ThreadList {
 public:
  ThreadList() = default;
  ~ThreadList();
  ThreadList(const ThreadList&) = delete;
  ThreadList& operator=(const ThreadList&) = delete;

  // Enters the calling thread; fills in what is known of it. `entry` stays where it is until
  // remove().
  void add(ThreadEntry* entry);
  void remove(ThreadEntry* entry);

  // Null: nobody. One that goes is told that every thread is ending, on the caller's thread.
  // REQUIRES: one of the observer and the one before is null.
  void observe(const std::shared_ptr<ThreadObserver>& observer);

  // In a forked child: nobody observes, and of the threads there is the calling one.
  void forget_others();

 private:
  friend class CollectorFork;
  std::mutex mutex_;
  OwnVector<ThreadEntry*> threads_;           // protected by mutex_
  std::shared_ptr<ThreadObserver> observer_;  // protected by mutex_
};

// The calling thread is in `list` from construction to destruction.
class ListedThread {
 public:
  ListedThread(ThreadList* list, ThreadKind kind, std::string name, const Collector* collector);
  ~ListedThread() { list_->remove(&entry_); }
  ListedThread(const ListedThread&) = delete;
  ListedThread& operator=(const ListedThread&) = delete;

 private:
  ThreadList* const list_;
  ThreadEntry entry_;
};

}  // namespace greyhound::gc
