// SPDX-License-Identifier: MIT
// What an arm runs on: a runtime of its own with the calling thread attached, set up as an embedder
// would, and the measured loop. Nothing of one arm is in another's heap, and its counts start at
// zero.
//
// Rules that keep the figures honest: the loop's body must use what it computes (consume), must
// keep the map in use until after the loop (so that the conservative stack scan finds it), and what
// it calls of the runtime are the functions that a compiler's output would call.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gc/cycle/collector.h"
#include "runtime/greyhound.h"
#include "runtime/watch/pprof/profile_files.h"
#include "tools/experiments/figures.h"
#include "tools/experiments/observed_scope.h"
#include "tools/experiments/trace_sink.h"

namespace greyhound::lab {

// The compiler must assume that the value is read and that all memory changed.
template <class T>
GREYHOUND_INLINE void consume(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

class MeasuredRuntime {
 public:
  explicit MeasuredRuntime(const runtime::Options& options = {})
      : runtime_(serve::observed_options(options)), thread_(runtime_, "lab") {}
  MeasuredRuntime(const MeasuredRuntime&) = delete;
  MeasuredRuntime& operator=(const MeasuredRuntime&) = delete;

  runtime::Runtime& runtime() { return runtime_; }
  runtime::Thread& thread() { return thread_; }

  // body(i) for each i below ops, with a safepoint every so often: loops that do not allocate must
  // answer the collector as well.
  template <class Body>
  GREYHOUND_INLINE void repeat(uint64_t ops, Body body) {
    constexpr uint64_t kChunk = 1024;
    for (uint64_t i = 0; i < ops;) {
      for (const uint64_t end = std::min(ops, i + kChunk); i < end; ++i) body(i);
      thread_.safepoint();
    }
  }

  // What `ops` operations do, after a short warm-up that is too small to start a cycle.
  template <class Body>
  Measurement measure(uint64_t ops, Body body) {
    constexpr uint64_t kMostWarmUp = 20'000;
    repeat(std::min(ops / 16, kMostWarmUp), body);
    const gc::GcStats before = runtime_.stats();
    const uint64_t start = gc::monotonic_ns();
    repeat(ops, body);
    const uint64_t elapsed = gc::monotonic_ns() - start;
    return difference(before, runtime_.stats(), ops, elapsed);
  }

  static Measurement difference(const gc::GcStats& before, const gc::GcStats& after, uint64_t ops,
                                uint64_t elapsed_ns);

 private:
  pprof::ProfiledRuntime runtime_;
  serve::ObservedScope observed_{runtime_};
  trace::TracedScope traced_{runtime_};
  runtime::Thread thread_;
};

}  // namespace greyhound::lab
