// SPDX-License-Identifier: MIT
#include "gc/pacer.h"

namespace greyhound::gc {
namespace {

// As in Go: below this, at gc_percent 100, collecting is not worth a cycle.
constexpr int64_t kMostPercent = 1'000'000;
constexpr uint64_t kMinimumHeap = uint64_t{4} << 20;
// The trigger keeps this much of the way from marked to goal free for marking, at least and at most.
constexpr double kLeastRunway = 0.05;
constexpr double kMostRunway = 0.5;
// A cycle that the memory limit forces still lets the heap grow by this much of what is live, so that
// an unreachable limit costs throughput, not progress.
constexpr double kLeastGrowthUnderLimit = 1.0 / 16;

}  // namespace

void Pacer::initialise(const Options& options) {
  gc_percent_.store(options.gc_percent, std::memory_order_relaxed);
  memory_limit_.store(options.memory_limit, std::memory_order_relaxed);
  std::lock_guard lock(mutex_);
  set_goal();
}

void Pacer::set_gc_percent(int64_t percent) {
  std::lock_guard lock(mutex_);
  gc_percent_.store(percent, std::memory_order_relaxed);
  set_goal();
}

void Pacer::set_memory_limit(uint64_t bytes) {
  std::lock_guard lock(mutex_);
  memory_limit_.store(bytes, std::memory_order_relaxed);
  set_goal();
}

void Pacer::set_goal() {
  const int64_t percent = gc_percent();
  const uint64_t limit = memory_limit();
  uint64_t goal = UINT64_MAX;
  if (percent >= 0) {
    const auto scale = static_cast<uint64_t>(std::min(percent, kMostPercent));
    goal = std::max(marked_ + marked_ / 100 * scale, kMinimumHeap * scale / 100);
    goal = std::max(goal, marked_ + (uint64_t{64} << 10));
  }
  if (limit != 0) {
    const uint64_t room = limit > metadata_ ? limit - metadata_ : 0;
    const auto least = marked_ + static_cast<uint64_t>(static_cast<double>(marked_) * kLeastGrowthUnderLimit) +
                       (uint64_t{256} << 10);
    goal = std::min(goal, std::max(room, least));
  }
  goal_.store(goal, std::memory_order_relaxed);
  if (goal == UINT64_MAX || in_cycle_) {
    trigger_.store(UINT64_MAX, std::memory_order_relaxed);
    return;
  }
  const double way = static_cast<double>(goal - std::min(goal, marked_));
  const double runway = std::clamp(runway_ * 1.1, way * kLeastRunway, way * kMostRunway);
  trigger_.store(goal - static_cast<uint64_t>(runway), std::memory_order_relaxed);
}

void Pacer::begin_cycle() {
  std::unique_lock lock(mutex_);
  in_cycle_ = true;
  live_at_start_ = live();
  black_bytes_.store(0, std::memory_order_relaxed);
  credit_.store(0, std::memory_order_relaxed);
  // Nobody starts another while one runs.
  trigger_.store(UINT64_MAX, std::memory_order_relaxed);
  lock.unlock();
  revise(0);
}

void Pacer::revise(uint64_t marked_so_far) {
  // What is left to mark is guessed from the last cycle; a heap that grew since costs at most its size.
  const uint64_t expected = std::max(marked_, live_at_start_ / 2);
  const uint64_t left = expected > marked_so_far ? expected - marked_so_far : expected / 16;
  const uint64_t live_now = live();
  const uint64_t goal_now = goal();
  if (goal_now == UINT64_MAX) {
    assist_ratio_.store(0, std::memory_order_relaxed);
    return;
  }
  const uint64_t room = goal_now > live_now ? goal_now - live_now : 0;
  const double floor = std::max(static_cast<double>(goal_now) / 64, 65536.0);
  const double ratio = static_cast<double>(left) / std::max(static_cast<double>(room), floor);
  assist_ratio_.store(ratio, std::memory_order_relaxed);
}

int64_t Pacer::take_credit(int64_t wanted) {
  int64_t available = credit_.load(std::memory_order_relaxed);
  while (available > 0) {
    const int64_t taken = std::min(available, wanted);
    if (credit_.compare_exchange_weak(available, available - taken, std::memory_order_relaxed)) return taken;
  }
  return 0;
}

void Pacer::end_cycle(uint64_t marked, uint64_t metadata) {
  std::lock_guard lock(mutex_);
  in_cycle_ = false;
  const uint64_t live_now = live();
  const double allocated_while_marking = static_cast<double>(live_now - std::min(live_now, live_at_start_));
  runway_ = runway_ == 0 ? allocated_while_marking : (runway_ + allocated_while_marking) / 2;
  // Objects allocated black survive this cycle whatever becomes of them.
  marked_ = std::min(live_now, marked + black_bytes_.load(std::memory_order_relaxed));
  metadata_ = metadata;
  live_.fetch_sub(live_now - marked_, std::memory_order_relaxed);
  set_goal();
}

}  // namespace greyhound::gc
