// SPDX-License-Identifier: MIT
// The mutators while a thread forks (gc/cycle/collector_fork.h).
#include <pthread.h>
#include <unistd.h>

#include <utility>
#include <vector>

#include "gc/mutator/collector_state.h"
#include "gc/mutator/world.h"
#include "runtime/base/check.h"
#include "runtime/base/system.h"

namespace greyhound::gc {
// Whether another thread than the calling one may be running it, or be about to.
bool Mutator::owned_elsewhere() const {
  const pthread_t owner = binding_.owner.load(std::memory_order_relaxed);
  if (owner == 0) return !gc_->allows_nested_mutators();
  return pthread_equal(owner, pthread_self()) == 0;
}

// Its thread is not in this process: nothing on its stack is a root.
void Mutator::lose_thread() {
  binding_.thread.reset();
  roots_.forget();
  binding_.detached = true;
  request.store(Handshake::kPark, std::memory_order_relaxed);  // whoever still uses it is told
}

bool World::hold_others(uint64_t deadline_ns) {
  while (true) {
    {
      ProfiledLock lock(mutex_, "lock: mutators");
      held_for_fork_ = true;
      if (hold_others_locked()) return true;
    }
    if (monotonic_ns() > deadline_ns) {
      release_others();
      return false;
    }
    short_nap();
  }
}

// Asks who has not been asked, and answers for the blocked. Returns whether all are held.
bool World::hold_others_locked() {
  if (parked_) return true;  // by a cycle that is stepped
  bool all = leaving_ == 0;
  for (Mutator* mutator : mutators_) {
    if (!mutator->owned_elsewhere()) continue;
    const bool asked = mutator->request.load(std::memory_order_seq_cst) != Handshake::kNone;
    if (!mutator->held_for_fork_ && !asked) {
      mutator->held_for_fork_ = true;
      pending_.fetch_add(1, std::memory_order_seq_cst);
      mutator->raise(Handshake::kPark, monotonic_ns());
    }
    // In stepping mode a handshake of the cycle's may be in its way.
    const Handshake pending = mutator->request.load(std::memory_order_acquire);
    if (pending != Handshake::kNone && mutator->try_claim()) {
      const bool answered = mutator->request.load(std::memory_order_acquire) == pending &&
                            mutator->acknowledge(pending);
      if (!answered || pending != Handshake::kPark) mutator->release_claim();
    }
    all &= mutator->held_for_fork_ &&
           mutator->request.load(std::memory_order_acquire) == Handshake::kNone;
  }
  return all;
}

void World::release_others() {
  {
    ProfiledLock lock(mutex_, "lock: mutators");
    held_for_fork_ = false;
    for (Mutator* mutator : mutators_) {
      if (!mutator->held_for_fork_) continue;
      mutator->held_for_fork_ = false;
      // Taken back, or given: acknowledge() says which to the thread.
      Handshake asked = Handshake::kPark;
      if (mutator->request.compare_exchange_strong(asked, Handshake::kNone,
                                                   std::memory_order_seq_cst)) {
        pending_.fetch_sub(1, std::memory_order_seq_cst);
      } else {
        mutator->release_claim();
      }
    }
  }
  released_.notify_all();
}

void World::forget_others() {
  std::vector<Mutator*> gone;
  {
    ProfiledLock lock(mutex_, "lock: mutators");
    for (Mutator* mutator : mutators_) {
      const bool owned = mutator->binding_.owner.load(std::memory_order_relaxed) != 0;
      if (owned && mutator->owned_elsewhere()) gone.push_back(mutator);
      if (owned && !mutator->owned_elsewhere())
        mutator->sight_.tid.store(gettid(), std::memory_order_relaxed);
    }
    for (Mutator* mutator : gone) leave_locked(mutator);
  }
  for (Mutator* mutator : gone) {
    if (mutator->clearing != nullptr) {
      SpanList cleared;
      cleared.push(std::exchange(mutator->clearing, nullptr));
      heap_->free_spans(&cleared);
    }
    mutator->collector()->tracer.detach(mutator->traced());
    mutator->lose_thread();
  }
  release_others();
}

}  // namespace greyhound::gc
