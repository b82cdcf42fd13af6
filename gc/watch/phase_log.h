// SPDX-License-Identifier: MIT
// A collector's phases, and the last of its changes of phase: always on, for crash reports, fatal
// errors and whoever shows a collector's state.
//
// Thread rules: note() by whoever advances the cycle; everything else from any thread, at any time,
// a signal handler included: it takes no lock, and what it reads may be a moment old.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/watch/event_ring.h"

namespace greyhound::gc {

enum class Phase : uint8_t {
  kIdle,
  kBarrierOn,
  kAllocBlack,
  kDrain,
  kScanRoots,
  kReferences,  // skipped while nothing has a weak cell, an ephemeron, a finalizer or a cleanup
  kBarrierOff,
  kAllocWhite,
  kSweep
};
const char* phase_name(Phase phase);

class PhaseLog {
 public:
  struct Entry {
    uint64_t at_ns = 0;  // monotonic clock
    uint64_t cycle = 0;  // the one that it belongs to; of kIdle, the one that is over
    Phase phase{};
  };
  // A cycle of as many rounds as there can be, and the end of the one before it.
  static constexpr size_t kEntries = 32;

  void note(Phase phase, uint64_t cycle);
  // The i-th before the last; false when there are not so many.
  bool recent(size_t i, Entry* entry) const;

  // Phase, cycles completed and the last changes; at most `size` bytes with the NUL. As a
  // FatalContext (runtime/base/check.h), whose owner is a PhaseLog.
  static void describe(const void* owner, char* buffer, unsigned long size);

 private:
  uint64_t words_[(kEntries + 1) * EventRing::kWords] = {};
  EventRing ring_{words_, kEntries + 1};
};

}  // namespace greyhound::gc
