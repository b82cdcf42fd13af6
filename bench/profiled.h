// SPDX-License-Identifier: MIT
// Profiles of a benchmark program: `--cpuprofile FILE`, `--heapprofile FILE` and the others of
// runtime/watch/pprof/profile_files.h, whatever the program. It makes its runtimes as
// bench::Runtime, and has BENCH_PROFILED_MAIN for a main().
//
// What would mislead: a profile costs time (docs/profiling.md says how much); quote no figure from
// a run with one.
#pragma once

#include <benchmark/benchmark.h>

#include "runtime/watch/pprof/profile_files.h"
#include "tools/pprof/profile_flags.h"

namespace bench {

using Runtime = greyhound::pprof::ProfiledRuntime;

inline int run_benchmarks(int argc, char** argv) {
  return greyhound::pprof::with_profiles(argc, argv, [](int& count, char** arguments) {
    benchmark::Initialize(&count, arguments);
    if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
  });
}

}  // namespace bench

#define BENCH_PROFILED_MAIN() \
  int main(int argc, char** argv) { return bench::run_benchmarks(argc, argv); }
