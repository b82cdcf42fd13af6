// SPDX-License-Identifier: MIT
// How long a mutator may assist: of any stretch of time that it allocates through, at least 5/8 are
// its own, however much marking it owes. What it still owes is asked for at a later refill; when
// that makes the heap overshoot its goal, the pacer begins the next cycle earlier.
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

  // How long the mutator may assist at `now_ns`, by any monotonic clock; 0 or less: not now.
  int64_t at(uint64_t now_ns) {
    const auto own = static_cast<int64_t>(now_ns - reckoned_until_ns_);
    allowed_ns_ = std::min(allowed_ns_ + own * 3 / 5, kMostNs);
    reckoned_until_ns_ = now_ns;
    return allowed_ns_;
  }
  // It did for `ns`, since at().
  void took(uint64_t ns) {
    allowed_ns_ -= static_cast<int64_t>(ns);
    reckoned_until_ns_ += ns;
  }

 private:
  int64_t allowed_ns_ = 0;
  uint64_t reckoned_until_ns_ = 0;
};

}  // namespace greyhound::gc
