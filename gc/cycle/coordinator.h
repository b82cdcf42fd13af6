// SPDX-License-Identifier: MIT
// Who asks for cycles, and who drives them. In kConcurrent mode a thread of the runtime's does, the
// coordinator; in kStepping mode whoever calls step() or collect(); and where no thread is to be
// had, whoever wants a cycle. One at a time advances: driving() sees to it.
//
// Thread rules: any thread, unless said otherwise.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "gc/pace/cpu_account.h"
#include "runtime/base/os_thread.h"

namespace greyhound::gc {

class Collector;

enum class Progress : uint8_t {
  kAdvanced,  // did something; call again
  kWaiting,   // a mutator has to acknowledge first
  kIdle,      // no cycle is running and none was asked for
};

// What a cycle was asked for.
struct CycleRequest {
  bool forced = false;  // the program did
  bool idle = false;    // nobody, for Options::idle_cycle_ms
  uint64_t number = 0;  // of the cycle, from 1 on
};

class Coordinator {
 public:
  explicit Coordinator(Collector* collector);
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // Starts the thread. False when there is none to be had.
  bool start();
  // Ends it.
  void stop();

  // A full cycle that begins after the call, swept to its end. From an attached mutator (it blocks,
  // its roots count) or from a thread without one.
  void collect();
  // Asks for a cycle; returns at once. In stepping mode it only marks it as wanted.
  void request_cycle();
  // The same when the pacer still wants one; what a mutator calls that saw should_start().
  void request_due_cycle();
  // Stepping mode: advances by at most one phase change or `objects` scanned; farther only where
  // the mutators are held and the caller is one of them, to where they are let go.
  Progress step(size_t objects);
  // That a cycle was asked for and has not begun.
  const std::atomic<bool>* wanted() const { return &wanted_; }

  // --- for the cycle, by whoever advances it
  // Whether one is wanted; it is not any more.
  bool take_wanted() { return wanted_.exchange(false, std::memory_order_acq_rel); }
  // What the cycle that begins was asked for; it counts as started.
  CycleRequest begin_cycle();
  // A mutator may have asked again between take_wanted() and what disarms the pacer's trigger. What
  // it asked for is this cycle; a forced one stays asked for.
  void forget_due_request();
  // Charges the driver's work since the last charge.
  CpuLap& cpu_lap() { return cpu_lap_; }

 private:
  friend class CollectorFork;
  friend struct Stepping;

  void loop();
  bool wake_driver();
  void drive();
  void drive_here();
  void charge_driver();
  void rest(std::unique_lock<std::mutex>* lock);
  void wait_for_request(std::unique_lock<std::mutex>* lock);
  bool idle_cycle_due();

  Collector* const c_;
  std::mutex driver_mutex_;  // held by whoever advances the cycle
  CpuLap cpu_lap_;           // the driver's
  std::atomic<bool> wanted_{false};
  std::atomic<bool> resting_{false};     // the coordinator, since the limiter said so
  uint64_t idle_activity_ = UINT64_MAX;  // World::all_blocked's; the coordinator's

  std::mutex mutex_;  // of everything below
  std::condition_variable request_changed_;
  std::condition_variable cycle_done_;
  bool wanted_forced_ = false;
  bool idle_wanted_ = false;
  bool stop_ = false;
  OsThread thread_;  // started and asked for under mutex_
};

}  // namespace greyhound::gc
