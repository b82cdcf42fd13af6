// SPDX-License-Identifier: MIT
// Allocation and boxing: nanoseconds per object with the collector at its defaults, garbage at
// once.
//
// What would mislead: nothing here survives, so a cycle marks next to nothing; tools/peers has the
// workloads with a live heap, and compares with other allocators in one interleaved run. Times are
// wall clock of one thread while the coordinator uses another core, if there is one.
#include <benchmark/benchmark.h>

#include "bench/profiled.h"
#include "runtime/greyhound.h"

namespace greyhound {
namespace {

struct Pair {
  Ref<Pair> first, second;
};
struct Line {
  Ref<Line> next;
  std::array<int64_t, 6> payload;
  Ref<Line> other;
};

void report(benchmark::State& state, runtime::Runtime& rt, const gc::GcStats& before) {
  const gc::GcStats after = rt.stats();
  const auto operations = static_cast<double>(state.iterations());
  state.counters["allocs/op"] = static_cast<double>(after.mallocs - before.mallocs) / operations;
  state.counters["B/op"] = static_cast<double>(after.alloc_bytes - before.alloc_bytes) / operations;
  state.counters["cycles"] = static_cast<double>(after.cycles - before.cycles);
  state.counters["hold-max-us"] = static_cast<double>(after.holds.max_ns) / 1e3;
}

template <class Operation>
void measure(benchmark::State& state, Operation operation) {
  bench::Runtime rt;
  runtime::Thread thread(rt);
  const gc::GcStats before = rt.stats();
  int64_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(operation(thread, i++));
  report(state, rt, before);
}

void BM_Alloc8Noscan(benchmark::State& state) {
  measure(state, [](runtime::Thread& t, int64_t) { return t.make<int64_t>(); });
}
void BM_Alloc16Pointers(benchmark::State& state) {
  measure(state, [](runtime::Thread& t, int64_t) { return t.make<Pair>(); });
}
void BM_Alloc64Pointers(benchmark::State& state) {
  measure(state, [](runtime::Thread& t, int64_t) { return t.make<Line>(); });
}
void BM_BoxSmallInt(benchmark::State& state) {
  measure(state, [](runtime::Thread&, int64_t i) {
    return runtime::convT64(static_cast<uint64_t>(i & 255));
  });
}
void BM_BoxInt(benchmark::State& state) {
  measure(state, [](runtime::Thread&, int64_t i) {
    return runtime::convT64(static_cast<uint64_t>(i + 256));
  });
}
void BM_BoxString(benchmark::State& state) {
  const String text = String::literal("greyhound");
  measure(state, [&text](runtime::Thread&, int64_t) { return runtime::convTstring(text); });
}
// By size, without pointers: where the price of zeroing begins to show.
void BM_AllocNoscan(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  measure(state, [size](runtime::Thread&, int64_t) { return gc::mallocgc(size, nullptr); });
}

BENCHMARK(BM_Alloc8Noscan);
BENCHMARK(BM_Alloc16Pointers);
BENCHMARK(BM_Alloc64Pointers);
BENCHMARK(BM_BoxSmallInt);
BENCHMARK(BM_BoxInt);
BENCHMARK(BM_BoxString);
BENCHMARK(BM_AllocNoscan)->RangeMultiplier(4)->Range(16, 1 << 20);

}  // namespace
}  // namespace greyhound

BENCH_PROFILED_MAIN()
