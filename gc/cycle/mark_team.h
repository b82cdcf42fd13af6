// SPDX-License-Identifier: MIT
// The markers that drain together: the one of whoever advances the cycle, and threads beside it. A
// system that gives no more threads now may later, so every drain tries to have them all.
//
// Thread rules: everything by whoever advances the cycle; missing() from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "gc/mark/marker.h"
#include "gc/watch/stats.h"
#include "runtime/base/os_thread.h"

namespace greyhound::gc {

class CollectorFork;
class CollectorState;

class MarkTeam {
 public:
  // `threads`: with the driver's.
  MarkTeam(CollectorState* gc, unsigned threads, const CollectorFork* fork);
  ~MarkTeam();
  MarkTeam(const MarkTeam&) = delete;
  MarkTeam& operator=(const MarkTeam&) = delete;

  unsigned threads() const { return threads_; }
  // The driver's own, for what is marked beside a drain.
  Marker& marker() { return marker_; }

  // Marks until the pool is quiet. False when there may be more to mark, since a thread wants to
  // fork: then nobody holds any of it.
  bool drain();
  // Those of all markers since the last call.
  MarkCounts take_counts();
  // Marking threads that could not be started, when last tried.
  size_t missing() const { return missing_.load(std::memory_order_relaxed); }

 private:
  friend class CollectorFork;

  struct Worker {
    Worker(MarkTeam* owner, size_t number);
    void run() { team->gcBgMarkWorker(this); }

    MarkTeam* const team;
    const size_t index;
    Marker marker;
    uint64_t seen_epoch = 0;  // of drains; when it starts, then its own
    OsThread thread;
  };

  void gcBgMarkWorker(Worker* worker);
  bool drain_slices(Marker* marker);
  size_t ready_workers();

  CollectorState* const gc_;
  const unsigned threads_;
  const CollectorFork* const fork_;
  Marker marker_;
  std::vector<std::unique_ptr<Worker>> workers_;  // the driver's; some may not be running
  std::atomic<size_t> missing_{0};
  bool told_of_missing_ = false;  // the driver's

  std::mutex mutex_;  // of everything below
  std::condition_variable wake_;
  std::condition_variable done_;
  uint64_t drain_epoch_ = 0;
  size_t busy_ = 0;
  bool stop_ = false;
  bool drain_stopped_ = false;  // by a worker, for a fork: what it held is in the pool
};

}  // namespace greyhound::gc
