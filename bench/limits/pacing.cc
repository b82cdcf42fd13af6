// SPDX-License-Identifier: MIT
// The workloads of bin/limits that hold the pacer to its word.
#include <sched.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "bench/limits/watch.h"
#include "bench/limits/workloads.h"

namespace limits {
namespace {

// Two of the processors that we may use, however many there are.
void use_two_cores() {
  cpu_set_t allowed, two;
  CPU_ZERO(&two);
  expect(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "the processors we may use");
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&two) < 2; cpu++) {
    if (CPU_ISSET(cpu, &allowed)) CPU_SET(cpu, &two);
  }
  expect(sched_setaffinity(0, sizeof two, &two) == 0, "being restricted to two processors");
}

constexpr uint32_t kStormTrees = 64;
constexpr uint32_t kStormDepth = 15;  // 1 MiB
constexpr uint64_t kWindow = 20'000'000;

Node* build_ticking(Thread& thread, uint32_t depth, Utilization* time) {
  if (depth <= 2) {
    time->tick();
    return build(thread, depth);
  }
  Node* left = build_ticking(thread, depth - 1, time);
  Node* right = build_ticking(thread, depth - 1, time);
  return thread.make<Node>(left, right);
}

// Replaces its share of the live heap, tree by tree, for `ns`.
void storm_of_one(Runtime& runtime, uint64_t trees, uint64_t ns, Utilization* time,
                  Overshoot* overshoot) {
  Thread thread(runtime);
  Ref<Node>* forest = build_forest(thread, trees, kStormDepth);
  const uint64_t end = peers::now_ns() + ns;
  time->start();
  for (uint64_t i = 0; peers::now_ns() < end; i++) {
    forest[i % trees] = build_ticking(thread, kStormDepth, time);
    if (overshoot != nullptr) overshoot->look();
  }
}

constexpr uint64_t kGarbagePerSecond = 512 * kMiB;

// Makes garbage at its rate until `cycles` more have ended.
void make_garbage(Runtime& runtime, Thread& thread, uint64_t cycles) {
  constexpr uint32_t kDepth = 14;  // 512 KiB
  const uint64_t end = runtime.collector().completed_cycles() + cycles;
  const uint64_t step_ns =
      peers::tree_nodes(kDepth) * sizeof(Node) * 1'000'000'000 / kGarbagePerSecond;
  uint64_t due = peers::now_ns();
  while (runtime.collector().completed_cycles() < end) {
    peers::consume(build(thread, kDepth));
    due += step_ns;
    const uint64_t now = peers::now_ns();
    if (due <= now) continue;
    thread.blocking([=] { std::this_thread::sleep_for(std::chrono::nanoseconds(due - now)); });
  }
}

}  // namespace

