// SPDX-License-Identifier: MIT
// Cuts a death spiral off: when collecting has taken more than half of the processors for a while
// (a memory limit that what is live does not leave room for), mutators no longer assist, and the
// next cycle waits until they have had their half, though never for longer than the cycle before it
// took, nor once the heap is beyond what gc_percent alone would let it grow to (Pacer::bound). The
// heap then grows beyond its limit: a program that is too large ends sooner or later, one that
// makes no progress never does. After Go's
// gcCPULimiterState (src/runtime/mgclimit.go), a leaky bucket as well; Go never delays a cycle,
// because its workers take a quarter of the processors at most, where ours take what is idle.
//
// Thread rules: cycle_ended from the collector's thread; the rest from any.
#pragma once

#include <atomic>
#include <cstdint>

namespace greyhound::gc {

class CpuLimiter {
 public:
  // So much more than its half the collector may have taken, for each processor, before it is
  // limited, until half of that is made up for. The capacity is Go's.
  static constexpr uint64_t kCapacityNs = 1'000'000'000;

  // `now_ns`: since when time is counted. No cycle ran before.
  CpuLimiter(unsigned cpus, uint64_t now_ns) : cpus_(cpus), counted_ns_(now_ns) {}

  // A cycle that nobody asked for but the pacer began at `start_ns` (of the same clock as now_ns)
  // is over and took `gc_cpu_ns` of CPU time, assists included (cpu_account.h).
  void cycle_ended(uint64_t start_ns, uint64_t now_ns, uint64_t gc_cpu_ns);
  // One that the program asked for is over: its time is not counted.
  void forced_cycle_ended(uint64_t now_ns) { counted_ns_ = now_ns; }

  uint64_t cpus() const { return cpus_; }
  bool limiting() const { return rest_until_ns() != 0; }
  // No cycle begins before then unless it is forced; 0 while there is no limit.
  uint64_t rest_until_ns() const { return rest_until_ns_.load(std::memory_order_relaxed); }

 private:
  friend struct CollectorTesting;

  const uint64_t cpus_;
  uint64_t counted_ns_;
  uint64_t excess_ns_ = 0;  // what the collector took beyond the mutators' time, 0 to the capacity
  std::atomic<uint64_t> rest_until_ns_{0};
};

}  // namespace greyhound::gc
