// SPDX-License-Identifier: MIT
// A full cycle over complete binary trees, nanoseconds per live object, by the number of
// markers and the depth of the tree: 19 is a heap of 16 MiB, in which a technique for large ones
// must not cost anything.
//
// What would mislead: the trees are built depth first, so neighbours in the tree are neighbours in
// memory; a heap that has aged marks more slowly. tools/peers compares the large one with other
// collectors (mark-1g).
#include <benchmark/benchmark.h>

#include "bench/profiled.h"
#include "runtime/greyhound.h"

namespace greyhound {
namespace {

struct Node {
  Ref<Node> left, right;
};

Node* build(runtime::Thread& thread, int depth) {
  if (depth == 0) return thread.make<Node>();
  Node* left = build(thread, depth - 1);
  Node* right = build(thread, depth - 1);
  return thread.make<Node>(left, right);
}

void BM_Mark(benchmark::State& state) {
  gc::Options options;
  options.workers = static_cast<unsigned>(state.range(0));
  bench::Runtime rt(options);
  runtime::Thread thread(rt);
  Node* root = build(thread, static_cast<int>(state.range(1)));
  uint64_t mark_ns = 0;
  uint64_t objects = 0;
  for (auto _ : state) {
    rt.collect();
    const gc::GcStats stats = rt.stats();
    mark_ns += stats.last_cycle.mark_ns;
    objects += stats.last_cycle.mark.objects_greyed;
  }
  benchmark::DoNotOptimize(root);
  state.counters["ns/object"] = static_cast<double>(mark_ns) / static_cast<double>(objects);
}

BENCHMARK(BM_Mark)
    ->ArgNames({"markers", "depth"})
    ->ArgsProduct({{1, 2}, {19, 22}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace greyhound

BENCH_PROFILED_MAIN()
