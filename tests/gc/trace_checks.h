// SPDX-License-Identifier: MIT
// What holds of every trace, whatever ran meanwhile.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "gc/cycle/collector.h"

namespace greyhound::gc {

inline std::vector<TraceSpan> spans_of(const TraceTrack& track, EventKind kind) {
  std::vector<TraceSpan> found;
  std::ranges::copy_if(track.spans, std::back_inserter(found),
                       [kind](const TraceSpan& span) { return span.kind == kind; });
  return found;
}

inline const TraceTrack* track_named(const Trace& trace, const std::string& name) {
  const auto found =
      std::ranges::find_if(trace.tracks, [&](const auto& track) { return track.name == name; });
  return found == trace.tracks.end() ? nullptr : &*found;
}

// Spans are sorted, inside the trace, and one that begins inside another ends inside it.
inline void expect_nesting(const Trace& trace) {
  for (const TraceTrack& track : trace.tracks) {
    std::vector<const TraceSpan*> open;
    uint64_t last = 0;
    for (const TraceSpan& span : track.spans) {
      ASSERT_LE(last, span.start_ns) << track.name;
      ASSERT_LE(span.start_ns, span.end_ns) << track.name;
      ASSERT_LE(span.end_ns, trace.duration_ns) << track.name;
      last = span.start_ns;
      if (span.shape != EventShape::kWhole) continue;
      while (!open.empty() && open.back()->end_ns <= span.start_ns) open.pop_back();
      if (!open.empty()) {
        ASSERT_LE(span.end_ns, open.back()->end_ns)
            << track.name << ": kind " << static_cast<int>(span.kind) << " crosses the end of kind "
            << static_cast<int>(open.back()->kind);
      }
      open.push_back(&span);
    }
  }
}

inline bool whole(const TraceSpan& span) { return !span.begun_before && !span.unfinished; }

// The phases of one whole cycle: H1 H2 (drain H3)+ [references] H4 H5 sweep.
inline void expect_all_phases(const std::vector<Phase>& phases, uint64_t rounds) {
  std::vector<Phase> expected = {Phase::kBarrierOn, Phase::kAllocBlack};
  for (uint64_t i = 0; i < rounds; ++i) {
    expected.push_back(Phase::kDrain);
    expected.push_back(Phase::kScanRoots);
  }
  if (std::ranges::find(phases, Phase::kReferences) != phases.end())
    expected.push_back(Phase::kReferences);
  expected.insert(expected.end(), {Phase::kBarrierOff, Phase::kAllocWhite, Phase::kSweep});
  EXPECT_EQ(phases, expected);
}

// Every whole cycle has its phases in order; gives how many whole cycles there are.
inline size_t expect_cycles(const Trace& trace) {
  const TraceTrack* driver = track_named(trace, "coordinator");
  if (driver == nullptr) return 0;
  size_t cycles = 0;
  for (const TraceSpan& cycle : spans_of(*driver, EventKind::kCycle)) {
    if (!whole(cycle)) continue;
    ++cycles;
    std::vector<Phase> phases;
    for (const TraceSpan& phase : spans_of(*driver, EventKind::kPhase)) {
      if (phase.cycle == cycle.cycle) phases.push_back(static_cast<Phase>(phase.detail));
    }
    expect_all_phases(phases, cycle.b);
  }
  return cycles;
}

// Every mutator that a handshake asked has answered it once, within it. For traces that lost no
// event; gives how many handshakes were looked at.
inline size_t expect_answers(const Trace& trace) {
  std::map<uint64_t, std::vector<TraceSpan>> answers;  // by the time of the request
  for (const TraceTrack& track : trace.tracks) {
    EXPECT_EQ(track.overwritten, 0u);
    for (const TraceSpan& answer : spans_of(track, EventKind::kAcknowledge))
      answers[answer.a].push_back(answer);
  }
  const TraceTrack* driver = track_named(trace, "coordinator");
  size_t handshakes = 0;
  for (const TraceSpan& phase : spans_of(*driver, EventKind::kPhase)) {
    const auto kind = static_cast<Phase>(phase.detail);
    if (!whole(phase) || kind == Phase::kDrain || kind == Phase::kReferences ||
        kind == Phase::kSweep)
      continue;
    ++handshakes;
    EXPECT_LE(phase.start_ns, phase.a);
    EXPECT_LE(phase.a, phase.end_ns);
    EXPECT_EQ(answers[phase.a].size(), phase.b) << phase_name(kind) << " of cycle " << phase.cycle;
    for (const TraceSpan& answer : answers[phase.a]) {
      EXPECT_GE(answer.start_ns, phase.a);
      EXPECT_LE(answer.end_ns, phase.end_ns);
      EXPECT_EQ(answer.cycle, phase.cycle);
    }
  }
  return handshakes;
}

}  // namespace greyhound::gc
