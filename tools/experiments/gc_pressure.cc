// SPDX-License-Identifier: MIT
// X15: what keeps the collector busy. Rows 1, 16 and 43 of the document's claims. Twenty million
// operations of each kind, beside no other work, and how many cycles they set off. Rests on the
// number of cycles; pauses are shown.
#include <fmt/format.h>

#include "tools/common/text_table.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/map_loops.h"

namespace greyhound::lab {
namespace {

enum : size_t { kReadInt, kReadAny, kWriteInt, kWriteAny, kAddress };

Figures recorded(double allocs, double bytes, double cycles, std::optional<double> pause_us) {
  Figures figures;
  figures.allocs_per_op = allocs;
  figures.bytes_per_op = bytes;
  figures.gc_cycles = cycles;
  figures.longest_hold_us = pause_us;
  return figures;
}

std::string verdict(const std::vector<ArmResult>& arms) {
  return fmt::format(
      "False: {} reads `v, ok := m[k]` set off no cycle, so they paused nothing. What the "
      "collector has to clear up comes from boxed writes ({:.0f} cycles) and from &v ({:.0f}).",
      with_commas(arms[kReadAny].ops), *arms[kWriteAny].ours.gc_cycles,
      *arms[kAddress].ours.gc_cycles);
}

}  // namespace

Experiment x15_gc_pressure() {
  Experiment x;
  x.id = "X15";
  x.title = "GC pressure: cycles and pauses of many operations";
  x.claim =
      "`v, ok := m[key]` raises the pressure on the collector and adds to its pauses "
      "(0.02 to 0.87 µs an operation).";
  x.work =
      "20 million operations (2 million with --quick) on maps of 64 string keys, in a heap "
      "with nothing else in it. read and write as in X1; keep &v: `v, ok := m[k]`, then the "
      "address of v is kept.";
  x.op = "one read or write of an entry, or one &v";
  x.note =
      "hold: the longest that a handshake held this thread; Greyhound does not stop the world. "
      "pause: Go's longest stop-the-world pause (recorded: of a typical cycle).";
  x.arms = {
      {"read int", "read-int", Role::kControl, kReadInt, read_int, recorded(0, 0, 0, std::nullopt)},
      {"read any", "read-any", Role::kTreatment, kReadInt, read_any,
       recorded(0, 0, 0, std::nullopt)},
      {"write int", "write-int", Role::kControl, kWriteInt, write_int,
       recorded(0, 0, 0, std::nullopt)},
      {"write any 1000+", "write-any-big", Role::kTreatment, kWriteInt, write_any_big,
       recorded(1, 8, 47, 74)},
      {"keep &v", "address-of-v", Role::kTreatment, kReadInt, address_of_v,
       recorded(1, 8, 46, std::nullopt)},
  };
  x.expectations = {
      {Count::kGcCycles, {kReadAny}, '0', 0, 0.5},
      {Count::kGcCycles, {kWriteAny, kAddress}, '+', 0, 0.5},
  };
  x.columns = {Column::kAllocs, Column::kBytes,   Column::kNs,  Column::kNsSpread,
               Column::kCycles, Column::kMarkCpu, Column::kHold};
  x.go_columns = {Column::kNs, Column::kCycles, Column::kHold};
  x.ops = 20'000'000;
  x.quick_ops = 2'000'000;
  x.repetitions = 5;
  x.quick_repetitions = 7;
  x.quick_seconds = 2;
  x.verdict = verdict;
  return x;
}

}  // namespace greyhound::lab
