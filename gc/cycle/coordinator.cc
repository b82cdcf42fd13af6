// SPDX-License-Identifier: MIT
#include "gc/cycle/coordinator.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "gc/cycle/collector.h"
#include "runtime/base/check.h"

namespace greyhound::gc {

Coordinator::Coordinator(Collector* collector) : c_(collector), cpu_lap_(&collector->cpu) {}

bool Coordinator::start() { return thread_.start<&Coordinator::loop>("gh-gc", this) == 0; }

void Coordinator::stop() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  request_changed_.notify_all();
  thread_.join();
}

CycleRequest Coordinator::begin_cycle() {
  std::lock_guard lock(mutex_);
  CycleRequest request;
  request.forced = std::exchange(wanted_forced_, false);
  request.idle = std::exchange(idle_wanted_, false) && !request.forced;
  // Together: a collect() in between would wait for this cycle and have another one made as well.
  request.number = c_->count_started();
  return request;
}

void Coordinator::forget_due_request() {
  std::lock_guard lock(mutex_);
  if (!wanted_forced_) wanted_.store(false, std::memory_order_relaxed);
}

// Sees to it that somebody advances the cycle. False: the caller has to (drive_here).
// REQUIRES: mutex_ held.
bool Coordinator::wake_driver() {
  if (c_->options().mode == Mode::kStepping) return true;  // whoever steps
  if (!thread_.running()) {
    // In a forked child, the first time it is needed. What the fork suspended goes on.
    c_->pacer.resume();
    if (thread_.start<&Coordinator::loop>("gh-gc", this) != 0) return false;
  }
  request_changed_.notify_one();
  return true;
}

void Coordinator::request_cycle() {
  c_->process.require_usable();
  bool driven = false;
  {
    std::lock_guard lock(mutex_);
    wanted_.store(true, std::memory_order_release);
    wanted_forced_ = true;
    driven = wake_driver();
  }
  if (!driven) drive_here();
}

void Coordinator::request_due_cycle() {
  c_->process.require_usable();
  if (wanted_.load(std::memory_order_relaxed)) {
    // The coordinator may be resting, and this may be more than it should sleep through.
    if (!resting_.load(std::memory_order_relaxed) || !c_->pacer.overshot(true)) return;
    std::lock_guard lock(mutex_);
    request_changed_.notify_one();
    return;
  }
  bool driven = false;
  {
    std::lock_guard lock(mutex_);
    // One that a fork suspended is only to be driven on.
    const bool suspended = c_->phase() != Phase::kIdle && !thread_.running();
    if (!suspended || c_->options().mode == Mode::kStepping) {
      // Looked at again under the lock: while the caller waited for it the cycle may have begun,
      // and another one straight after it would find next to no garbage.
      if (wanted_.load(std::memory_order_relaxed) || !c_->pacer.should_start()) return;
      wanted_.store(true, std::memory_order_release);
    }
    driven = wake_driver();
  }
  if (!driven) drive_here();
}

void Coordinator::collect() {
  c_->process.require_usable();
  // Whichever runtime the thread's current mutator belongs to: it waits here, so it blocks.
  BlockingScope blocking(current_mutator_or_null(), "collect");
  if (c_->options().mode == Mode::kStepping) {
    // Finishes the cycle that runs, if one does, then runs a whole one.
    drive();
    request_cycle();
    drive();
    return;
  }
  std::unique_lock lock(mutex_);
  // A cycle that has begun may have scanned what is garbage by now: only the next one counts.
  const uint64_t target = c_->started_cycles() + 1;
  wanted_.store(true, std::memory_order_release);
  wanted_forced_ = true;
  if (!wake_driver()) {
    lock.unlock();
    while (c_->completed_cycles() < target) drive();
    return;
  }
  const TimedWait wait("collect");
  cycle_done_.wait(lock, [&] { return c_->completed_cycles() >= target; });
}

