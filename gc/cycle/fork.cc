// SPDX-License-Identifier: MIT
#include "gc/cycle/fork.h"

#include <pthread.h>

#include <mutex>

#include "gc/mutator/mutator.h"
#include "gc/watch/stats.h"

namespace greyhound::gc {
namespace {

// A thread that has not come to a safepoint by then waits for the one that forks, as a rule: with
// a lock of the program's, outside a blocking region. Long enough for a machine that is starved.
constexpr uint64_t kPatienceNs = 5'000'000'000;

}  // namespace

class ForkList {
 public:
  constexpr ForkList() = default;

  bool add(ForkParticipant* participant, ForkOrder order) {
    // Blocked: who holds the lock may be forking, and waits for this thread's safepoint.
    const BlockingScope blocking(current_mutator_or_null(), "waiting for a fork to be over");
    const std::lock_guard lock(mutex_);
    if (!install()) return false;
    ForkParticipant*& end = order == ForkOrder::kOutermost ? first_ : last_;
    if (first_ == nullptr) {
      first_ = last_ = participant;
      return true;
    }
    (order == ForkOrder::kOutermost ? participant->next_ : participant->previous_) = end;
    (order == ForkOrder::kOutermost ? end->previous_ : end->next_) = participant;
    end = participant;
    return true;
  }

  // Once. False when there is no memory for it.
  bool install() {
    if (!handlers_installed_)
      handlers_installed_ = pthread_atfork(before, in_parent, in_child) == 0;
    return handlers_installed_;
  }

  void remove(ForkParticipant* participant) {
    const BlockingScope blocking(current_mutator_or_null(), "waiting for a fork to be over");
    const std::lock_guard lock(mutex_);
    ForkParticipant* next = participant->next_;
    ForkParticipant* previous = participant->previous_;
    (previous != nullptr ? previous->next_ : first_) = next;
    (next != nullptr ? next->previous_ : last_) = previous;
  }

 private:
  static void before();
  static void in_parent();
  static void in_child();

  // The frame that enters a blocking region leaves it.
  void lock_blocked() {
    const BlockingScope blocking(current_mutator_or_null(), "waiting for another fork");
    mutex_.lock();
  }

  std::mutex mutex_;
  ForkParticipant* first_ = nullptr;  // protected by mutex_, like the rest
  ForkParticipant* last_ = nullptr;
  bool handlers_installed_ = false;
};

namespace {

constinit ForkList fork_list;

// Before main, and so before most other handlers: what is registered first is called last before a
// fork and first after it.
[[maybe_unused]] const bool at_load = fork_list.install();

}  // namespace

void ForkList::before() {
  ForkList& list = fork_list;
  list.lock_blocked();
  if (list.first_ == nullptr) return;
  const uint64_t deadline = monotonic_ns() + kPatienceNs;
  // Two passes: a thread that runs in one runtime may want a lock of another's.
  for (ForkParticipant* p = list.first_; p != nullptr; p = p->next_) p->quiesce(deadline);
  for (ForkParticipant* p = list.first_; p != nullptr; p = p->next_) p->lock();
}

void ForkList::in_parent() {
  for (ForkParticipant* p = fork_list.last_; p != nullptr; p = p->previous_) p->in_parent();
  fork_list.mutex_.unlock();
}

void ForkList::in_child() {
  for (ForkParticipant* p = fork_list.last_; p != nullptr; p = p->previous_) p->in_child();
  fork_list.mutex_.unlock();
}

bool add_fork_participant(ForkParticipant* participant, ForkOrder order) {
  return fork_list.add(participant, order);
}

void remove_fork_participant(ForkParticipant* participant) { fork_list.remove(participant); }

}  // namespace greyhound::gc
