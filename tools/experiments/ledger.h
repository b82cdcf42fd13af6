// SPDX-License-Identifier: MIT
// The ledger: what one write `m[k] = v` to a map of 16,384 integers costs, split into what it is
// made of, boxed (map[int]any) beside unboxed (map[int]int), beside the same in Go.
//
// All times are CPU time of the writing thread, so that what else runs on the machine does not
// count; ns per write. How each line is measured, all in one interleaved run, repetition by
// repetition:
//
//   mutator   the same loop without a box: unboxed, or storing boxes made before; GC off
//   malloc    what making the object by mallocgc itself adds to that; GC off, reused memory
//   boxing    what calling convT64 instead of mallocgc adds to that; GC off
//   assist    time that the loop's thread spent marking in assists, by the runtime's counter (of
//             Go's, by its gctrace); GC on
//   barrier   pointers that the barrier looked at with GC on, times what one costs: the loop that
//             stores boxes made before, with marking held on, less the same with it off
//   rest      what remains of the measured total: sweeping, handshakes, caches that marking has
//             emptied, memory bandwidth, and the errors of all lines above; it may be negative
//   total     the whole loop with GC on. Always the sum of the lines.
//
// Beside the total, not in it: CPU time of marking on other threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/experiments/figures.h"
#include "tools/experiments/go_peer.h"
#include "tools/experiments/progress.h"
#include "tools/experiments/runner.h"

namespace greyhound::lab {

struct LedgerLine {
  std::string name;
  std::optional<Spread> ns;  // per write; absent: not measured on its own, so it is in the rest
};

struct LedgerColumn {
  std::string name;               // "unboxed", "boxed"
  std::string who;                // "Greyhound", "go1.19.8"
  std::vector<LedgerLine> lines;  // in the order above, without the total
  Spread total;
  double allocs = 0;              // per write
  double cycles = 0;              // of one repetition
  double barrier_hits = 0;        // per write; 0 for Go, which does not count them
  std::optional<double> marking;  // CPU ns per write on other threads
};

struct Ledger {
  uint64_t ops = 0;  // of one repetition
  size_t repetitions = 0;
  std::vector<LedgerColumn> columns;
  std::string go_note;  // why there is no column of Go's; empty when there is
};

// 15 repetitions, quick 7, unless the settings say how many. `go` may be null; `go_note` then says
// why.
Ledger measure_ledger(const Settings& settings, const GoPeer* go, const std::string& go_note,
                      Progress* progress);

}  // namespace greyhound::lab
