// SPDX-License-Identifier: MIT
// What may hang on an object beside its fields: weak cells, ephemerons, a finalizer, cleanups. As
// Go's specials and its unique weak handles, and the JVM's reference processing; ephemerons after
// Hayes.
//
// Weak cells and ephemerons are ordinary objects without pointers: the marker sees numbers. The
// lists here hold them weakly, so who drops a cell need not say so. Once marking is quiet and
// closed (weak_cell.h says what that means), in this order:
//
//   clear_dead    weak cells and ephemerons whose target is unmarked are emptied, for good
//   finalizable   objects with a finalizer that only such objects keep, or nobody: what they refer
//                 to is marked, and those that are unmarked then are revived and queued. So an
//                 object is finalized before what it refers to, and one that can reach itself never
//   finish        cells that are garbage leave the lists; cleanups of what is still unmarked are
//                 queued
//
// So a weak pointer to an object that a finalizer will see gives null from before the finalizer
// runs, and a cleanup runs when its object has become unreachable after its finalizer, if it has
// one.
//
// Thread rules: registration on a thread with a running mutator of this collector; the cycle's
// functions by the collector's thread; take_ready and its wait from any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "gc/memory/own_containers.h"
#include "gc/mutator/persistent.h"
#include "gc/weak/weak_cell.h"

namespace greyhound::gc {

class CollectorState;
class Marker;

using Finalizer = std::function<void(void*)>;
using CleanupFunction = std::function<void()>;

// A call that is due: a finalizer with its object, which is a root until it is taken, or a cleanup.
struct ReadyCall {
  std::unique_ptr<PersistentSlot> object;
  Finalizer finalizer;
  CleanupFunction cleanup;
  uintptr_t address = 0;    // where the object is, or was
  uint64_t cleanup_id = 0;  // what add_cleanup gave
};

// Who runs the calls that are due. Told under the lock of the lists, so it must not wait for a
// call.
class CallRunner {
 public:
  virtual ~CallRunner() = default;
  // Something is due, by the thread that advances the cycle.
  virtual void calls_are_due() = 0;
  // This is a forked child, whose one thread tells it.
  virtual void forked() = 0;
};

class ReferenceProcessor {
 public:
  explicit ReferenceProcessor(CollectorState* gc) : gc_(gc) {}
  ReferenceProcessor(const ReferenceProcessor&) = delete;
  ReferenceProcessor& operator=(const ReferenceProcessor&) = delete;

  // The cell of `object`, which points anywhere into a live object; null when it has none.
  // Safepoints, as the lock may have to be waited for; so are all of these.
  WeakCell* find_weak(const void* object);
  // Makes `cell`, a new one, that of `object`, unless it has one by now. Returns the one it has.
  WeakCell* add_weak(const void* object, WeakCell* cell);
  // (gc/alloc/weak_cells.h makes them.)
  void add_ephemeron(EphemeronCell* cell, void* key, void* value);
  // Replaces the finalizer of `object`, its base or, of an object without pointers that shares a 16
  // B block with others, where it begins: such a one is finalized with all of its block. An empty
  // one removes it.
  void set_finalizer(void* object, Finalizer finalizer);
  // Returns a number for cancel_cleanup, never 0.
  uint64_t add_cleanup(const void* object, CleanupFunction cleanup);
  // False when the cleanup is queued or has run.
  bool cancel_cleanup(uint64_t id);

  // --- the cycle's
  bool empty();
  bool has_ephemerons();
  // Greys the values of ephemerons whose cell and key are marked. Returns whether one was new.
  bool mark_ephemerons(Marker* marker);
  void clear_dead();
  // Objects with a finalizer that are unmarked.
  std::vector<uintptr_t> finalizable();
  // Of those, the ones that nothing marked meanwhile: marks them and queues their finalizers.
  void revive(const std::vector<uintptr_t>& objects);
  void finish();

  // --- what is due
  // The next call that is due, its object still a root; false when there is none. This and finished
  // on an attached thread; a safepoint.
  bool take_ready(ReadyCall* call);
  // To be called when a taken call's object is held otherwise: its root ends.
  void release(ReadyCall* call);
  // To be called when a taken call is over.
  void finished();
  // Waits until nothing is due and no call runs. The caller is blocked or has no mutator.
  void wait_idle();
  // Waits until something is due or `stop` holds. The caller is blocked or has no mutator.
  void wait_ready(const std::function<bool()>& stop);
  void wake_waiters();
  // Null: nobody, from here on.
  void set_runner(CallRunner* runner);
  // In a forked child: calls that other threads were running are not running here, nor will they.
  void forget_others();

 private:
  friend class CollectorFork;
  struct Cleanup {
    uint64_t id;
    CleanupFunction function;
  };

  // Locks; in a blocking region when that means to wait.
  std::unique_lock<std::mutex> lock_from_mutator();
  // The same, with room for one more in `list`, made in a blocking region where that takes long.
  template <class List>
  std::unique_lock<std::mutex> lock_with_room(List* list);
  bool is_marked(uintptr_t address) const;
  WeakCell* taken(WeakCell* cell);

  CollectorState* const gc_;
  std::mutex mutex_;  // of everything below; held while no mutator is waited for
  std::condition_variable ready_changed_;
  OwnMap<uintptr_t, WeakCell*> weak_;
  OwnVector<EphemeronCell*> ephemerons_;
  OwnMap<uintptr_t, Finalizer> finalizers_;
  OwnMap<uintptr_t, OwnVector<Cleanup>> cleanups_;
  OwnMap<uint64_t, uintptr_t> cleanup_objects_;
  uint64_t last_cleanup_ = 0;
  OwnDeque<ReadyCall> ready_;
  size_t running_ = 0;  // calls that were taken and are not finished
  CallRunner* runner_ = nullptr;
};

}  // namespace greyhound::gc
