// SPDX-License-Identifier: MIT
// The write barrier: stores of a pointer into random slots of a large object, with the barrier
// (Ref's assignment) and without (a bare word store), while no cycle runs.
//
// What would mislead: in a short loop the branch is predicted and the flag is in L1, so the
// difference is a couple of instructions; what the barrier costs while marking depends on how much
// it shades, which the counters of a real run tell (GcStats::barrier_shades).
#include <benchmark/benchmark.h>

#include "bench/profiled.h"
#include "runtime/greyhound.h"

namespace greyhound {
namespace {

struct Leaf {
  int64_t value;
};
constexpr size_t kSlots = 4 << 20;

template <class Store>
void measure(benchmark::State& state, Store store) {
  gc::Options options;
  options.gc_percent = gc::kGcOff;
  bench::Runtime rt(options);
  runtime::Thread thread(rt);
  auto* slots = thread.make_array<Ref<Leaf>>(kSlots);
  auto* leaf = thread.make<Leaf>();
  uint64_t random = 1;
  for (auto _ : state) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    store(&slots[random >> 42], leaf);
  }
  benchmark::DoNotOptimize(slots);
}

void BM_StoreWithBarrier(benchmark::State& state) {
  measure(state, [](Ref<Leaf>* slot, Leaf* leaf) { *slot = leaf; });
}
void BM_StoreBare(benchmark::State& state) {
  measure(state,
          [](Ref<Leaf>* slot, Leaf* leaf) { store_word(slot, reinterpret_cast<uintptr_t>(leaf)); });
}

BENCHMARK(BM_StoreWithBarrier);
BENCHMARK(BM_StoreBare);

}  // namespace
}  // namespace greyhound

BENCH_PROFILED_MAIN()
