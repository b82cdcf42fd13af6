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
constexpr const char* kNoHandlers =
    "without fork handlers (_Fork, clone, a raw system call); call fork()";

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
  visit(c.request_mutex_);
  visit(c.worker_mutex_);
  visit(c.tracer.mutex_);
  visit(c.world.mutex_);
  visit(c.specials.mutex_);
  visit(c.persistents.mutex_);
  visit(c.parked_stacks.mutex_);
  visit(c.threads.mutex_);
  visit(c.heap.layouts_.mutex_);
  visit(c.heap.page_lock_);
  visit(c.pool.mutex_);
  visit(c.heap.metadata_pages.mutex_);
  visit(c.pacer.mutex_);
  visit(c.mem_profile.mutex_);
  visit(c.stats_mutex_);
  visit(c.assist_counts_mutex_);
  visit(c.waits.mutex_);
}

bool CollectorFork::begin() {
  process_ = getpid();
  begun_ = add_fork_participant(this, ForkOrder::kOutermost);
  return begun_;
}

void CollectorFork::end() {
  if (begun_) remove_fork_participant(this);
  begun_ = false;
}

void CollectorFork::wait_until_over() const {
  while (wanted_.load(std::memory_order_acquire) != 0) futex_wait(wanted_, 1u);
}

bool CollectorFork::usable() const { return lost_ == nullptr && (!begun_ || process_ == getpid()); }

void CollectorFork::require_usable() const {
  if (usable()) return;
  fatal("this runtime cannot be used in this process, which was forked %s",
        lost_ != nullptr ? lost_ : kNoHandlers);
}

// --- before the fork

void CollectorFork::quiesce(uint64_t deadline_ns) {
  quiet_ = false;
  obstacle_ = lost_;
  if (lost_ != nullptr) return;
  if (process_ != getpid()) {
    obstacle_ = kNoHandlers;
    return;
  }
  {
    const std::lock_guard lock(collector_->request_mutex_);
    if (collector_->coordinator_.is_this_thread()) obstacle_ = kOwnThread;
  }
  if (obstacle_ != nullptr) return;
  obstacle_ = kNoSafepoint;
  wanted_.store(1, std::memory_order_relaxed);
  if (!lock_driver(deadline_ns)) return let_go();
  if (!collector_->world.hold_others(deadline_ns)) {
    collector_->driver_mutex_.unlock();
    return let_go();
  }
  quiet_ = true;
}

// Blocked meanwhile: whoever drives may be waiting for this thread's answer.
bool CollectorFork::lock_driver(uint64_t deadline_ns) {
  const BlockingScope blocking(current_mutator_or_null(), "fork");
  while (!collector_->driver_mutex_.try_lock()) {
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
  collector_->driver_mutex_.unlock();
  let_go();
}

void CollectorFork::in_child() {
  process_ = getpid();
  // What threads that are not here waited for is no longer what they wait for.
  renew(collector_->request_changed_);
  renew(collector_->cycle_done_);
  renew(collector_->worker_wake_);
  renew(collector_->worker_done_);
  renew(collector_->world.released_);
  renew(collector_->pool.changed_);
  renew(collector_->specials.ready_changed_);
  collector_->coordinator_.forget();
  for (const auto& worker : collector_->workers_) worker->thread.forget();
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
  c.driver_mutex_.unlock();
  let_go();
  c.tracer.end_in_child();
  c.threads.forget_others();
  if (!bug(Bug::kForkKeepsOthers)) c.world.forget_others();
  c.specials.forget_others();
  // Asked for by threads that are not here. What this one needs it asks for again.
  c.wanted_.store(false, std::memory_order_relaxed);
  c.wanted_forced_ = false;
  c.idle_wanted_ = false;
  c.resting_.store(false, std::memory_order_relaxed);
  c.held_back_.store(0, std::memory_order_relaxed);
  // Until there is a thread to drive it; whoever steps is here.
  if (c.phase() != Phase::kIdle && c.options_.mode != Mode::kStepping) c.pacer.suspend();
}

// Locks may be held by threads that are not here, and what they protect be half done: whatever
// comes by here gets no further than require_usable().
void CollectorFork::give_up() {
  lost_ = obstacle_;
  renew(collector_->driver_mutex_);
  for_each_lock([](auto& mutex) { renew(mutex); });
  for (Mutator* m = tls_attached; m != nullptr; m = m->previous_on_thread) {
    if (m->collector() != collector_) continue;
    m->set_shading(false);
    m->forget_runs();
    m->request.store(Handshake::kNone, std::memory_order_relaxed);
    if (m->state() != MutatorState::kRunning) m->release_claim();
  }
}

}  // namespace greyhound::gc
