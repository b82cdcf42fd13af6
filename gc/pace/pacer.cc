// SPDX-License-Identifier: MIT
#include "gc/pace/pacer.h"

#include "gc/watch/wait_profile.h"

namespace greyhound::gc {
namespace {

// A percentage beyond this is taken for this: no heap grows that much.
constexpr int64_t kMostPercent = 1'000'000;
// As in Go: below this, at gc_percent 100, collecting is not worth a cycle.
constexpr uint64_t kMinimumHeap = uint64_t{4} << 20;
// The trigger keeps this much of the way from marked to goal free for marking, at least and at
// most.
constexpr double kLeastRunway = 0.05;
constexpr double kMostRunway = 0.5;
// From one cycle to the next the runway shrinks by this unless more was allocated: a shorter one
// leaves less garbage behind that was allocated black.
constexpr double kShrinkRunway = 0.97;
// Of what was expected to be marked, and of the runway: what is taken to be left at least.
constexpr double kLeastLeft = 1.0 / 16;
constexpr double kMoreThanExpected = 1.1;
// A cycle that the memory limit forces still lets the heap grow by this much of what is live, so
// that an unreachable limit costs throughput, not progress.
constexpr double kLeastGrowthUnderLimit = 1.0 / 16;
// A mutator beyond the heap's bound waits so long at first and at most, where it has few rivals:
// all of them together then make some 10 MB/s. One that is about to allocate many runs' worth at
// once waits for all of them. With the kernel's timer slack the first is twice that, and a run of 8
// KiB each time still makes 80 MB/s.
constexpr uint64_t kLeastPatienceNs = 50'000;
constexpr uint64_t kMostPatienceNs = 10'000'000;
constexpr uint64_t kMostPatienceAtOnceNs = 100'000'000;
constexpr uint64_t kRunBytes = 16 << 10;
// So many doublings, one every 64th of the bound: from the slack of a sixteenth to 19 % beyond.
constexpr uint64_t kMostDoublings = 8;

}  // namespace

void Pacer::initialise(const Options& options) {
  gc_percent_.store(std::max(options.gc_percent, kGcOff), std::memory_order_relaxed);
  memory_limit_.store(options.memory_limit, std::memory_order_relaxed);
  ProfiledLock lock(mutex_, "lock: pacer");
  set_goal();
}

void Pacer::set_gc_percent(int64_t percent) {
  ProfiledLock lock(mutex_, "lock: pacer");
  gc_percent_.store(std::max(percent, kGcOff), std::memory_order_relaxed);
  set_goal();
}

void Pacer::set_memory_limit(uint64_t bytes) {
  ProfiledLock lock(mutex_, "lock: pacer");
  memory_limit_.store(bytes, std::memory_order_relaxed);
  set_goal();
}

void Pacer::suspend() {
  ProfiledLock lock(mutex_, "lock: pacer");
  suspended_ = true;
  set_goal();
}

void Pacer::resume() {
  ProfiledLock lock(mutex_, "lock: pacer");
  suspended_ = false;
  set_goal();
}

void Pacer::died(uint64_t bytes) {
  ProfiledLock lock(mutex_, "lock: pacer");
  if (in_cycle_) return;
  marked_ -= std::min(marked_, bytes);
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
  const uint64_t unlimited = goal;
  if (limit != 0) {
    const uint64_t room = limit > metadata_ ? limit - metadata_ : 0;
    const auto least =
        marked_ + static_cast<uint64_t>(static_cast<double>(marked_) * kLeastGrowthUnderLimit) +
        (uint64_t{256} << 10);
    goal = std::min(goal, std::max(room, least));
  }
  goal_.store(goal, std::memory_order_relaxed);
  const uint64_t doubled = std::max(2 * marked_, kMinimumHeap);
  ceiling_.store(std::max(goal, std::min(unlimited, doubled)), std::memory_order_relaxed);
  if (suspended_) {
    trigger_.store(0, std::memory_order_relaxed);
    return;
  }
  if (goal == UINT64_MAX || in_cycle_) {
    trigger_.store(UINT64_MAX, std::memory_order_relaxed);
    return;
  }
  const double way = static_cast<double>(goal - std::min(goal, marked_));
  const double runway = std::clamp(runway_ratio_ * static_cast<double>(marked_), way * kLeastRunway,
                                   way * kMostRunway);
  trigger_.store(goal - static_cast<uint64_t>(runway), std::memory_order_relaxed);
}

void Pacer::begin_cycle() {
  ProfiledLock lock(mutex_, "lock: pacer");
  in_cycle_ = true;
  const uint64_t live_now = live();
  live_at_start_.store(live_now, std::memory_order_relaxed);
  const uint64_t goal_now = goal();
  runway_now_.store(std::max(goal_now - std::min(goal_now, live_now), goal_now / 32),
                    std::memory_order_relaxed);
  black_bytes_.store(0, std::memory_order_relaxed);
  credit_.store(0, std::memory_order_relaxed);
  // Nobody starts another while one runs.
  trigger_.store(UINT64_MAX, std::memory_order_relaxed);
  lock.unlock();
  work_done_.store(0, std::memory_order_relaxed);
  // What is to be marked is guessed from the last cycle; a heap that grew since may be all live.
  const auto work_in = [this](uint64_t bytes) {
    return static_cast<uint64_t>(static_cast<double>(bytes) * work_per_byte_);
  };
  work_expected_.store(work_in(std::max(marked_, live() / 2)), std::memory_order_relaxed);
  work_at_most_.store(work_in(live()), std::memory_order_relaxed);
  revise();
}

// Marking work per byte allocated, such that what is left to mark is marked when the goal is
// reached: a rate that stays as it is while both go as planned. Neither is let come near nothing,
// so that it does not swing at the end, nor beyond the goal or what was expected.
void Pacer::revise() {
  const uint64_t goal_now = goal();
  if (goal_now == UINT64_MAX) {
    assist_ratio_.store(0, std::memory_order_relaxed);
    return;
  }
  auto expected = static_cast<double>(work_expected_.load(std::memory_order_relaxed));
  const auto done = static_cast<double>(work_done_.load(std::memory_order_relaxed));
  // More is live than last time, by more than chance: then all of it may be.
  if (done > expected * kMoreThanExpected)
    expected =
        std::max(expected, static_cast<double>(work_at_most_.load(std::memory_order_relaxed)));
  const double left = std::max(expected - done, expected * kLeastLeft);
  const uint64_t live_now = live();
  const double room = goal_now > live_now ? static_cast<double>(goal_now - live_now) : 0;
  const double runway = static_cast<double>(runway_now_.load(std::memory_order_relaxed));
  assist_ratio_.store(left / std::max(room, runway * kLeastLeft), std::memory_order_relaxed);
}

uint64_t Pacer::patience_ns(bool limited, uint64_t more, uint64_t rivals) const {
  const uint64_t held_at = bound(limited);
  const uint64_t beyond = over(held_at, more);
  if (beyond == 0) return 0;
  const uint64_t step = std::max(held_at / 64, kLeastOvershoot / 16);
  const uint64_t doubled = kLeastPatienceNs << std::min(beyond / step, kMostDoublings);
  const uint64_t most =
      std::min(kMostPatienceNs * std::max<uint64_t>(rivals / 4, 1), kMostPatienceAtOnceNs);
  const uint64_t one = std::min(doubled * std::max<uint64_t>(rivals, 1), most);
  return std::min(one * std::max<uint64_t>(more / kRunBytes, 1), kMostPatienceAtOnceNs);
}

int64_t Pacer::take_credit(int64_t wanted) {
  int64_t available = credit_.load(std::memory_order_relaxed);
  while (available > 0) {
    const int64_t taken = std::min(available, wanted);
    if (credit_.compare_exchange_weak(available, available - taken, std::memory_order_relaxed))
      return taken;
  }
  return 0;
}

void Pacer::end_cycle(uint64_t marked, uint64_t metadata) {
  ProfiledLock lock(mutex_, "lock: pacer");
  in_cycle_ = false;
  const uint64_t live_now = live();
  const uint64_t live_at_start = live_at_start_.load(std::memory_order_relaxed);
  const auto allocated_while_marking =
      static_cast<double>(live_now - std::min(live_now, live_at_start));
  // Objects allocated black survive this cycle whatever becomes of them, but many are garbage
  // already. The goal is set for what is likely to be live: of them the share that was live of the
  // rest. (Go counts all of them; it allocates less during a cycle.)
  const uint64_t black = black_bytes_.load(std::memory_order_relaxed);
  const uint64_t survivors = std::min(live_now, marked + black);
  const double live_share =
      std::min(1.0, static_cast<double>(marked + 1) / static_cast<double>(live_at_start + 1));
  marked_ =
      std::min(survivors, marked + static_cast<uint64_t>(static_cast<double>(black) * live_share));
  const double ratio = allocated_while_marking / static_cast<double>(marked_ + 1);
  runway_ratio_ = std::max(ratio, runway_ratio_ * kShrinkRunway);
  metadata_ = metadata;
  const int64_t work = work_done_.load(std::memory_order_relaxed);
  if (work > 0 && marked > 0)
    work_per_byte_ = static_cast<double>(work) / static_cast<double>(marked);
  survivors_ = survivors;
  live_.fetch_sub(live_now - survivors, std::memory_order_relaxed);
  set_goal();
}

}  // namespace greyhound::gc
