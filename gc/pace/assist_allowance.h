// SPDX-License-Identifier: MIT
// How long a mutator may assist: of any stretch of CPU time that it allocates through, at least 5/8
// are its own, however much marking it owes. What it still owes is asked for at a later refill;
// when that makes the heap overshoot its goal, the pacer begins the next cycle earlier.
//
// Reckoned in the thread's CPU time: where threads wait for processors, an assist that lost its own
// in the middle did not take longer for it, and time that a thread stood in line is none that it
// ran. That clock costs a system call, so a look at the wall clock comes first, which no thread
// outruns.
//
// Go bounds an assist by the work it owes only, and keeps a quarter of the processors for workers,
// so that little is owed; here the workers take what is idle, which in a storm is nothing.
//
// Thread rules: the mutator's thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace greyhound::gc {

class AssistAllowance {
 public:
  // It saves up no more than this, and no single assist takes longer.
  static constexpr int64_t kMostNs = 20'000;

  // False: not at `wall_ns`, however much of the time since at() and took() the thread ran.
  bool may_be_at(uint64_t wall_ns) const { return saved_up(wall_ns - wall_until_ns_) > 0; }
  // How long the mutator may assist, its CPU clock showing `cpu_ns`; 0 or less: not now.
  int64_t at(uint64_t cpu_ns, uint64_t wall_ns) {
    allowed_ns_ = saved_up(cpu_ns - cpu_until_ns_);
    cpu_until_ns_ = cpu_ns;
    wall_until_ns_ = wall_ns;
    return allowed_ns_;
  }
  // It did since at(): `cpu_ns` of work, over `wall_ns`.
  void took(uint64_t cpu_ns, uint64_t wall_ns) {
    allowed_ns_ -= static_cast<int64_t>(cpu_ns);
    cpu_until_ns_ += cpu_ns;
    wall_until_ns_ += wall_ns;
  }

 private:
  int64_t saved_up(uint64_t own_ns) const {
    // Seconds of it are as good as the most.
    const auto own = static_cast<int64_t>(std::min<uint64_t>(own_ns, 1'000'000'000));
    return std::min(allowed_ns_ + own * 3 / 5, kMostNs);
  }

  int64_t allowed_ns_ = 0;
  uint64_t cpu_until_ns_ = 0;
  uint64_t wall_until_ns_ = 0;
};

}  // namespace greyhound::gc
