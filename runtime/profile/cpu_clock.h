// SPDX-License-Identifier: MIT
// What sends one thread SIGPROF as it uses processor time: a timer on its CPU clock, which the
// kernel looks at on its tick (250 times a second as a rule), or perf_event_open's software task
// clock, which has a timer of its own. A perf event stops itself with each signal, until rearm().
//
// Thread rules: any thread, while the sampled one lives; rearm() is the handler's.
#pragma once

#include <pthread.h>
#include <sys/types.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <optional>

namespace greyhound::runtime {

class CpuClock {
 public:
  CpuClock(pthread_t thread, pid_t tid);
  ~CpuClock() { stop(); }
  CpuClock(const CpuClock&) = delete;
  CpuClock& operator=(const CpuClock&) = delete;

  // Both: false when the system refuses. The first signal comes after `first_ns` where the source
  // can do that, then one every `period_ns`.
  bool start_timer(uint64_t first_ns, uint64_t period_ns);
  bool start_perf(uint64_t period_ns);
  // Returns the CPU time that was left until the next signal; 0: not known.
  uint64_t stop();
  // In a forked child, which has no timer and shares its parent's event.
  void forget();

  // The thread's CPU time so far; 0: not known.
  uint64_t now() const;
  void rearm();
  // A perf event could not be rearmed, and sends no more.
  bool lost() const { return lost_.load(std::memory_order_relaxed); }

 private:
  const pid_t tid_;
  clockid_t clock_ = CLOCK_THREAD_CPUTIME_ID;
  bool has_clock_ = false;
  std::optional<timer_t> timer_;
  // Relaxed: the handler may run before the starter has gone on, but not before the event is there.
  std::atomic<int> perf_{-1};
  std::atomic<bool> lost_{false};  // the handler's to set
};

}  // namespace greyhound::runtime
