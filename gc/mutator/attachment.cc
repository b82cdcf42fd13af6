// SPDX-License-Identifier: MIT
// Which thread has which mutator: bind and unbind, detach, the end of a thread, and what is said
// when a mutator is used where it is not current. The rest of the mutator is in mutator.cc.
//
// A thread's mutators form a chain from tls_attached outwards (previous_on_thread); every outer one
// is blocked, by a region that begins when the next is bound. tls_mutator is the first of them
// while that one runs, else no_mutator.
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <utility>

#include "gc/mark/marker.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/mutator.h"
#include "runtime/base/backtrace.h"
#include "runtime/base/check.h"
#include "runtime/base/process_exit.h"

namespace greyhound::gc {

constinit MutatorHot no_mutator;  // constant after initialisation: its slow paths are fatal
constinit thread_local MutatorHot* tls_mutator __attribute__((tls_model("initial-exec"))) =
    &no_mutator;
constinit thread_local Mutator* tls_attached __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

constexpr char kSecondRound = 0;

// The end of a thread runs its destructors of thread_local objects first, and then those of keys:
// so what such objects do with the runtime is over. One key for the process, since keys are few;
// given back when the library that this is part of is unloaded, and by exit(), after which the end
// of a thread is nobody's business.
class ThreadEndKey {
 public:
  explicit ThreadEndKey(void (*ended)(void*)) {
    if (const int error = pthread_key_create(&key_, ended); error != 0) {
      fatal(
          "no thread-specific key is left in this process (error %d of pthread_key_create), so the "
          "end of an attached thread could not be noticed; attach a thread before the program "
          "makes its own keys",
          error);
    }
  }
  ~ThreadEndKey() {
    there_.store(false, std::memory_order_relaxed);
    pthread_key_delete(key_);
  }
  // Null: the calling thread's end is not waited for. Returns an error number.
  int set(const void* value) const {
    return there_.load(std::memory_order_relaxed) ? pthread_setspecific(key_, value) : 0;
  }

 private:
  pthread_key_t key_ = 0;
  std::atomic<bool> there_{true};  // relaxed: who is late makes no difference
};

const ThreadEndKey& thread_end_key(void (*ended)(void*)) {
  static const ThreadEndKey key(ended);
  return key;
}

[[noreturn]] GREYHOUND_NOINLINE void no_current_mutator() {
  if (tls_attached != nullptr) {
    fatal(
        "this thread is inside a blocking region of mutator '%s' (%s), where it may not allocate, "
        "store a reference or use maps, handles and weak references, since nobody waits for it "
        "there: do that before or after the region; after a longjmp out of the region call "
        "Thread::after_longjmp",
        tls_attached->name().c_str(), tls_attached->last_safepoint());
  }
  fatal(
      "this thread has no mutator: attach it to a runtime (greyhound::runtime::Thread) before it "
      "allocates, stores a reference or waits for the collector");
}

// Of a thread that waits, which is blocked mostly.
uintptr_t stack_end_of_attached() { return tls_attached->stacks().end(); }

}  // namespace

GREYHOUND_NOINLINE bool may_change_roots_slow(const Mutator* owner, const char* what) {
  if (owner == nullptr) return false;
  if (!owner->binding_.bound) return true;  // played by a thread that steps the collector
  // A static object's destructor: nothing of it is looked at any more.
  if (called_by_exit()) return false;
  owner->not_current(what);
}

Mutator* current_mutator() {
  Mutator* mutator = tls_mutator->self;
  if (mutator == nullptr) [[unlikely]]
    no_current_mutator();
  return mutator;
}

void Mutator::not_current(const char* what) const {
  const char* name = traced_.name.c_str();
  if (binding_.detached)
    fatal("mutator '%s' %s after it was detached, or its thread has ended", name, what);
  if (tls_attached == this) {
    fatal(
        "mutator '%s' %s inside its own blocking region (%s): do that before or after the region; "
        "after a longjmp out of the region call Thread::after_longjmp",
        name, what, last_safepoint());
  }
  if (inner_on_thread() != nullptr) {
    fatal(
        "mutator '%s' %s while its thread works with '%s', which it attached later: use that one, "
        "or detach it first",
        name, what, tls_attached->name().c_str());
  }
  fatal(
      "mutator '%s' %s on a thread that it is not bound to: each thread attaches by a Thread of "
      "its own, and handles stay on the thread that made them",
      name, what);
}

// The mutator that this thread attached next after this one.
Mutator* Mutator::inner_on_thread() const {
  for (Mutator* m = tls_attached; m != nullptr; m = m->previous_on_thread) {
    if (m->previous_on_thread == this) return m;
  }
  return nullptr;
}

