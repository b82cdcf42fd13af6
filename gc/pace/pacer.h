// SPDX-License-Identifier: MIT
// When to start a cycle, and how much marking an allocation owes while one runs. As Go's pacer in
// its aims (reach the goal heap = marked * (1 + gc_percent/100) just as marking ends), simpler in
// its means: the runway is what was allocated during the last cycles' marking, in proportion and
// smoothed.
//
// Thread rules: allocated/returned and the debt functions from any mutator (relaxed sums; a stale
// sum only shifts a decision); begin_cycle and end_cycle from the collector's thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include "gc/options.h"

namespace greyhound::gc {

class Pacer {
 public:
  void initialise(const Options& options);

  void allocated(size_t bytes, bool black) {
    live_.fetch_add(bytes, std::memory_order_relaxed);
    if (black) black_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void returned(size_t bytes, bool black) {
    live_.fetch_sub(bytes, std::memory_order_relaxed);
    if (black) black_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  }
  // What is left of a run that was handed out white and is black from now on.
  void blackened(size_t bytes) { black_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  // Cheap enough for every refill; false while a cycle runs.
  bool should_start() const {
    return live_.load(std::memory_order_relaxed) >= trigger_.load(std::memory_order_relaxed);
  }

  // Where the heap is to be held. `limited`: while the CPU limiter stretches the time between
  // cycles, which a memory limit beyond reach may cost, but no more than gc_percent alone would.
  uint64_t bound(bool limited) const {
    return (limited ? ceiling_ : goal_).load(std::memory_order_relaxed);
  }
  // The heap is well beyond its bound, or `more` bytes will take it there: whoever should be
  // collecting is not getting a processor.
  bool overshot(bool limited = false, uint64_t more = 0) const {
    return over(bound(limited), more) != 0;
  }
  // How long a mutator that is about to allocate `more` bytes beyond the bound leaves the
  // processors to the collector, when that has to go on alone and `rivals` mutators want each of
  // them; 0 within the bound. It doubles with every 64th of the bound, so that a heap ends up
  // where what all mutators together get to allocate in that time is as good as nothing.
  uint64_t patience_ns(bool limited, uint64_t more, uint64_t rivals) const;

  void begin_cycle();
  // `marked`: bytes of the objects that markers and barriers greyed. `metadata`: bytes off the
  // heap, which count against the memory limit. Called before H5, while everything is still
  // allocated black: what is allocated later simply adds to live.
  void end_cycle(uint64_t marked, uint64_t metadata);

  // `bytes` that survived the last cycle are garbage by now: the goal need not allow for them.
  // Without effect while a cycle runs, which will find out itself.
  void died(uint64_t bytes);

  // Marking work (MarkCounts::work()) that `bytes` of allocation owe.
  int64_t assist_work(size_t bytes) const {
    // At most what a later assist can be asked for anyway.
    return static_cast<int64_t>(
        std::min(static_cast<double>(bytes) * assist_ratio_.load(std::memory_order_relaxed), 1e12));
  }
  // Work done in the background, which assists may claim instead of doing their own.
  void add_credit(int64_t bytes) {
    credit_.fetch_add(bytes, std::memory_order_relaxed);
    add_work(bytes);
  }
  // Work done by an assist.
  void add_work(int64_t bytes) { work_done_.fetch_add(bytes, std::memory_order_relaxed); }
  // Takes at most `wanted` of the credit.
  int64_t take_credit(int64_t wanted);
  // Called by markers every now and then: some work is done, and some was allocated.
  void revise();

  void set_gc_percent(int64_t percent);
  int64_t gc_percent() const { return gc_percent_.load(std::memory_order_relaxed); }
  void set_memory_limit(uint64_t bytes);
  uint64_t memory_limit() const { return memory_limit_.load(std::memory_order_relaxed); }

  uint64_t live() const { return live_.load(std::memory_order_relaxed); }
  uint64_t goal() const { return goal_.load(std::memory_order_relaxed); }
  uint64_t trigger() const { return trigger_.load(std::memory_order_relaxed); }
  // Bytes that survived the last cycle; the collector's thread.
  uint64_t survivors() const { return survivors_; }

  // In a forked child, where nobody drives the cycle that was in progress: from suspend() until
  // resume() every look says that a cycle is due, so that the first one has it driven on.
  void suspend();
  void resume();

 private:
  friend class CollectorFork;
  // A coordinator needs some 50 us to wake, in which a small heap grows by a good part of itself.
  static constexpr uint64_t kLeastOvershoot = uint64_t{1} << 20;

  // Bytes beyond `bound` and the slack that it has.
  uint64_t over(uint64_t bound, uint64_t more) const {
    if (bound == UINT64_MAX) return 0;
    const uint64_t allowed = bound + std::max(bound / 16, kLeastOvershoot);
    const uint64_t size = live() + more;
    return size - std::min(size, allowed);
  }

  void set_goal();  // REQUIRES: mutex_ held

  std::atomic<int64_t> gc_percent_{100};
  std::atomic<uint64_t> memory_limit_{0};
  std::atomic<uint64_t> live_{0};
  std::atomic<uint64_t> black_bytes_{0};
  std::atomic<uint64_t> trigger_{UINT64_MAX};
  std::atomic<uint64_t> goal_{UINT64_MAX};
  std::atomic<uint64_t> ceiling_{UINT64_MAX};  // the goal, but for the memory limit
  std::atomic<double> assist_ratio_{0};
  std::atomic<int64_t> credit_{0};
  std::atomic<uint64_t> live_at_start_{0};
  std::atomic<uint64_t> runway_now_{0};  // from where this cycle began to its goal
  std::atomic<int64_t> work_done_{0};
  std::atomic<uint64_t> work_expected_{0};
  std::atomic<uint64_t> work_at_most_{0};  // when all that was live at the start still is
  std::mutex mutex_;                       // of the setters and the collector, for the rest:
  bool in_cycle_ = false;                  // nothing triggers another cycle then
  bool suspended_ = false;
  uint64_t survivors_ = 0;  // of the last cycle: marked, or allocated black
  uint64_t marked_ = 0;     // of them, likely to be live
  uint64_t metadata_ = 0;
  double work_per_byte_ = 1;  // marking work per byte marked, in the last cycle
  double runway_ratio_ = 0;   // bytes allocated while marking per byte marked, smoothed
};

}  // namespace greyhound::gc
