// SPDX-License-Identifier: MIT
// Maps: nanoseconds per operation by number of entries, for each path of the code: typed handle,
// specialised functions, generic functions; integers, strings, structs; lookups, insertion with
// growth, iteration, churn; and the longest single insertion while a map grows.
//
// What would mislead: keys are probed in one shuffled order over and over, so for small maps branch
// predictors learn it (as in tools/peers, whose figures compare with Go and others in one
// interleaved run). Beyond the caches, huge pages and the neighbours' memory traffic matter more
// than the code. Lookups do not poll for safepoints; the loops here do, once a round.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "bench/profiled.h"
#include "runtime/greyhound.h"

namespace greyhound {
namespace {

using maps::Map;
using IntMap = Map<int64_t, int64_t>;

struct World {
  bench::Runtime runtime;
  runtime::Thread thread{runtime};
};

std::vector<int64_t> shuffled(int64_t from, int64_t to) {
  std::vector<int64_t> keys(static_cast<size_t>(to - from));
  std::iota(keys.begin(), keys.end(), from);
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(1));
  return keys;
}

IntMap int_map(int64_t n) {
  auto map = IntMap::make();
  for (int64_t i = 0; i < n; ++i) map.insert_or_assign(i, i);
  return map;
}

// Looks every key up by `find(map, key)`, which gives the elem's value or 0.
template <class Find>
void probe(benchmark::State& state, World& world, const std::vector<int64_t>& keys, Find find) {
  for (auto _ : state) {
    world.thread.safepoint();
    int64_t sum = 0;
    for (int64_t key : keys) sum += find(key);
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(keys.size()));
}

void BM_HitTyped(benchmark::State& state) {
  World world;
  const IntMap map = int_map(state.range(0));
  probe(state, world, shuffled(0, state.range(0)), [&](int64_t key) { return *map.find(key); });
}
void BM_HitFast64(benchmark::State& state) {
  World world;
  const IntMap map = int_map(state.range(0));
  const maps::MapType* t = map.type();
  probe(state, world, shuffled(0, state.range(0)), [&](int64_t key) {
    return *static_cast<const int64_t*>(
        maps::mapaccess1_fast64(t, map.header(), static_cast<uint64_t>(key)));
  });
}
void BM_HitGeneric(benchmark::State& state) {
  World world;
  const IntMap map = int_map(state.range(0));
  const maps::MapType* t = map.type();
  probe(state, world, shuffled(0, state.range(0)), [&](int64_t key) {
    return *static_cast<const int64_t*>(maps::mapaccess1(t, map.header(), &key));
  });
}
void BM_MissTyped(benchmark::State& state) {
  World world;
  const IntMap map = int_map(state.range(0));
  probe(state, world, shuffled(state.range(0), 2 * state.range(0)),
        [&](int64_t key) { return int64_t{map.find(key) != nullptr}; });
}
void BM_HitString(benchmark::State& state) {
  World world;
  const int64_t n = state.range(0);
  const auto text = [](int64_t i) { return String::copy("key-" + std::to_string(1000000000 + i)); };
  auto map = Map<String, int64_t>::make();
  for (int64_t i = 0; i < n; ++i) map.insert_or_assign(text(i), i);
  auto* probes = world.thread.make_array<String>(static_cast<size_t>(n));
  String* last = probes;
  for (int64_t i : shuffled(0, n)) *last++ = text(i);
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  probe(state, world, order, [&](int64_t i) { return *map.find(probes[i]); });
}
void BM_Overwrite(benchmark::State& state) {
  World world;
  const IntMap map = int_map(state.range(0));
  probe(state, world, shuffled(0, state.range(0)),
        [&](int64_t key) { return int64_t{map.insert_or_assign(key, key)}; });
}

template <class V>
void insert_grow(benchmark::State& state, V value) {
  World world;
  for (auto _ : state) {
    auto map = Map<int64_t, V>::make();
    for (int64_t i = 0; i < state.range(0); ++i) map.insert_or_assign(i * 7919, value);
    benchmark::DoNotOptimize(map.size());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
void BM_InsertGrow(benchmark::State& state) { insert_grow<int64_t>(state, 1); }
// With elems that take the barrier and are scanned.
void BM_InsertGrowReferences(benchmark::State& state) { insert_grow<Ref<int64_t>>(state, nullptr); }
void BM_InsertHinted(benchmark::State& state) {
  World world;
  for (auto _ : state) {
    auto map = IntMap::make(static_cast<size_t>(state.range(0)));
    for (int64_t i = 0; i < state.range(0); ++i) map.insert_or_assign(i * 7919, i);
    benchmark::DoNotOptimize(map.size());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void BM_Iterate(benchmark::State& state) {
  World world;
  const IntMap map = int_map(state.range(0));
  for (auto _ : state) {
    int64_t sum = 0;
    for (auto [key, value] : map) sum += value;
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// The oldest of `range` keys goes, a new one comes.
void BM_Churn(benchmark::State& state) {
  World world;
  const IntMap map = int_map(state.range(0));
  int64_t oldest = 0;
  for (auto _ : state) {
    map.erase(oldest);
    map.insert_or_assign(oldest + state.range(0), oldest);
    ++oldest;
  }
}

// The longest insertion while a map grows to `range` entries.
void BM_LongestInsert(benchmark::State& state) {
  World world;
  double longest = 0;
  for (auto _ : state) {
    auto map = IntMap::make();
    for (int64_t i = 0; i < state.range(0); ++i) {
      const auto start = std::chrono::steady_clock::now();
      map.insert_or_assign(i, i);
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - start;
      longest = std::max(longest, took.count());
    }
  }
  state.counters["longest-us"] = longest;
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  for (int64_t n : {16, 1000, 100000, 4000000}) benchmark->Arg(n);
}
BENCHMARK(BM_HitTyped)->Apply(sizes);
BENCHMARK(BM_HitFast64)->Apply(sizes);
BENCHMARK(BM_HitGeneric)->Apply(sizes);
BENCHMARK(BM_MissTyped)->Apply(sizes);
BENCHMARK(BM_HitString)->Apply(sizes);
BENCHMARK(BM_Overwrite)->Apply(sizes);
BENCHMARK(BM_InsertGrow)->Arg(1000)->Arg(100000)->Arg(1000000);
BENCHMARK(BM_InsertGrowReferences)->Arg(1000)->Arg(100000)->Arg(1000000);
BENCHMARK(BM_InsertHinted)->Arg(1000)->Arg(100000)->Arg(1000000);
BENCHMARK(BM_Iterate)->Apply(sizes);
BENCHMARK(BM_Churn)->Arg(1000)->Arg(100000);
BENCHMARK(BM_LongestInsert)->Arg(1000000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace greyhound

BENCH_PROFILED_MAIN()
