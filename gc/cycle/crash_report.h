// SPDX-License-Identifier: MIT
// What a crash report says: phase and cycle, what the address in question is to the heap (free,
// a slot of which class and type, allocated, marked), and what the collector did last.
//
// Thread rules: note() by the collector's thread; everything else from any thread, at any time, a
// signal handler included: it takes no lock, and what it reads may be a moment old.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/watch/event_ring.h"

namespace greyhound::gc {

class Collector;
enum class Phase : uint8_t;

// The last phase changes of a collector, always on.
class EventLog {
 public:
  struct Event {
    uint64_t at_ns = 0;  // monotonic clock
    uint64_t cycle = 0;
    Phase phase{};
  };
  // A cycle of kMaxRounds rounds and the end of the one before it.
  static constexpr size_t kEvents = 32;

  void note(Phase phase, uint64_t cycle);
  // The i-th before the last; false when there are not so many.
  bool recent(size_t i, Event* event) const;

 private:
  uint64_t words_[(kEvents + 1) * EventRing::kWords] = {};
  EventRing ring_{words_, kEvents + 1};
};

// One line: what `address` is to the collector's heap. At most `size` bytes with the NUL.
void describe_address(const Collector& collector, uintptr_t address, char* buffer, size_t size);

// A FatalContext (runtime/base/check.h) whose owner is a Collector.
void describe_collector(const void* owner, char* buffer, unsigned long size);

// From here on a SIGSEGV, SIGBUS, SIGILL or SIGFPE prints a report before the process dies of it.
// For the whole process, once; GREYHOUND_DEBUG=crashreport=1 asks for it.
void install_crash_handler();

}  // namespace greyhound::gc
