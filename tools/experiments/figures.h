// SPDX-License-Identifier: MIT
// The figures of the lab: what one repetition of an arm measured, and what all its repetitions come
// to. Counts are differences of the runtime's own statistics, taken around the measured loop. They
// repeat from run to run and are what verdicts rest on. Times do not, so they carry their spread.
//
// Plain values, owned by whoever has them. A figure that was not measured is absent, never zero.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace greyhound::lab {

// What a profile has of a workload: objects, or nanoseconds.
struct ProfileCounts {
  double total = 0;
  double runtime_leaf = 0;  // with one of the runtime's functions innermost
  double labelled = 0;      // with the label that the workload ran under
  // Of a CPU profile only: in map reads; and marking, by where it stands.
  std::optional<double> in_mapaccess = {};
  std::optional<double> mark_in_background = {}, mark_in_assist = {}, mark_in_mapaccess = {};
};

// One repetition of one arm.
struct Measurement {
  uint64_t ops = 0;
  // Absent where nothing was run that could allocate: where code was read.
  std::optional<uint64_t> allocs, bytes, cycles;
  // Of the marking in the measured loop. Go does not export these.
  std::optional<uint64_t> objects_greyed, noscan_greyed, words_scanned, pointers_resolved;
  // Pointers that the write barrier looked at, and objects that it greyed. Lookups that gave the
  // slot which the address lies in.
  std::optional<uint64_t> barrier_hits, barrier_shades, found;
  // Of a function's code: its calls that can reach an allocation, and all that it reaches through a
  // pointer.
  std::optional<uint64_t> alloc_calls, pointer_calls;
  std::optional<ProfileCounts> profile;
  // Objects live after a forced cycle: what Go exports that comes nearest to objects greyed.
  std::optional<uint64_t> objects_live;
  std::optional<uint64_t> mark_cpu_ns;  // all threads, assists included
  std::optional<uint64_t> assist_ns;    // of it, assists; of Go's arms only
  // Greyhound: the longest that one handshake held the mutator. Go: the longest stop-the-world
  // pause.
  std::optional<uint64_t> longest_hold_ns;
  std::vector<double> ns_per_op;  // one sample or more
  std::vector<double> mark_ns;    // wall time of the mark phase, a sample a cycle looked at
};

// The middle of the samples, and between which two values the middle half of them lies (of fewer
// than five samples: all of them). One sample that a busy machine spoiled moves none of the three
// much. `low` and `high` are absent where only a typical value was recorded.
struct Spread {
  double median = 0;
  std::optional<double> low, high;
  size_t samples = 0;  // 0: recorded
};

// Shares are of the profile's total: absent where that is zero. Those of map reads and of marking
// are a CPU profile's, and tell it from one of the heap.
struct ProfileFigures {
  double objects_per_op = 0;  // of a CPU profile: nanoseconds
  std::optional<double> runtime_leaf, labelled, in_mapaccess;
  std::optional<double> mark_in_background, mark_in_assist, mark_in_mapaccess;
};

// What an arm comes to: medians of the counts, spreads of the times, the longest of the holds.
// Counts are totals of one repetition, except where they are said to be per op.
struct Figures {
  std::optional<double> allocs_per_op, bytes_per_op;
  std::optional<Spread> ns_per_op;
  std::optional<double> barrier_hits_per_op, barrier_shades_per_op, found_per_op;
  std::optional<double> alloc_calls, pointer_calls;
  std::optional<ProfileFigures> profile;
  std::optional<double> gc_cycles;
  std::optional<double> objects_greyed, noscan_greyed, words_scanned, pointers_resolved,
      objects_live;
  std::optional<Spread> mark_ms;
  std::optional<double> mark_cpu_ms, longest_hold_us;
  // CPU time of marking, as a share of the loop's wall time: above 1 when several threads mark.
  std::optional<double> gc_cpu_share;
};

// REQUIRES: at least one sample.
Spread spread_of(std::vector<double> samples);

// REQUIRES: at least one measurement.
Figures summarise(const std::vector<Measurement>& repetitions);

}  // namespace greyhound::lab
