// SPDX-License-Identifier: MIT
// The wait profile: where threads of a runtime waited for its locks, for handshakes, for the
// collector, and how long. As Go's block and mutex profiles in one; Go shows nothing of its own
// runtime's waits in either.
//
//   lock: NAME            a lock of the runtime that another thread held
//   handshake: NAME       the collector, until the last mutator had answered (time to safepoint)
//   held                  a mutator that is parked, or leaves `blocking` while it is answered for
//   assist                an assist that found nothing to mark
//   collector behind      an allocation beyond the goal, until the coordinator has moved on
//   collect               a caller of collect()
//   workers               the coordinator, until the markers beside it are done
//
// Threads that wait for work (an idle coordinator, worker or finalizer thread) and a program's own
// waits inside `blocking` are not in it.
//
// Sampling is Go's: with a rate of r ns, a wait of d ns is recorded if d >= r, else with
// probability d / r, and then counts for r / d waits of d ns, which is right on average.
//
// Thread rules: any thread. A wait is recorded on the thread that waited, after it. The profile's
// own lock is a leaf: nothing else is taken under it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "gc/memory/own_containers.h"
#include "runtime/base/platform.h"
#include "runtime/base/profile_labels.h"

namespace greyhound::gc {

// Waits of one kind at one place, with one set of labels.
struct WaitRecord {
  const char* what = "";         // "lock: work pool"
  std::vector<uintptr_t> stack;  // return addresses, innermost first
  LabelSet labels;
  double count = 0;
  double delay_ns = 0;
};

class WaitProfile {
 public:
  // As Go's SetBlockProfileRate: one wait is recorded for so many nanoseconds waited, on average; 1
  // records every one, 0 none.
  void set_rate(uint64_t ns) { rate_.store(ns, std::memory_order_relaxed); }
  uint64_t rate() const { return rate_.load(std::memory_order_relaxed); }

  // That the calling thread waited `ns` for `what`, a string constant.
  void record(const char* what, uint64_t ns);

  std::vector<WaitRecord> records();

 private:
  friend class CollectorFork;
  static constexpr size_t kMaxDepth = 64;

  struct Hash {
    size_t operator()(const WaitRecord& record) const;
  };
  struct SameSite {
    bool operator()(const WaitRecord& a, const WaitRecord& b) const;
  };
  struct Totals {
    double count = 0;
    double delay_ns = 0;
  };

  std::atomic<uint64_t> rate_{0};
  std::mutex mutex_;
  OwnMap<WaitRecord, Totals, Hash, SameSite> sites_;  // totals of the key unused
};

// Where the calling thread's waits belong: its runtime's profile, or null.
extern constinit thread_local WaitProfile* tls_waits __attribute__((tls_model("initial-exec")));
// From here on the calling thread's waits are `profile`'s. `stack_end` gives the highest address of
// the stack that it runs on, exclusive, or 0; null: it is the thread's own.
using StackEnd = uintptr_t (*)();
void set_thread_waits(WaitProfile* profile, StackEnd stack_end = nullptr);

// One wait, from construction to destruction. Costs two loads while nobody wants to know.
class TimedWait {
 public:
  explicit TimedWait(const char* what)
      : what_(what),
        profile_(tls_waits != nullptr && tls_waits->rate() != 0 ? tls_waits : nullptr),
        start_(profile_ != nullptr ? now() : 0) {}
  ~TimedWait() {
    if (profile_ != nullptr) [[unlikely]]
      profile_->record(what_, now() - start_);
  }
  TimedWait(const TimedWait&) = delete;
  TimedWait& operator=(const TimedWait&) = delete;

 private:
  static uint64_t now();

  const char* const what_;
  WaitProfile* const profile_;
  const uint64_t start_;
};

// A lock of the runtime's whose contention is in the profile: `what` is "lock: NAME".
template <class Mutex>
class ProfiledLock : public std::unique_lock<Mutex> {
 public:
  GREYHOUND_INLINE ProfiledLock(Mutex& mutex, const char* what)
      : std::unique_lock<Mutex>(mutex, std::try_to_lock) {
    if (!this->owns_lock()) [[unlikely]]
      lock_slow(what);
  }

 private:
  GREYHOUND_NOINLINE void lock_slow(const char* what) {
    const TimedWait wait(what);
    this->lock();
  }
};

}  // namespace greyhound::gc
