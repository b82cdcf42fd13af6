// SPDX-License-Identifier: MIT
// fork(): a child has a copy of the memory and of one thread, the one that forked. So before it,
// everything of ours is brought to a point where no other thread is in the middle of something; the
// parent then goes on, and the child lets go of the threads it does not have.
//
//   before   quiesce() of every participant: no thread of the program is inside the collector, the
//            collector's own hold nothing; then lock(): nobody is in a critical section
//   parent   in_parent(), the last participant first
//   child    in_child(), likewise
//
// That takes a list of what there is in the process, since fork tells nobody in particular: the one
// piece of process-wide state that changes. It is constant-initialised, under one lock, which is
// held from before the fork until after it; so a participant that comes or goes meanwhile waits.
// pthread_atfork is called once, when the first one comes. With the list empty a fork costs the
// lock.
//
// Thread rules: add and remove from any thread; the rest is called by the thread that forks.
#pragma once

#include <cstdint>

namespace greyhound::gc {

class ForkParticipant {
 public:
  virtual ~ForkParticipant() = default;
  ForkParticipant(const ForkParticipant&) = delete;
  ForkParticipant& operator=(const ForkParticipant&) = delete;

  // Waits until `deadline_ns` (monotonic_ns) at most. What cannot be had until then, this child
  // will not have.
  virtual void quiesce(uint64_t deadline_ns) = 0;
  virtual void lock() = 0;
  virtual void in_parent() = 0;
  virtual void in_child() = 0;

 protected:
  ForkParticipant() = default;

 private:
  friend class ForkList;
  ForkParticipant* next_ = nullptr;
  ForkParticipant* previous_ = nullptr;
};

// Whose locks are taken after those of all others: who holds them takes no other.
enum class ForkOrder : uint8_t { kOutermost, kInnermost };

// False when there is no memory for the process's fork handlers.
[[nodiscard]] bool add_fork_participant(ForkParticipant* participant, ForkOrder order);
void remove_fork_participant(ForkParticipant* participant);

}  // namespace greyhound::gc
