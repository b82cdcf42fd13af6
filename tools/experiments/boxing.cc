// SPDX-License-Identifier: MIT
// X1: boxing happens at the write, not at the read. Rows 1, 6, 16a, 30, 32, 41 and 42 of the
// document's claims. Rests on allocations and bytes per operation; both are exact.
#include <fmt/format.h>

#include "tools/common/text_table.h"
#include "tools/experiments/experiment.h"
#include "tools/experiments/map_loops.h"

namespace greyhound::lab {
namespace {

enum : size_t { kReadInt, kReadAny, kReadWide, kWriteInt, kWriteSmall, kWriteBig };

Figures recorded(double allocs, double bytes, std::optional<double> ns) {
  Figures figures;
  figures.allocs_per_op = allocs;
  figures.bytes_per_op = bytes;
  if (ns) figures.ns_per_op = Spread{*ns, {}, {}, 0};
  return figures;
}

std::string verdict(const std::vector<ArmResult>& arms) {
  return fmt::format(
      "False: {} reads `v, ok := m[k]` of a map[string]any allocated nothing. The box is made by "
      "the write, {:.0f} B in one allocation, and only for a value that is not below 256.",
      with_commas(arms[kReadAny].ops), *arms[kWriteBig].ours.bytes_per_op);
}

}  // namespace

Experiment x1_boxing() {
  Experiment x;
  x.id = "X1";
  x.title = "Boxing happens at the write, not at the read";
  x.claim =
      "`v, ok := m[key]` on a map[string]interface{} boxes the value at every read (convT2E) and "
      "so allocates; values larger than a word go to the heap.";
  x.work =
      "Maps of 64 string keys. read int: `v := m[k]` on a map[string]int. read any: `v, ok := "
      "m[k]` on a map[string]any; read 64 B: the same with values of 64 bytes. write: `m[k] = "
      "v` with an int, with any(7), and with any(1000) and up.";
  x.op = "one read or write of an entry";
  x.arms = {
      {"read int", "read-int", Role::kControl, kReadInt, read_int, recorded(0, 0, 2.48)},
      {"read any", "read-any", Role::kTreatment, kReadInt, read_any, recorded(0, 0, 2.72)},
      {"read 64 B", "read-wide", Role::kTreatment, kReadInt, read_wide, recorded(0, 0, 3.9)},
      {"write int", "write-int", Role::kControl, kWriteInt, write_int, recorded(0, 0, 7.6)},
      {"write any 7", "write-any-small", Role::kTreatment, kWriteInt, write_any_small,
       recorded(0, 0, std::nullopt)},
      {"write any 1000+", "write-any-big", Role::kTreatment, kWriteInt, write_any_big,
       recorded(1, 8, 22)},
  };
  x.expectations = {
      {Count::kAllocsPerOp, {kReadAny, kReadWide, kWriteSmall}, '0', 0, 1e-4},
      {Count::kAllocsPerOp, {kWriteBig}, '+', 1, 1e-3},
      {Count::kBytesPerOp, {kWriteBig}, '+', 8, 0.01},
  };
  x.columns = {Column::kAllocs, Column::kBytes,  Column::kNs,      Column::kNsSpread,
               Column::kCycles, Column::kGreyed, Column::kMarkCpu, Column::kHold};
  x.go_columns = {Column::kAllocs, Column::kBytes, Column::kNs};
  x.ops = 2'000'000;
  x.quick_ops = 500'000;
  x.repetitions = 15;
  x.quick_repetitions = 9;
  x.quick_seconds = 2;
  x.verdict = verdict;
  return x;
}

}  // namespace greyhound::lab