Result storm(bool quick, uint64_t mutators) {
  use_two_cores();
  Runtime runtime;
  const uint64_t ns = (quick ? 1 : 10) * uint64_t{1'000'000'000};
  std::vector<Utilization> times(mutators);
  std::vector<std::thread> others;
  {
    // The least goals are passed before anything is counted: they are no storm of 64 MiB.
    Thread thread(runtime);
    Ref<Node>* forest = build_forest(thread, kStormTrees, kStormDepth);
    runtime.collect();
    peers::consume(forest);
  }
  Overshoot overshoot(&runtime);
  const auto run = [&](uint64_t i) {
    storm_of_one(runtime, kStormTrees / mutators, ns, &times[i], i == 0 ? &overshoot : nullptr);
  };
  for (uint64_t i = 1; i < mutators; i++) others.emplace_back(run, i);
  run(0);
  for (std::thread& other : others) other.join();
  double least = 1, mean = 1;
  for (const Utilization& time : times) {
    least = std::min(least, time.least(kWindow));
    mean = std::min(mean, time.mean());
  }
  const GcStats stats = runtime.stats();
  Result result{"% over goal", std::max(0.0, overshoot.quantile(1)), {}};
  result.with("p50", overshoot.quantile(0.5)).with("cycles", number(overshoot.cycles()));
  result.with("assists", number(stats.assist_times.count));
  result.with("assist_p999_us", us(stats.assist_times.quantile(0.999)));
  result.with("assist_max_us", us(stats.assist_times.max_ns));
  return result.with("least_share", least * 100).with("mean_share", mean * 100);
}

// What lives is a list: one thread at a time can mark it, so that the mutators' assists are no help
// and all depends on who gets the processors.
Result crowd(bool quick, uint64_t mutators) {
  use_two_cores();
  Runtime runtime;
  Persistent<Node> kept(runtime);
  {
    Thread thread(runtime);
    Node* list = nullptr;
    for (uint64_t i = 0; i < 64 * kMiB / sizeof(Node); i++) {
      list = thread.make<Node>(list, nullptr);
      if (i % 1024 == 0) kept = list;
    }
    kept = list;
    runtime.collect();
  }
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> made{0};
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < mutators; i++) {
    threads.emplace_back([&] {
      Thread thread(runtime);
      while (!stop.load(std::memory_order_relaxed)) {
        peers::consume(build(thread, 6));
        made.fetch_add(peers::tree_nodes(6), std::memory_order_relaxed);
      }
    });
  }
  const uint64_t ns = (quick ? 1 : 10) * uint64_t{1'000'000'000};
  const uint64_t start = peers::now_ns();
  Overshoot overshoot(&runtime);
  const auto& pacer = runtime.collector().pacer;
  double worst = 0;
  while (peers::now_ns() - start < ns) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    worst = std::max(worst, number(pacer.live()) / number(pacer.goal()) * 100 - 100);
    overshoot.look();
  }
  const double seconds = number(peers::now_ns() - start) * 1e-9;
  const uint64_t objects = made.load();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const GcStats stats = runtime.stats();
  Result result{"% over goal", std::max(worst, overshoot.quantile(1)), {}};
  result.with("p50", overshoot.quantile(0.5)).with("cycles", number(overshoot.cycles()));
  result.with("wait_p999_us", us(stats.assist_times.quantile(0.999)));
  result.with("wait_max_us", us(stats.assist_times.max_ns));
  result.with("limited_cycles", number(stats.limited_cycles));
  return result.with("mobjects_per_s", number(objects) * 1e-6 / seconds);
}

Result spiral(bool quick) {
  use_two_cores();
  Options options;
  options.memory_limit = kStormTrees * kMiB / 2;
  Runtime runtime(options);
  Utilization time;
  const uint64_t second = 1'000'000'000;
  // Until it is limited, the collector may take what it can get.
  storm_of_one(runtime, kStormTrees, 5 * second, &time, nullptr);
  const GcStats before = runtime.stats();
  const uint64_t ns = (quick ? 2 : 10) * second;
  const uint64_t start = peers::now_ns();
  storm_of_one(runtime, kStormTrees, ns, &time, nullptr);
  const GcStats stats = runtime.stats();
  const double available = 2 * number(peers::now_ns() - start);
  const double share = number(gc_cpu_ns(stats) - gc_cpu_ns(before)) / available * 100;
  Result result{"% of CPU", share, {}};
  result.with("mean_share", time.mean() * 100).with("cycles", number(stats.cycles - before.cycles));
  result.with("limited_cycles", number(stats.limited_cycles - before.limited_cycles));
  result.with("assist_percent", number(stats.assist_ns - before.assist_ns) / available * 100);
  return result.with("live_bytes", number(stats.heap_live));
}

Result growth(bool quick, uint64_t mib) {
  Runtime runtime;
  Thread thread(runtime);
  Ref<Node>* forest = build_forest(thread, mib / 32);
  runtime.collect();
  const GcStats before = runtime.stats();
  make_garbage(runtime, thread, std::clamp<uint64_t>((quick ? 256 : 2048) / mib, 2, 16));
  const GcStats stats = runtime.stats();
  peers::consume(forest);
  const double gc_ns = number(gc_cpu_ns(stats) - gc_cpu_ns(before));
  const double cycles = number(stats.cycles - before.cycles);
  const double objects = number(mib / 32 * peers::tree_nodes(kTreeDepth));
  Result result{"ns / object", gc_ns / cycles / objects, {}};
  result.with("ns_per_byte", gc_ns / number(stats.alloc_bytes - before.alloc_bytes));
  return result.with("cycles", cycles).with("live_mib", number(mib));
}

}  // namespace limits