void Mutator::bind() {
  if (binding_.bound)
    fatal("mutator '%s' is already bound to a thread; attach each thread once", name().c_str());
  for (Mutator* m = tls_attached; m != nullptr; m = m->previous_on_thread) {
    if (m->gc_ == gc_ && !gc_->allows_nested_mutators()) {
      fatal(
          "this thread is already attached to this runtime as '%s'; use that mutator, or detach it "
          "first",
          m->name().c_str());
    }
  }
  if (const int error = thread_end_key(thread_ended).set(this); error != 0) {
    fatal("mutator '%s': the end of its thread could not be watched (error %d)", name().c_str(),
          error);
  }
  previous_on_thread = tls_attached;
  if (previous_on_thread != nullptr)
    enter_blocking(previous_on_thread, "attached to another runtime");
  take_from_blocked();
  // Running from here on: the fields are this thread's.
  stacks().begin_thread(gc_->mem_profile.rate() != 0);
  binding_.bound = true;
  binding_.owner.store(pthread_self(), std::memory_order_relaxed);
  sight_.tid.store(gettid(), std::memory_order_relaxed);
  tls_attached = this;
  tls_mutator = this;
  set_thread_waits(&gc_->waits, stack_end_of_attached);
  binding_.thread =
      std::make_unique<ListedThread>(&gc_->threads, ThreadKind::kMutator, name(), gc_->driver);
  set_fatal_context(PhaseLog::describe, &gc_->phases);
  check_stack();
  safepoint("attach");
}

// The thread goes back to `previous`, or to none. `previous` is still blocked.
void Mutator::leave_thread(Mutator* previous) {
  binding_.thread.reset();
  tls_attached = previous;
  tls_mutator = &no_mutator;
  if (previous != nullptr) {
    set_thread_waits(&previous->gc_->waits, stack_end_of_attached);
  } else {
    set_thread_waits(nullptr);
  }
  if (previous == nullptr) static_cast<void>(thread_end_key(thread_ended).set(nullptr));
  // Not the collector that was left, which may be gone when this thread has something to say.
  if (previous != nullptr) {
    set_fatal_context(PhaseLog::describe, &previous->gc_->phases);
  } else {
    set_fatal_context(nullptr, nullptr);
  }
}

void Mutator::unbind() {
  GREYHOUND_CHECK(binding_.bound && tls_mutator == this && stacks().on_own());
  // As for a detach: what this thread holds now may just have been handed to another.
  stacks().stop_here();
  gc_->world.shade_roots_of(this);
  Mutator* previous = std::exchange(previous_on_thread, nullptr);
  binding_.bound = false;
  binding_.owner.store(0, std::memory_order_relaxed);
  stacks().end_thread();
  leave_thread(previous);
  publish_blocked("unbound");
  if (previous != nullptr) leave_blocking(previous);
}

bool Mutator::detaches_here() const {
  if (binding_.detached || !binding_.bound) return true;
  // Nobody comes back to a region in which exit() was called.
  if (tls_attached == this) return blocking_depth_ == 0 || called_by_exit();
  // An outer one: blocked because of the next one, and for no other reason.
  return inner_on_thread() != nullptr && blocking_depth_ == 1;
}

void Mutator::detach() {
  if (binding_.detached) return;
  Mutator* inner = binding_.bound && tls_attached != this ? inner_on_thread() : nullptr;
  if (!detaches_here()) {
    if (inner != nullptr || tls_attached == this) {
      fatal("mutator '%s' is destroyed inside its own blocking region; leave the region first",
            name().c_str());
    }
    fatal(
        "mutator '%s' is destroyed on another thread than the one it is bound to; detach it there",
        name().c_str());
  }
  const bool innermost = binding_.bound && inner == nullptr;
  if (innermost) {
    after_longjmp(0);
    check_stack();
    safepoint("detach");
    // For the last root words: what this thread holds now may just have been handed to another.
    stacks().stop_here();
  }
  if (gc_->process.lost()) {
    // What it would take itself off from may be half written.
    static_cast<void>(binding_.thread.release());
    static_cast<void>(assist.marker.release());
  } else {
    gc_->world.remove(this);
  }
  roots_.forget();
  binding_.bound = false;
  binding_.detached = true;
  Mutator* previous = innermost ? previous_on_thread : nullptr;
  if (innermost) {
    leave_thread(previous);
  } else if (inner != nullptr) {
    // The region that the one before entered for this one is from now on for the next.
    inner->previous_on_thread = previous_on_thread;
    binding_.thread.reset();
  }
  request.store(Handshake::kPark, std::memory_order_relaxed);  // whoever still uses it is told
  if (!gc_->process.lost()) {
    gc_->tracer.detach(&traced_);
    assist.marker.reset();
    gc_->world.removed();  // after which the collector may be gone
  }
  if (previous != nullptr) leave_blocking(previous);
}

Mutator::~Mutator() { detach(); }

// The destructor of the thread's key. Other libraries' keys may use the runtime in theirs: they get
// one round of destructors before it goes.
void Mutator::thread_ended(void* round) {
  if (round != &kSecondRound && thread_end_key(thread_ended).set(&kSecondRound) == 0) return;
  while (tls_attached != nullptr) {
    Mutator* mutator = tls_attached;
    mutator->after_longjmp(0);
    mutator->detach();
  }
}

}  // namespace greyhound::gc
