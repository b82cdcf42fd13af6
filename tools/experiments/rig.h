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
#include <vector>

#include "runtime/greyhound.h"
#include "tools/experiments/figures.h"
#include "tools/serve/shown_runtime.h"

namespace greyhound::lab {

// What `lab --heapprofile` gathers: the heap profile of every rig that ended while it was there.
// One at a time, on the thread that makes the rigs.
class HeapSink {
 public:
  explicit HeapSink(uint64_t rate) : rate_(rate) { current_ = this; }
  ~HeapSink() { current_ = nullptr; }
  HeapSink(const HeapSink&) = delete;
  HeapSink& operator=(const HeapSink&) = delete;

  static HeapSink* current() { return current_; }
  uint64_t rate() const { return rate_; }
  const std::vector<gc::MemRecord>& records() const { return records_; }
  void take(runtime::Runtime& runtime);

 private:
  static inline HeapSink* current_ = nullptr;
  const uint64_t rate_;
  std::vector<gc::MemRecord> records_;
};

// The compiler must assume that the value is read and that all memory changed.
template <class T>
GREYHOUND_INLINE void consume(const T& value) {
  asm volatile("" : : "r,m"(value) : "memory");
}

class Rig {
 public:
  explicit Rig(const runtime::Options& options = {})
      : runtime_(profiled(serve::shown(options))), thread_(runtime_, "lab") {}
  ~Rig() {
    if (HeapSink* sink = HeapSink::current(); sink != nullptr) sink->take(runtime_);
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

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
  static runtime::Options profiled(runtime::Options options);

  runtime::Runtime runtime_;
  serve::ShownScope shown_{runtime_};
  runtime::Thread thread_;
};

}  // namespace greyhound::lab
