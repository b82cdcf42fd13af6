// SPDX-License-Identifier: MIT
// The thread that runs finalizers and cleanups; Runtime starts it when there is something for it to
// do. It is a mutator like any other, named "finalizers". What the calls may rely on is said at
// Runtime::set_finalizer and add_cleanup.
//
// Thread rules: any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <thread>

namespace greyhound::gc {
class Specials;
}

namespace greyhound::runtime {

class Runtime;

// Runs what is due on the calling thread, which is attached, until nothing is or `stop` is set;
// gives how many calls that were.
size_t run_ready(gc::Specials* specials, const std::atomic<bool>& stop);

class FinalizerThread {
 public:
  explicit FinalizerThread(Runtime* runtime);
  // Waits for the call that runs; those after it never do.
  ~FinalizerThread();
  FinalizerThread(const FinalizerThread&) = delete;
  FinalizerThread& operator=(const FinalizerThread&) = delete;

  bool is_this_thread() const { return thread_.get_id() == std::this_thread::get_id(); }
  // It is one of the runtime's mutators now.
  bool attached() const { return attached_.load(std::memory_order_acquire); }

 private:
  void run();

  Runtime* const runtime_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> attached_{false};
  std::thread thread_;
};

}  // namespace greyhound::runtime
