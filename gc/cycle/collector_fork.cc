// SPDX-License-Identifier: MIT
#include "gc/cycle/collector_fork.h"

#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <new>
#include <vector>

#include "gc/bug.h"
#include "gc/cycle/collector.h"
#include "runtime/base/check.h"
#include "runtime/base/futex.h"
#include "runtime/base/system.h"

namespace greyhound::gc {
namespace {

constexpr const char* kNoSafepoint =
    "while another attached thread did not come to a safepoint; wrap waits in a blocking region";
constexpr const char* kOwnThread = "by the collector's own thread";
template <class Object>
void renew(Object& object) {
  // Not destroyed: that would wait for threads that do not exist.
  new (&object) Object();
}

}  // namespace

// In the order in which they nest. Those of the central lists are not among them: only running
// mutators and whoever drives the cycle take them.
template <class Visit>
void CollectorFork::for_each_lock(Visit visit) {
  Collector& c = *collector_;
  visit(c.coordinator.mutex_);
  visit(c.team.mutex_);
  visit(c.tracer.mutex_);
  visit(c.world.mutex_);
  visit(c.references.mutex_);
  visit(c.persistents.mutex_);
  visit(c.parked_stacks.mutex_);
  visit(c.threads.mutex_);
  visit(c.heap.layouts_.mutex_);
  visit(c.heap.page_lock_);
  visit(c.pool.mutex_);
  visit(c.heap.metadata_pages.mutex_);
  visit(c.pacer.mutex_);
  visit(c.mem_profile.mutex_);
  visit(c.statistics.mutex_);
  visit(c.assist.counts_mutex_);
  visit(c.waits.mutex_);
}

bool CollectorFork::begin() {
  collector_->process.process_ = getpid();
  collector_->process.begun_ = add_fork_participant(this, ForkOrder::kOutermost);
  return collector_->process.begun_;
}

void CollectorFork::end() {
  bool& begun = collector_->process.begun_;
  if (begun) remove_fork_participant(this);
  begun = false;
}

void CollectorFork::wait_until_over() const {
  while (wanted_.load(std::memory_order_acquire) != 0) futex_wait(wanted_, 1u);
}

// --- before the fork

void CollectorFork::quiesce(uint64_t deadline_ns) {
  quiet_ = false;
  obstacle_ = collector_->process.lost_;
  if (obstacle_ != nullptr) return;
  if (collector_->process.process_ != getpid()) {
    obstacle_ = ProcessGuard::kNoHandlers;
    return;
  }
  {
    const std::lock_guard lock(collector_->coordinator.mutex_);
    if (collector_->coordinator.thread_.is_this_thread()) obstacle_ = kOwnThread;
  }
  if (obstacle_ != nullptr) return;
  obstacle_ = kNoSafepoint;
  wanted_.store(1, std::memory_order_relaxed);
  if (!lock_driver(deadline_ns)) return let_go();
  if (!collector_->world.hold_others(deadline_ns)) {
    collector_->coordinator.driver_mutex_.unlock();
    return let_go();
  }
  quiet_ = true;
}

// Blocked meanwhile: whoever drives may be waiting for this thread's answer.
bool CollectorFork::lock_driver(uint64_t deadline_ns) {
  const BlockingScope blocking(current_mutator_or_null(), "fork");
  while (!collector_->coordinator.driver_mutex_.try_lock()) {
    if (monotonic_ns() > deadline_ns) return false;
    short_nap();
  }
  return true;
}

// Whoever drives the cycle may go on.
void CollectorFork::let_go() {
  // release: partner of wait_until_over's acquire.
  wanted_.store(0, std::memory_order_release);
  futex_wake_all(wanted_);
}

void CollectorFork::lock() {
  if (quiet_) for_each_lock([](auto& mutex) { mutex.lock(); });
}

// --- after it

void CollectorFork::in_parent() {
  if (!quiet_) return;
  for_each_lock([](auto& mutex) { mutex.unlock(); });
  collector_->world.release_others();
  collector_->coordinator.driver_mutex_.unlock();
  let_go();
}

void CollectorFork::in_child() {
  collector_->process.process_ = getpid();
  // What threads that are not here waited for is no longer what they wait for.
  renew(collector_->coordinator.request_changed_);
  renew(collector_->coordinator.cycle_done_);
  renew(collector_->team.wake_);
  renew(collector_->team.done_);
  renew(collector_->world.released_);
  renew(collector_->pool.changed_);
  renew(collector_->references.ready_changed_);
  collector_->coordinator.thread_.forget();
  for (const auto& worker : collector_->team.workers_) worker->thread.forget();
  collector_->heap.forget_keeper();
  if (quiet_) {
    go_on();
  } else {
    give_up();
  }
}

// The calling thread is the only one.
void CollectorFork::go_on() {
  Collector& c = *collector_;
  for_each_lock([](auto& mutex) { mutex.unlock(); });
  c.coordinator.driver_mutex_.unlock();
  let_go();
  c.tracer.end_in_child();
  c.threads.forget_others();
  if (!bug(Bug::kForkKeepsOthers)) c.world.forget_others();
  c.references.forget_others();
  // Asked for by threads that are not here. What this one needs it asks for again.
  c.coordinator.wanted_.store(false, std::memory_order_relaxed);
  c.coordinator.wanted_forced_ = false;
  c.coordinator.idle_wanted_ = false;
  c.coordinator.resting_.store(false, std::memory_order_relaxed);
  c.assist.forget_waiters();
  // Until there is a thread to drive it; whoever steps is here.
  if (c.phase() != Phase::kIdle && c.options().mode != Mode::kStepping) c.pacer.suspend();
}

// Locks may be held by threads that are not here, and what they protect be half done: whatever
// comes by here gets no further than require_usable().
void CollectorFork::give_up() {
  collector_->process.lost_ = obstacle_;
  renew(collector_->coordinator.driver_mutex_);
  for_each_lock([](auto& mutex) { renew(mutex); });
  for (Mutator* m = tls_attached; m != nullptr; m = m->previous_on_thread) {
    if (m->collector() != collector_) continue;
    m->set_shading(false);
    m->allocation().forget();
    m->request.store(Handshake::kNone, std::memory_order_relaxed);
    if (m->state() != MutatorState::kRunning) m->release_claim();
  }
}

}  // namespace greyhound::gc
