// SPDX-License-Identifier: MIT
// What an embedder chooses when a runtime is made. Read once at creation; later changes go through
// the setters of Runtime. Environment variables (GREYHOUND_GC, GREYHOUND_MEMLIMIT, GREYHOUND_DEBUG)
// fill in what the embedder left at its default, unless use_environment is false.
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/base/flags.h"

namespace greyhound::gc {

enum class Mode : uint8_t {
  // On the fly: a coordinator thread and markers run beside the mutators. The default.
  kConcurrent,
  // The same marker, with every mutator held from the start of a cycle to its end.
  kStopTheWorld,
  // No thread of its own: a cycle advances only when somebody calls step() or collect().
  kStepping,
};

enum class StackRoots : uint8_t {
  // Every word of an attached thread's stack and registers may be a pointer. The default.
  kConservative,
  // Roots are handles, persistents and root ranges, and of stacks only those that are registered by
  // Mutator::add_stack; runtime::Stack does nothing.
  kPrecise,
};

enum class Barrier : uint8_t {
  // Dijkstra's: a store shades the new value; roots are scanned until a round is quiet. The
  // default.
  kDijkstra,
  // Yuasa's and Dijkstra's together, as in Go since 1.8: a store shades the old value as well, and
  // each mutator's roots are scanned once.
  kHybrid,
};

// How the making of a heap and of its collector ended.
enum class Start : uint8_t { kStarted, kNoMemory, kNoThread };

// Called on the allocating mutator's thread when an allocation of `bytes` cannot be satisfied even
// after a collection; it may record or throw. When it returns, the allocation yields null.
using OutOfMemoryHandler = void (*)(void* context, size_t bytes);

// Called with each message of the library's, one sentence; what it may do is said in
// gc/watch/log.h.
using LogFunction = void (*)(void* context, const char* message);

inline constexpr int64_t kGcOff = -1;

struct Options {
  // As GOGC: the heap may grow by this many percent of what was marked; kGcOff, or any negative
  // number, never starts a cycle, unless there is a memory limit.
  int64_t gc_percent = 100;
  // As GOMEMLIMIT: bytes the collector works to stay under; it never refuses an allocation. 0:
  // none.
  uint64_t memory_limit = 0;
  // Without a memory_limit, nine tenths of what the process's control group may have, if that is
  // limited (v2's memory.max and memory.high, v1's limit_in_bytes).
  bool cgroup_memory_limit = false;
  // Bytes of heap pages that are never exceeded; allocation fails instead. 0: the reserve.
  uint64_t max_heap = 0;
  // Marking threads, the coordinator included. 0: a quarter of the CPUs, at least one.
  unsigned workers = 0;
  Mode mode = Mode::kConcurrent;
  StackRoots stack_roots = StackRoots::kConservative;
  Barrier barrier = Barrier::kDijkstra;
  // Bytes of address space for the heap, committed lazily; a quarter less is tried, again and
  // again, until it can be had. 0: 64 GiB (4 GiB under sanitizers).
  uint64_t reserve = 0;
  // Ask for transparent huge pages under the heap.
  bool huge_pages = false;
  // A cycle begins when none did for so long, though little is allocated: once all attached threads
  // are in blocking regions, and when one of them ran since the last such cycle. What is free
  // goes back to the system after it. As Go's two minutes; 0: never, as with gc_percent off and in
  // stepping mode.
  uint64_t idle_cycle_ms = 120'000;
  // Run finalizers and cleanups on a thread of their own; else only in Runtime::run_finalizers().
  bool finalizer_thread = true;
  // As Go's MemProfileRate: of so many bytes allocated one is sampled for the heap profile
  // (mprof.h). 0: none; 1: every object, which takes some 180 ns each.
  uint64_t mem_profile_rate = 0;
  bool use_environment = true;
  OutOfMemoryHandler on_out_of_memory = nullptr;
  void* out_of_memory_context = nullptr;
  // Where messages go (a thread that does not answer the collector, an environment variable that is
  // not understood); null: stderr. Fatal errors and gctrace always go to stderr.
  LogFunction log = nullptr;
  void* log_context = nullptr;
  DebugFlags debug;
};

}  // namespace greyhound::gc
