// SPDX-License-Identifier: MIT
// What pacing does to a program: how much of its time a mutator gets, and how far cycles go beyond
// their goals. Each object belongs to one thread; what they collect lies outside the managed heap.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "bench/peers/harness.h"
#include "gc/cycle/collector.h"
#include "runtime/greyhound.h"

namespace limits {

// Minimum mutator utilization (Cheng and Blelloch 2001): the least share of any window of a given
// length in which a mutator got on with its own work. The mutator calls tick() between short pieces
// of work; what lies between two ticks further apart than kGap counts as taken from it, whoever
// took it: an assist, a handshake, a sweep, a page fault, the scheduler.
//
// What would mislead: gaps below kGap count as work, and a busy machine takes time as well.
class Utilization {
 public:
  static constexpr uint64_t kGap = 3'000;  // ns

  Utilization() { gaps_.reserve(1 << 20); }

  void start() {
    gaps_.clear();
    first_ = last_ = peers::now_ns();
  }
  void tick() {
    const uint64_t now = peers::now_ns();
    if (now - last_ > kGap) gaps_.push_back({last_, now});
    last_ = now;
  }

  // Of the whole time.
  double mean() const {
    uint64_t taken = 0;
    for (const Gap& gap : gaps_) taken += gap.end - gap.begin;
    return 1 - static_cast<double>(taken) / static_cast<double>(last_ - first_);
  }
  // Some worst window begins where a gap begins, or ends where one ends.
  double least(uint64_t window) const {
    if (last_ - first_ <= window) return mean();
    const std::vector<uint64_t> sums = taken_before();
    uint64_t worst = 0;
    for (const Gap& gap : gaps_) {
      const uint64_t begin = std::min(gap.begin, last_ - window);
      const uint64_t end = std::max(gap.end, first_ + window);
      worst = std::max({worst, taken(sums, begin, begin + window), taken(sums, end - window, end)});
    }
    return 1 - static_cast<double>(worst) / static_cast<double>(window);
  }

 private:
  struct Gap {
    uint64_t begin, end;
  };

  // Entry i: what the first i gaps took.
  std::vector<uint64_t> taken_before() const {
    std::vector<uint64_t> sums{0};
    for (const Gap& gap : gaps_) sums.push_back(sums.back() + gap.end - gap.begin);
    return sums;
  }
  uint64_t taken_until(const std::vector<uint64_t>& sums, uint64_t time) const {
    const auto after = std::partition_point(gaps_.begin(), gaps_.end(),
                                            [=](const Gap& gap) { return gap.begin < time; });
    const auto count = static_cast<size_t>(after - gaps_.begin());
    if (count == 0) return 0;
    const Gap& last = gaps_[count - 1];
    return sums[count] - (last.end > time ? last.end - time : 0);
  }
  uint64_t taken(const std::vector<uint64_t>& sums, uint64_t begin, uint64_t end) const {
    return taken_until(sums, end) - taken_until(sums, begin);
  }

  std::vector<Gap> gaps_;
  uint64_t first_ = 0;
  uint64_t last_ = 0;
};

// How far each cycle that ended was beyond its goal. A batch between two looks is far shorter than
// a cycle.
class Overshoot {
 public:
  explicit Overshoot(greyhound::runtime::Runtime* runtime)
      : runtime_(runtime), seen_(completed()) {}

  void look() {
    if (completed() == seen_) return;
    const greyhound::gc::CycleStats cycle = runtime_->stats().last_cycle;
    seen_ = cycle.cycle;
    percents_.push_back(
        100 * static_cast<double>(cycle.heap_at_end) / static_cast<double>(cycle.heap_goal) - 100);
  }
  // Of the cycles, sorted by how far they went; 1: the worst.
  double quantile(double p) {
    peers::expect(!percents_.empty(), "cycles during the storm");
    std::sort(percents_.begin(), percents_.end());
    return percents_[static_cast<size_t>(p * static_cast<double>(percents_.size() - 1))];
  }
  size_t cycles() const { return percents_.size(); }

 private:
  uint64_t completed() const { return runtime_->collector().completed_cycles(); }

  greyhound::runtime::Runtime* runtime_;
  uint64_t seen_;
  std::vector<double> percents_;
};

}  // namespace limits
