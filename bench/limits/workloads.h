// SPDX-License-Identifier: MIT
// What the workloads of bin/limits share, and those of them that are not main.cc's own.
#pragma once

#include "bench/peers/harness.h"
#include "bench/peers/trees.h"
#include "runtime/greyhound.h"
#include "runtime/watch/pprof/profile_files.h"

namespace limits {

using greyhound::Ref;
using greyhound::gc::CycleStats;
using greyhound::gc::GcStats;
using greyhound::runtime::Options;
using greyhound::runtime::Persistent;
using greyhound::runtime::Thread;
using peers::expect;
using peers::Random;
using peers::Result;
using Runtime = greyhound::pprof::ProfiledRuntime;

inline constexpr uint64_t kMiB = 1 << 20;
inline constexpr uint64_t kGiB = 1 << 30;

struct Node {
  Ref<Node> left;
  Ref<Node> right;
};
inline constexpr uint32_t kTreeDepth = 20;  // 32 MiB

// Not inlined into a workload, whose frame would keep parts of what it drops.
GREYHOUND_NOINLINE inline Node* build(Thread& thread, uint32_t depth) {
  if (depth == 0) return thread.make<Node>();
  Node* left = build(thread, depth - 1);
  Node* right = build(thread, depth - 1);
  return thread.make<Node>(left, right);
}

GREYHOUND_NOINLINE inline Ref<Node>* build_forest(Thread& thread, uint64_t trees,
                                                  uint32_t depth = kTreeDepth) {
  auto* forest = thread.make_array<Ref<Node>>(trees);
  for (uint64_t i = 0; i < trees; i++) forest[i] = build(thread, depth);
  return forest;
}

inline double number(uint64_t value) { return static_cast<double>(value); }
inline double us(uint64_t ns) { return number(ns) * 1e-3; }

inline uint64_t gc_cpu_ns(const GcStats& stats) {
  return stats.mark_cpu_ns + stats.assist_ns + stats.sweep_cpu_ns;
}

// pacing.cc
Result storm(bool quick, uint64_t mutators);
Result crowd(bool quick, uint64_t mutators);
Result spiral(bool quick);
Result growth(bool quick, uint64_t mib);
// stacks.cc
Result deep_stack(bool quick);
Result root_words(bool quick);
// profiling.cc
Result cpu_profile_cost(bool quick);
Result heap_profile_cost(bool quick);

}  // namespace limits
