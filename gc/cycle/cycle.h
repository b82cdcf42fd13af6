// SPDX-License-Identifier: MIT
// One collection as a state machine. It is on the fly: no phase stops the mutators; each hears of a
// phase change in a handshake of its own.
//
//   idle ─▶ H1 barrier on ─▶ H2 allocate black
//        ─▶ { clear flag ▸ drain ▸ H3 scan roots }* until quiet
//        ─▶ closed: weak cells cleared, finalizable objects revived
//        ─▶ H4 barrier off ─▶ H5 allocate white, raise sweepgen ─▶ sweep ─▶ idle
//
// Quiet (rule 2 of docs/protocol.md): after H3's last acknowledgement and after its root words were
// resolved, the flag "something was shaded, donated or newly greyed from a root" is still clear,
// and the pool is quiet. The flag is cleared before the round's drain, never later (rule 3). Then,
// by compare and swap on the same word (gc/mark/round.h), the round is closed: from there on
// nothing white becomes reachable, weak loads included.
//
// kStopTheWorld is the same machine inside park_all()/release_all().
//
// Thread rules: whoever advances the cycle (coordinator.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gc/cycle/coordinator.h"
#include "gc/cycle/scanned_roots.h"
#include "gc/mutator/world.h"
#include "gc/pace/cpu_account.h"
#include "gc/watch/counters.h"
#include "gc/watch/event_ring.h"
#include "gc/watch/phase_log.h"
#include "gc/watch/stats.h"

namespace greyhound::gc {

class Collector;

// What checkmark finds: an object that is reachable, by `parent` or, if that is 0, by a root, and
// was not marked.
struct UnmarkedObject {
  uintptr_t object;
  uintptr_t parent;
  const char* from;  // "field", or the kind of root
};

class Cycle {
 public:
  // After this many rounds the mutators are held for one last one, so that a program that keeps
  // hiding pointers from the scan cannot keep a cycle from ending.
  static constexpr unsigned kMaxRounds = 8;

  explicit Cycle(Collector* collector) : c_(collector) {}
  Cycle(const Cycle&) = delete;
  Cycle& operator=(const Cycle&) = delete;

  // Goes on by one phase change, or, in stepping mode, by `objects` scanned.
  Progress advance(size_t objects);

 private:
  friend struct CollectorTesting;
  friend struct Stepping;

  // What the counters had when the cycle began, or, of maps, when the last one ended.
  struct Before {
    Counters::Values counted;
    CpuTimes cpu;
    bool idle = false;     // next to nothing was allocated since the last cycle
    uint64_t mallocs = 0;  // before allocation became black
  };
  // That all mutators are held, and why.
  struct Held {
    bool for_cycle = false;  // stop-the-world mode
    bool for_round = false;  // since rounds would not end
    uint64_t since_ns = 0;   // in stop-the-world mode
    uint64_t for_ns = 0;     // and, once they were let go, for how long
  };

  // The phases, each with what ends it.
  Progress begin();
  Progress allocate_black();
  Progress begin_marking();
  Progress drain(size_t objects);
  Progress gcMarkDone();
  Progress process_references();
  Progress allocate_white();
  Progress begin_sweep();
  Progress sweep();

  void enter(Phase phase);
  void ask(Handshake handshake);
  void begin_round();
  void markroot_shared();
  void markroot_scanned();
  bool close_round();
  void finish_marking();
  void finish();
  void hold_world();
  void return_surplus();
  void tell_limiter(uint64_t now);
  void checkmark(const char* when);
  std::vector<UnmarkedObject> find_unmarked(size_t most);
  void trace_phases(Phase from, Phase to);
  void trace_since(uint64_t start_ns, EventKind kind, uint64_t a);
  void print_trace() const;

  Collector* const c_;
  CycleStats stats_;
  Before before_;
  Held held_;
  HandshakeRequest asked_;  // the last one
  uint64_t handshakes_started_ns_ = 0;
  uint64_t mark_started_ns_ = 0;
  ScannedRoots roots_;  // of the last H3
};

}  // namespace greyhound::gc
