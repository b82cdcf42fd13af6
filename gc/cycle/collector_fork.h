// SPDX-License-Identifier: MIT
// A collector's part in a fork (gc/cycle/fork.h). It is quiet for one when
//
//  1. nobody advances its cycle: the coordinator's driver_mutex_ is ours, with no handshake under
//  way and the world
//     not held for the cycle. A cycle may be in progress; a drain stops for this between two
//     slices, and the child's collector goes on from there;
//  2. every mutator that is not the forking thread's is held, so at a safepoint or blocked: its
//     runs, its shades and its roots are whole;
//  3. all of the collector's locks are ours, for threads that are not attached, or blocked.
//
// The forking thread itself runs on: other fork handlers may allocate. Ours are registered when the
// library is loaded, so that those registered after that run outside of (3).
//
// In the child the mutators of threads that do not exist there are detached: what they shaded and,
// while marking, what their stacks hold is given to the marker, so that what they had handed to the
// forking thread stays alive; then their roots are none. Whoever still owns such a Mutator may
// destroy it. Threads are started again when they are first needed, so that a child that calls exec
// or _exit costs none.
//
// Where a quiet point cannot be had in time (a thread waits for the forking one without saying so)
// the fork goes on, and the child may not use this collector: every use is a fatal sentence
// (gc/mutator/process_guard.h). So it is after a fork that runs no handlers.
//
// Thread rules: as gc/cycle/fork.h says.
#pragma once

#include <atomic>
#include <cstdint>

#include "gc/cycle/fork.h"

namespace greyhound::gc {

class Collector;

class CollectorFork final : public ForkParticipant {
 public:
  explicit CollectorFork(Collector* collector) : collector_(collector) {}

  // From begin() to end() forks are taken care of. False when there is no memory for that.
  [[nodiscard]] bool begin();
  void end();

  // A thread that forks waits for whoever drives the cycle, who lets go of driver_mutex_ and calls
  // wait_until_over().
  bool wanted() const { return wanted_.load(std::memory_order_relaxed) != 0; }
  void wait_until_over() const;

  void quiesce(uint64_t deadline_ns) override;
  void lock() override;
  void in_parent() override;
  void in_child() override;

 private:
  bool lock_driver(uint64_t deadline_ns);
  void let_go();
  void go_on();
  void give_up();
  template <class Visit>
  void for_each_lock(Visit visit);

  Collector* const collector_;
  std::atomic<uint32_t> wanted_{0};  // a futex
  // Of the fork under way; the forking thread's.
  bool quiet_ = false;
  const char* obstacle_ = nullptr;  // why it is not
};

}  // namespace greyhound::gc
