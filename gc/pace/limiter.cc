// SPDX-License-Identifier: MIT
#include "gc/pace/limiter.h"

#include <algorithm>

namespace greyhound::gc {

void CpuLimiter::cycle_ended(uint64_t start_ns, uint64_t now_ns, uint64_t gc_cpu_ns) {
  // A clock may lag behind what it counts: nobody takes more than there is.
  gc_cpu_ns = std::min(gc_cpu_ns, (now_ns - std::min(now_ns, start_ns)) * cpus_);
  const uint64_t available = (now_ns - std::min(now_ns, counted_ns_)) * cpus_;
  counted_ns_ = now_ns;
  const uint64_t theirs = available - std::min(available, gc_cpu_ns);
  const uint64_t capacity = kCapacityNs * cpus_;
  excess_ns_ =
      std::min(capacity, excess_ns_ + gc_cpu_ns - std::min(excess_ns_ + gc_cpu_ns, theirs));
  // On at the brim, off at the half: a limit that lets every other cycle through is none.
  const bool limited = excess_ns_ == capacity || (limiting() && excess_ns_ > capacity / 2);
  // Twice what it took, over all processors: half of that is the mutators'. As nothing takes more
  // than all processors, that is past at the latest when the cycle's own length has passed again.
  rest_until_ns_.store(limited ? start_ns + 2 * gc_cpu_ns / cpus_ : 0, std::memory_order_relaxed);
}

}  // namespace greyhound::gc
