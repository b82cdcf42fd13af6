// SPDX-License-Identifier: MIT
// The mutators of one runtime and the handshakes with them. A handshake asks every mutator to do
// one thing at its next safepoint; those that are blocked are answered for at once. It is over when
// the count of the missing ones is zero. Nobody is stopped meanwhile, except by kPark.
//
// Attach and detach take the list lock only, not the whole handshake: one that attaches adopts what
// the handshake in progress asks for (it has no roots, no runs and no shades, so it has nothing to
// do), one that detaches answers first and then gives everything back.
//
// Thread rules: begin/wait/park are the collector's (one thread at a time); add and remove are the
// mutators'; the rest says so.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "gc/memory/own_containers.h"
#include "gc/mutator/mutator.h"
#include "gc/options.h"
#include "gc/watch/counters.h"
#include "gc/watch/wait_profile.h"

namespace greyhound::gc {

class mheap;

// When a handshake was raised, and how many mutators have to answer.
struct HandshakeRequest {
  uint64_t at_ns = 0;
  uint32_t mutators = 0;
};

class World {
 public:
  // `options` is read when there is something to say.
  World(mheap* heap, const Options* options) : heap_(heap), options_(options) {}

  void add(Mutator* mutator);
  // Acknowledges what is pending for `mutator`, lets it give everything back and takes it off the
  // list. REQUIRES: the caller's thread runs it, or it is unbound.
  void remove(Mutator* mutator);
  // After remove(), when the mutator's thread does nothing with the collector any more.
  void removed();
  // Shades what the thread of `mutator` holds, where it is about to be the mutator's no more.
  // REQUIRES: the caller's thread runs it.
  void shade_roots_of(Mutator* mutator);

  // Raises `handshake` for every mutator and answers for the blocked ones.
  HandshakeRequest begin(Handshake handshake);
  bool done() const { return pending_.load(std::memory_order_acquire) == 0; }
  // Waits until done(); reports a mutator that has not answered for 100 ms, and why (watchdog.h).
  void wait_done();
  // Answers for mutators that are blocked now (a test had held one back, say).
  void answer_blocked();

  // Holds every mutator until release_all(). Handshakes in between are answered for all of them.
  void park_all();
  void release_all();
  bool parked() const { return parked_; }

  // For a fork, by the thread that forks: holds every mutator that is not its own, until
  // release_others(). False, and none is held, when one has not come to a safepoint by then.
  // REQUIRES: nobody advances the cycle, and the world is not parked.
  bool hold_others(uint64_t deadline_ns);
  void release_others();
  // In the child, instead: those of threads that are not there are detached.
  void forget_others();

  // By a mutator, at the end of each acknowledgement; `held_ns` of its own time, since `raised_ns`.
  void acknowledged(uint64_t raised_ns, uint64_t held_ns);
  void record_hold(uint64_t held_ns);

  // Whether every mutator is blocked. Then *activity is a number that is another one whenever one
  // of them has run in between.
  bool all_blocked(uint64_t* activity);

  // Calls visit(Mutator*) for every mutator, under the list lock.
  template <class Visit>
  void for_each(Visit visit) {
    ProfiledLock lock(mutex_, "lock: mutators");
    for (Mutator* mutator : mutators_) visit(mutator);
  }
  size_t count() {
    ProfiledLock lock(mutex_, "lock: mutators");
    return mutators_.size() + leaving_;
  }

  // The longest hold since the last call, for the trace.
  uint64_t take_longest_hold() { return longest_hold_.exchange(0, std::memory_order_relaxed); }
  LatencyHistogram holds() const { return holds_.snapshot(); }
  LatencyHistogram time_to_safepoint() const { return time_to_safepoint_.snapshot(); }
  uint64_t stalled() const { return stalled_.load(std::memory_order_relaxed); }

 private:
  friend class CollectorFork;
  void answer_blocked_locked();
  bool hold_others_locked();
  void leave_locked(Mutator* mutator);
  void shade_roots_locked(Mutator* mutator);
  // Looks at the mutators that have not answered after `waited_ns`; says what there is to say.
  void watch(uint64_t waited_ns);
  bool report(Mutator* mutator, uint64_t waited_ns);

  mheap* const heap_;
  const Options* const options_;
  std::mutex mutex_;
  std::condition_variable released_;
  OwnVector<Mutator*> mutators_;  // protected by mutex_, like the next ones
  size_t leaving_ = 0;            // off the list, and not yet done with the collector
  uint64_t left_ = 0;             // all_blocked's, of those that are gone
  // What an attaching mutator adopts.
  bool barrier_on_ = false;
  bool alloc_black_ = false;
  bool parked_ = false;  // written under mutex_ by the collector's thread
  bool held_for_fork_ = false;
  Handshake current_ = Handshake::kNone;
  std::atomic<uint32_t> pending_{0};
  std::atomic<uint64_t> longest_hold_{0};
  std::atomic<uint64_t> stalled_{0};
  SharedHistogram holds_;
  SharedHistogram time_to_safepoint_;
};

}  // namespace greyhound::gc
