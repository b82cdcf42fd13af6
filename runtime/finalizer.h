// SPDX-License-Identifier: MIT
// The thread that runs finalizers and cleanups, from when the first one is due. It is a mutator
// like any other, named "finalizers". What the calls may rely on is said at Runtime::set_finalizer
// and add_cleanup. Where no thread can be had, and in a forked child until a call becomes due
// there, they run in Runtime::run_finalizers().
//
// Thread rules: any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>

#include "gc/weak/reference_processor.h"
#include "runtime/base/os_thread.h"

namespace greyhound::runtime {

class Runtime;

// Runs what is due on the calling thread, which is attached, until nothing is or `stop` is set;
// returns how many calls that were.
size_t run_ready(gc::ReferenceProcessor* references, const std::atomic<bool>& stop);

class FinalizerThread final : public gc::CallRunner {
 public:
  explicit FinalizerThread(Runtime* runtime) : runtime_(runtime) {}
  // Waits for the call that runs; those after it never do.
  ~FinalizerThread() override;
  FinalizerThread(const FinalizerThread&) = delete;
  FinalizerThread& operator=(const FinalizerThread&) = delete;

  bool is_this_thread() const;
  // It is one of the runtime's mutators now.
  bool attached() const { return attached_.load(std::memory_order_acquire); }
  // Whether calls that are due run without the calling thread's help.
  bool runs_elsewhere() const;

  void calls_are_due() override;
  void forked() override;

 private:
  void run();

  Runtime* const runtime_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> attached_{false};
  mutable std::mutex mutex_;
  OsThread thread_;       // protected by mutex_
  bool refused_ = false;  // protected by mutex_; that there is no thread was said
};

}  // namespace greyhound::runtime
