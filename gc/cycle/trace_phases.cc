// SPDX-License-Identifier: MIT
// The trace events of a cycle, from the changes of phase alone: what begins and ends with each, the
// outer before the inner one at a beginning and after it at an end.
//
//   cycle ▸ H1, H2, mark ▸ round ▸ drain, H3
//                        ▸ weak cells and finalizers
//         ▸ H4, H5, sweep
#include "gc/cycle/collector.h"
#include "gc/cycle/cycle.h"

namespace greyhound::gc {
namespace {

bool in_mark(Phase phase) {
  return phase == Phase::kDrain || phase == Phase::kScanRoots || phase == Phase::kReferences;
}

bool in_round(Phase phase) { return phase == Phase::kDrain || phase == Phase::kScanRoots; }

}  // namespace

void Cycle::trace_phases(Phase from, Phase to) {
  const uint64_t now = monotonic_ns();
  const auto note = [&](EventKind kind, EventShape shape, uint8_t detail, uint64_t a, uint64_t b) {
    c_->tracer.note_driver({.at_ns = now,
                            .cycle = c_->started_cycles(),
                            .kind = kind,
                            .shape = shape,
                            .detail = detail,
                            .a = a,
                            .b = b});
  };
  const auto begin = [&](EventKind kind, uint8_t detail = 0) {
    note(kind, EventShape::kBegin, detail, 0, 0);
  };
  const auto end = [&](EventKind kind, uint8_t detail = 0, uint64_t a = 0, uint64_t b = 0) {
    note(kind, EventShape::kEnd, detail, a, b);
  };
  // A round that was not quiet is followed by another drain, counted already.
  const bool round_over = in_round(from) && (!in_round(to) || to == Phase::kDrain);
  const unsigned ended_round = to == Phase::kDrain ? stats_.rounds - 1 : stats_.rounds;

  if (from != Phase::kIdle)
    end(EventKind::kPhase, static_cast<uint8_t>(from), asked_.at_ns, asked_.mutators);
  if (round_over) end(EventKind::kRound, 0, ended_round);
  if (in_mark(from) && !in_mark(to)) end(EventKind::kMark, 0, stats_.rounds);
  if (to == Phase::kIdle)
    end(EventKind::kCycle, stats_.forced ? 1 : 0, stats_.heap_marked, stats_.rounds);

  note(EventKind::kHeap, EventShape::kCounter, 0, c_->pacer.live(), c_->pacer.goal());

  if (from == Phase::kIdle) begin(EventKind::kCycle);
  if (in_mark(to) && !in_mark(from)) begin(EventKind::kMark);
  if (to == Phase::kDrain) begin(EventKind::kRound);
  if (to != Phase::kIdle) begin(EventKind::kPhase, static_cast<uint8_t>(to));
}

// Of the driver's, from `start_ns` until now.
void Cycle::trace_since(uint64_t start_ns, EventKind kind, uint64_t a) {
  c_->tracer.note_driver({.at_ns = start_ns,
                          .duration_ns = monotonic_ns() - start_ns,
                          .cycle = c_->started_cycles(),
                          .kind = kind,
                          .shape = EventShape::kWhole,
                          .a = a});
}

void Cycle::hold_world() {
  const uint64_t start = monotonic_ns();
  c_->world.park_all();
  if (c_->tracer.on()) trace_since(start, EventKind::kHoldWorld, c_->world.count());
}

}  // namespace greyhound::gc
