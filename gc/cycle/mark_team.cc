// SPDX-License-Identifier: MIT
#include "gc/cycle/mark_team.h"

#include <cstring>
#include <string>
#include <utility>

#include "gc/cycle/collector_fork.h"
#include "gc/mutator/collector_state.h"
#include "gc/watch/log.h"
#include "runtime/base/check.h"

namespace greyhound::gc {
namespace {

// What this thread scans before it wakes the workers: it takes about as long as waking one. Most
// rounds, and whole cycles of a small heap, are over by then.
constexpr size_t kObjectsAlone = 4096;
// Between two looks whether a thread wants to fork: some milliseconds.
constexpr size_t kObjectsInSlice = size_t{1} << 17;

}  // namespace

MarkTeam::MarkTeam(CollectorState* gc, unsigned threads, const CollectorFork* fork)
    : gc_(gc), threads_(threads), fork_(fork), marker_(&gc->heap, &gc->pool, &gc->pacer) {}

MarkTeam::~MarkTeam() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (const auto& worker : workers_) worker->thread.join();
}

MarkTeam::Worker::Worker(MarkTeam* owner, size_t number)
    : team(owner),
      index(number),
      marker(&owner->gc_->heap, &owner->gc_->pool, &owner->gc_->pacer) {}

// Starts the workers that do not run yet; returns how many do.
size_t MarkTeam::ready_workers() {
  const size_t wanted = threads_ - 1;
  std::lock_guard lock(mutex_);
  size_t running = 0;
  for (; running < wanted; ++running) {
    if (running == workers_.size()) workers_.push_back(std::make_unique<Worker>(this, running));
    Worker* worker = workers_[running].get();
    if (worker->thread.running()) continue;
    worker->seen_epoch = drain_epoch_;
    const std::string name = "gh-mark-" + std::to_string(running + 1);
    if (const int error = worker->thread.start<&Worker::run>(name.c_str(), worker); error != 0) {
      if (!std::exchange(told_of_missing_, true)) {
        log_message(gc_->options(),
                    "%zu of %zu marking workers cannot be started: %s; marking goes on with fewer "
                    "threads",
                    wanted - running, wanted, std::strerror(error));
      }
      break;
    }
  }
  missing_.store(wanted - running, std::memory_order_relaxed);
  return running;
}

// Returns false when it stopped for a fork; then the marker is active no more, and what it held is
// in the pool. REQUIRES: active in the pool.
bool MarkTeam::drain_slices(Marker* marker) {
  while (marker->gcDrain(kObjectsInSlice)) {
    if (!fork_->wanted() || gc_->world.parked()) continue;
    marker->flush();
    gc_->pool.finish();
    return false;
  }
  return true;
}

// Every marker is active from before the first one starts, so none sees the pool quiet too early.
bool MarkTeam::drain() {
  const size_t helpers = threads_ > 1 ? ready_workers() : 0;
  gc_->pool.become_active();
  if (helpers > 0) {
    if (!marker_.gcDrain(kObjectsAlone)) {
      gc_->pacer.revise();
      return true;
    }
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < helpers; ++i) gc_->pool.become_active();
    busy_ = helpers;
    drain_stopped_ = false;
    ++drain_epoch_;
    wake_.notify_all();
  }
  const bool drained = drain_slices(&marker_);
  gc_->pacer.revise();
  if (helpers == 0) return drained;
  std::unique_lock lock(mutex_);
  const TimedWait wait("workers");
  done_.wait(lock, [this] { return busy_ == 0; });
  return drained && !drain_stopped_;
}

MarkCounts MarkTeam::take_counts() {
  MarkCounts counts = marker_.take_counts();
  for (const auto& worker : workers_) counts.merge(worker->marker.take_counts());
  return counts;
}

void MarkTeam::gcBgMarkWorker(Worker* worker) {
  const ListedThread listed(&gc_->threads, ThreadKind::kWorker,
                            "worker " + std::to_string(worker->index + 1), gc_->driver);
  set_thread_waits(&gc_->waits);
  set_fatal_context(PhaseLog::describe, &gc_->phases);
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stop_ || drain_epoch_ != worker->seen_epoch; });
    if (stop_) return;
    worker->seen_epoch = drain_epoch_;
    lock.unlock();
    CpuLap lap(&gc_->cpu);
    lap.start();
    const uint64_t traced_from = gc_->tracer.on() ? monotonic_ns() : 0;
    const bool drained = drain_slices(&worker->marker);
    if (traced_from != 0) [[unlikely]] {
      gc_->tracer.note_worker(worker->index, {.at_ns = traced_from,
                                              .duration_ns = monotonic_ns() - traced_from,
                                              .cycle = gc_->started_cycles(),
                                              .kind = EventKind::kDrain,
                                              .shape = EventShape::kWhole});
    }
    lap.charge(CpuWork::kMark);
    lock.lock();
    drain_stopped_ |= !drained;
    if (--busy_ == 0) done_.notify_all();
  }
}

}  // namespace greyhound::gc