// Advances the cycle that runs or is wanted to its end. Lets go of driver_mutex_ in between, when a
// thread wants to fork: where no handshake is under way and the mutators are not held, anybody may
// go on with the cycle later, in a child too.
void Coordinator::drive() {
  while (true) {
    {
      std::lock_guard driving(driver_mutex_);
      // What this thread did before is not the collector's.
      cpu_lap_.start();
      do {
        if (c_->cycle.advance(SIZE_MAX) == Progress::kWaiting) c_->world.wait_done();
        if (c_->phase() == Phase::kIdle) return;
      } while (!c_->fork.wanted() || c_->world.parked() || !c_->world.done());
      charge_driver();
    }
    c_->fork.wait_until_over();
  }
}

void Coordinator::charge_driver() {
  cpu_lap_.charge(c_->phase() == Phase::kIdle || c_->phase() == Phase::kSweep ? CpuWork::kSweep
                                                                              : CpuWork::kMark);
}

// By a thread that wants a cycle, where there is no coordinator to be had.
GREYHOUND_NOINLINE void Coordinator::drive_here() {
  BlockingScope blocking(current_mutator_or_null(), "collecting without a thread for it");
  drive();
}

Progress Coordinator::step(size_t objects) {
  GREYHOUND_CHECK(c_->options().mode == Mode::kStepping);
  Mutator* const caller = current_mutator_or_null();
  BlockingScope blocking(caller, "step");
  std::lock_guard lock(driver_mutex_);
  // What the caller does between two steps is its own.
  cpu_lap_.start();
  c_->world.answer_blocked();
  const Progress progress = c_->cycle.advance(objects);
  // Where rounds do not end the mutators are held, the caller's, too: it could not come back for
  // the next step.
  while (caller != nullptr && c_->world.parked()) {
    if (c_->cycle.advance(SIZE_MAX) == Progress::kWaiting) c_->world.wait_done();
  }
  charge_driver();
  return progress;
}

// Lets the mutators have their half before the cycle that is wanted, unless somebody waits for it
// or they make too much of it.
void Coordinator::rest(std::unique_lock<std::mutex>* lock) {
  const auto wanted_now = [this] { return stop_ || wanted_forced_ || c_->pacer.overshot(true); };
  resting_.store(true, std::memory_order_relaxed);
  for (uint64_t now = monotonic_ns(); now < c_->limiter.rest_until_ns() && !wanted_now();
       now = monotonic_ns()) {
    request_changed_.wait_for(*lock, std::chrono::nanoseconds(c_->limiter.rest_until_ns() - now),
                              wanted_now);
  }
  resting_.store(false, std::memory_order_relaxed);
}

// Until a cycle is wanted, or nobody wanted one for so long that there is one all the same, or one
// runs already: in a child, whose parent forked in the middle of it.
void Coordinator::wait_for_request(std::unique_lock<std::mutex>* lock) {
  const auto asked = [this] {
    return stop_ || wanted_.load(std::memory_order_acquire) || c_->phase() != Phase::kIdle;
  };
  // More overflows in nanoseconds, and would not be a wait.
  constexpr uint64_t kYearMs = uint64_t{365} * 24 * 3600 * 1000;
  const std::chrono::milliseconds period(std::min(c_->options().idle_cycle_ms, kYearMs));
  if (period.count() == 0) return request_changed_.wait(*lock, asked);
  while (!request_changed_.wait_for(*lock, period, asked)) {
    if (!idle_cycle_due()) continue;
    idle_wanted_ = true;
    wanted_.store(true, std::memory_order_relaxed);
  }
}

// A thread that runs without allocating may be one that does not come by a safepoint for long, and
// nobody asked for what it would hold up. Where none ran since the last idle cycle, another would
// find nothing. With collection off there is none, as in Go.
bool Coordinator::idle_cycle_due() {
  uint64_t activity = 0;
  if (c_->pacer.gc_percent() < 0 || !c_->world.all_blocked(&activity)) return false;
  return std::exchange(idle_activity_, activity) != activity;
}

void Coordinator::loop() {
  const ListedThread listed(&c_->threads, ThreadKind::kCoordinator, "coordinator", c_);
  set_thread_waits(&c_->waits);
  set_fatal_context(PhaseLog::describe, &c_->phases);
  std::unique_lock lock(mutex_);
  while (true) {
    wait_for_request(&lock);
    if (c_->phase() == Phase::kIdle) rest(&lock);
    if (stop_) return;
    lock.unlock();
    drive();
    lock.lock();
    cycle_done_.notify_all();
  }
}

}  // namespace greyhound::gc
