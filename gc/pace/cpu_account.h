// SPDX-License-Identifier: MIT
// The one account of what collecting takes of the processors: the CPU time of the threads that
// mark, assist and sweep, by each thread's own clock. What a thread waits for, sleeps through or is
// not given the processor for is nobody's work and is never counted: on a machine with more threads
// than processors that is most of what a wall clock shows. The limiter (limiter.h), the cycle's
// figures, the profile of the collector and gctrace read this account and no other.
//
// Not in it: the few spans that a mutator sweeps as it refills, which are part of allocating.
//
// Thread rules: add and times from any thread (relaxed sums: a reader sees a slightly old one); a
// CpuLap from one thread at a time.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "gc/watch/stats.h"

namespace greyhound::gc {

enum class CpuWork : uint8_t { kMark, kAssist, kSweep };

struct CpuTimes {
  uint64_t mark_ns = 0;
  uint64_t assist_ns = 0;
  uint64_t sweep_ns = 0;
  uint64_t total() const { return mark_ns + assist_ns + sweep_ns; }
  friend CpuTimes operator-(const CpuTimes& a, const CpuTimes& b) {
    return {a.mark_ns - b.mark_ns, a.assist_ns - b.assist_ns, a.sweep_ns - b.sweep_ns};
  }
};

class CpuAccount {
 public:
  void add(CpuWork work, uint64_t ns) {
    ns_[static_cast<size_t>(work)].fetch_add(ns, std::memory_order_relaxed);
  }
  // Since the account was opened.
  CpuTimes times() const { return {of(CpuWork::kMark), of(CpuWork::kAssist), of(CpuWork::kSweep)}; }

 private:
  uint64_t of(CpuWork work) const {
    return ns_[static_cast<size_t>(work)].load(std::memory_order_relaxed);
  }
  std::atomic<uint64_t> ns_[3] = {};
};

// Charges a thread's work piece by piece: each charge is for the CPU time since the one before.
class CpuLap {
 public:
  using Clock = uint64_t (*)();
  explicit CpuLap(CpuAccount* account, Clock clock = thread_cpu_ns)
      : account_(account), clock_(clock) {}

  // What the calling thread did before is not the collector's.
  void start() {
    thread_ = pthread_self();
    from_ns_ = clock_();
  }
  // Of another thread's than started nothing is known: it only starts.
  void charge(CpuWork work) {
    const bool same = pthread_equal(thread_, pthread_self()) != 0;
    const uint64_t before = from_ns_;
    start();
    if (same) account_->add(work, from_ns_ - before);
  }

 private:
  CpuAccount* const account_;
  const Clock clock_;
  pthread_t thread_ = {};
  uint64_t from_ns_ = 0;
};

}  // namespace greyhound::gc
