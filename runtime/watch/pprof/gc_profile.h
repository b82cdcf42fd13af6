// SPDX-License-Identifier: MIT
// What the collector cost, by who caused it: gc_mark, gc_assist, write_barrier and evacuate, in
// nanoseconds. These stacks are *attributed*: nothing was running there when the time was spent,
// and every sample says so by its label attributed=... . Where the time was really spent is in the
// CPU profile.
//
//   gc_mark, gc_assist    attributed=allocation. Each cycle's marking and assists, as measured, in
//                         proportion to the work that marking the site's recorded survivors is
//                         (gc/watch/mprof.h has the method and its error). The stack is the
//                         allocation's. gc_mark is CPU time of coordinator and workers, gc_assist
//                         the wall clock of assists and of waits for a cycle to begin. Cycles that
//                         found no recorded survivor stand under "[not attributed]".
//   write_barrier         attributed=store. CPU samples inside the barrier, without the barrier's
//                         own frames: the stack is the store's.
//   evacuate              attributed=assign. CPU samples inside growWork, without its frames: the
//                         stack is the map write's that had to do the work; a barrier below counts
//                         here.
//
// Not in it: the barrier's fast path (a load and a branch at each store), sweeping.
#pragma once

#include <cstdint>
#include <vector>

#include "gc/watch/mprof.h"
#include "runtime/profile/cpu_profiler.h"
#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

Profile gc_profile(const std::vector<gc::MemRecord>& records, const gc::MarkTimes& uncharged,
                   const runtime::CpuProfile& cpu);

}  // namespace greyhound::pprof
