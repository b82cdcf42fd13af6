// SPDX-License-Identifier: MIT
#include "gc/mutator/world.h"

#include <algorithm>

#include "gc/bug.h"
#include "gc/heap/heap.h"
#include "gc/watch/log.h"
#include "gc/watch/watchdog.h"
#include "runtime/base/check.h"
#include "runtime/base/futex.h"
#include "runtime/base/probes.h"

namespace greyhound::gc {
namespace {

// The watchdog: when it first looks at threads that have not answered, how often after that, and
// when it speaks. Of a machine that has no processor to give, only later.
constexpr uint64_t kFirstLookNs = 10'000'000;
constexpr uint64_t kStallNs = 100'000'000;
constexpr uint64_t kStarvedNs = 1'000'000'000;
// A running mutator answers within a microsecond or two; one that does not run is not worth a core.
constexpr uint64_t kSpinNs = 3'000;

// For the wait profile.
const char* handshake_wait(Handshake handshake) {
  switch (handshake) {
    case Handshake::kNone:
      break;
    case Handshake::kBarrierOn:
      return "handshake: barrier-on (H1)";
    case Handshake::kAllocBlack:
      return "handshake: allocate-black (H2)";
    case Handshake::kScanRoots:
      return "handshake: scan-roots (H3)";
    case Handshake::kBarrierOff:
      return "handshake: barrier-off (H4)";
    case Handshake::kAllocWhite:
      return "handshake: allocate-white (H5)";
    case Handshake::kPark:
      return "handshake: park";
  }
  return "handshake";
}

}  // namespace

void World::add(Mutator* mutator) {
  ProfiledLock lock(mutex_, "lock: mutators");
  const auto open = [this] { return !parked_ && current_ != Handshake::kPark && !held_for_fork_; };
  while (!open()) {
    lock.unlock();
    {
      // The thread may be running in another runtime, whose collector must not wait for this one.
      const BlockingScope blocking(current_mutator_or_null(), "attaching to a held runtime");
      lock.lock();
      released_.wait(lock, open);
      lock.unlock();  // before the region is left: that may wait for the other collector
    }
    lock.lock();
  }
  mutator->set_shading(barrier_on_ && !bug(Bug::kAttachUnaware));
  mutator->allocation().begin(alloc_black_, heap_->sweepgen.load(std::memory_order_relaxed));
  mutator->request.store(Handshake::kNone, std::memory_order_relaxed);
  mutator->list_index = static_cast<uint32_t>(mutators_.size());
  mutators_.push_back(mutator);
}

void World::remove(Mutator* mutator) {
  std::unique_lock lock(mutex_, std::defer_lock);
  while (true) {
    lock.lock();
    if (mutator->state() == MutatorState::kRunning) break;
    if (!parked_ && mutator->try_claim()) break;
    lock.unlock();
    // Not bound, and held or being answered for. As in add(), another mutator of this thread's.
    const BlockingScope blocking(current_mutator_or_null(), "detaching from a held runtime");
    futex_wait(mutator->state_, MutatorState::kClaimed, 100'000);
  }
  const Handshake pending = mutator->request.load(std::memory_order_acquire);
  if (pending != Handshake::kNone) mutator->acknowledge(pending);
  leave_locked(mutator);
  ++leaving_;
}

void World::removed() {
  const std::lock_guard lock(mutex_);
  --leaving_;
}

// Gives everything back and takes it off the list.
void World::leave_locked(Mutator* mutator) {
  shade_roots_locked(mutator);
  if (!bug(Bug::kDetachDropsShades)) mutator->shades().donate();
  // From H1 on anybody may have seen a tail slot's allocation bit and be about to mark it: a
  // barrier by an interior pointer, a marker by an ambiguous word. Tails stay allocated then, and
  // with the color they have, until the sweep (tests/model/sweep.pml).
  const bool marks_are_set = barrier_on_ && !bug(Bug::kDetachClearsWhiteTails);
  const bool white = !marks_are_set && !mutator->allocation().black();
  mutator->allocation().drop(white ? Tail::kFreed : Tail::kKept);
  mutator->flush_counts();
  mutator->stacks().release_all();
  left_ += mutator->runs() + 1;
  Mutator* last = mutators_.back();
  mutators_[mutator->list_index] = last;
  last->list_index = mutator->list_index;
  mutators_.pop_back();
}

void World::shade_roots_of(Mutator* mutator) {
  ProfiledLock lock(mutex_, "lock: mutators");
  shade_roots_locked(mutator);
}

// Root words that were collected but not resolved yet, and what the thread holds now, would go with
// the thread: whoever it handed a reference to may have answered before.
void World::shade_roots_locked(Mutator* mutator) {
  if (mutator->shading() && !bug(Bug::kDetachForgetsRoots)) mutator->shade_roots();
}

HandshakeRequest World::begin(Handshake handshake) {
  ProfiledLock lock(mutex_, "lock: mutators");
  current_ = handshake;
  switch (handshake) {
    case Handshake::kBarrierOn:
      barrier_on_ = true;
      break;
    case Handshake::kAllocBlack:
      alloc_black_ = true;
      break;
    case Handshake::kBarrierOff:
      barrier_on_ = false;
      break;
    case Handshake::kAllocWhite:
      alloc_black_ = false;
      // From here on a mutator that attaches or acknowledges may sweep yesterday's spans.
      heap_->sweepgen.fetch_add(1, std::memory_order_release);
      break;
    default:
      break;
  }
  pending_.store(static_cast<uint32_t>(mutators_.size()), std::memory_order_seq_cst);
  const uint64_t now = monotonic_ns();
  for (Mutator* mutator : mutators_) mutator->raise(handshake, now);
  GREYHOUND_PROBE2(handshake__post, static_cast<uint32_t>(handshake), mutators_.size());
  const HandshakeRequest request{now, static_cast<uint32_t>(mutators_.size())};
  answer_blocked_locked();
  return request;
}

void World::answer_blocked() {
  ProfiledLock lock(mutex_, "lock: mutators");
  answer_blocked_locked();
}

// Rule 8: the collector claims a blocked thread by CAS and does all of its acknowledgement.
void World::answer_blocked_locked() {
  for (Mutator* mutator : mutators_) {
    if (mutator->request.load(std::memory_order_seq_cst) == Handshake::kNone) continue;
    if (parked_) {
      mutator->acknowledge(current_);
      continue;
    }
    if (!mutator->try_claim()) continue;
    // It may have answered itself between the look and the claim.
    const bool pending = mutator->request.load(std::memory_order_acquire) == current_;
    if (pending) mutator->acknowledge(current_);
    if (current_ != Handshake::kPark || !pending) mutator->release_claim();
  }
}

bool World::all_blocked(uint64_t* activity) {
  ProfiledLock lock(mutex_, "lock: mutators");
  uint64_t runs = left_;
  for (const Mutator* mutator : mutators_) {
    // Before the state is looked at: one that runs and blocks again in between has counted.
    runs += mutator->runs();
    if (mutator->state() == MutatorState::kRunning) return false;
  }
  *activity = runs;
  return true;
}

void World::wait_done() {
  if (done()) return;
  const TimedWait wait(handshake_wait(current_));
  const uint64_t start = monotonic_ns();
  uint64_t look_at = kFirstLookNs;
  while (true) {
    const uint32_t missing = pending_.load(std::memory_order_acquire);
    if (missing == 0) return;
    const uint64_t waited = monotonic_ns() - start;
    if (waited < kSpinNs) {
      for (int i = 0; i < 32; ++i) cpu_pause();
      continue;
    }
    if (waited >= look_at) {
      watch(waited);
      look_at = waited < kStallNs ? kStallNs : waited + kStallNs;
    }
    futex_wait(pending_, missing, std::max<uint64_t>(look_at - std::min(look_at, waited), 1));
  }
}

void World::watch(uint64_t waited_ns) {
  bool blamed = false;
  for_each([&](Mutator* mutator) {
    if (mutator->request.load(std::memory_order_relaxed) == Handshake::kNone) return;
    Mutator::Watched& watched = mutator->watched;
    if (watched.raised_at_ns != mutator->raised_at_ns()) {
      watched = {mutator->raised_at_ns(), kStallNs, look_at_thread(mutator->tid())};
    } else if (waited_ns >= watched.report_at_ns && report(mutator, waited_ns)) {
      blamed = true;
    }
  });
  // Once it is said.
  if (blamed) stalled_.fetch_add(1, std::memory_order_relaxed);
}

// Returns whether the program is to blame.
bool World::report(Mutator* mutator, uint64_t waited_ns) {
  const ThreadSight& first = mutator->watched.first;
  const ThreadSight now = look_at_thread(mutator->tid());
  const Stall stall = judge_stall(first, now, mutator->inside());
  if (stall == Stall::kStarved && waited_ns < kStarvedNs) return false;
  mutator->watched.report_at_ns = waited_ns * 10;
  const char* name = mutator->name().c_str();
  const char* handshake = handshake_name(current_);
  const auto waited = static_cast<unsigned long long>(waited_ns / 1'000'000);
  // The clock of a thread that has ended reads 0.
  const uint64_t ran_ns = now.cpu_ns > first.cpu_ns ? now.cpu_ns - first.cpu_ns : 0;
  const auto ran = static_cast<unsigned long long>(ran_ns / 1'000'000);
  switch (stall) {
    case Stall::kAnswering:
      log_message(*options_,
                  "mutator '%s' has been answering the %s handshake for %llu ms: it copies %zu MiB "
                  "of stack for the collector; it misses no safepoint",
                  name, handshake, waited, mutator->stack_bytes_copied() >> 20);
      return false;
    case Stall::kStarved:
      log_message(*options_,
                  "mutator '%s' has not answered the %s handshake for %llu ms, of which it got a "
                  "processor for %llu: the machine has more to do than it can, or lacks memory",
                  name, handshake, waited, ran);
      return false;
    case Stall::kRunning:
      log_message(*options_,
                  "mutator '%s' has not answered the %s handshake for %llu ms and ran for %llu of "
                  "them (last safepoint: %s); call safepoint() in its loop",
                  name, handshake, waited, ran, mutator->last_safepoint());
      return true;
    case Stall::kWaiting:
      log_message(*options_,
                  "mutator '%s' has not answered the %s handshake for %llu ms and waits for "
                  "something else (last safepoint: %s); wrap the wait in a blocking region",
                  name, handshake, waited, mutator->last_safepoint());
      return true;
  }
  return false;
}

void World::acknowledged(uint64_t raised_ns, uint64_t held_ns) {
  time_to_safepoint_.add(monotonic_ns() - raised_ns);
  if (held_ns != 0) record_hold(held_ns);
  // seq_cst: the acknowledgement is a full barrier (rule 4); the collector's acquire load of zero
  // is the partner.
  if (pending_.fetch_sub(1, std::memory_order_seq_cst) == 1) futex_wake_all(pending_);
}

void World::record_hold(uint64_t held_ns) {
  holds_.add(held_ns);
  store_max(&longest_hold_, held_ns);
}

void World::park_all() {
  begin(Handshake::kPark);
  wait_done();
  ProfiledLock lock(mutex_, "lock: mutators");
  parked_ = true;
  current_ = Handshake::kNone;
}

void World::release_all() {
  {
    ProfiledLock lock(mutex_, "lock: mutators");
    parked_ = false;
    for (Mutator* mutator : mutators_) mutator->release_claim();
  }
  released_.notify_all();
}

}  // namespace greyhound::gc
