// SPDX-License-Identifier: MIT
// What Greyhound promises about itself, one workload a process, asked as the peers' programs are
// (peers/README.md): `limits --list`, `limits --run NAME [--quick]`, one JSON line. tools/report
// runs them and holds the figures to their targets.
//
//   hold-64m, hold-4g  us at p99.9   how long an acknowledgement held a mutator whose stack is
//                                    up to 128 KiB deep; cycles back to back
//   rounds             rounds p99    root-scan rounds until quiet, two mutators moving pointers
//   storm, storm-2     % over goal   one (two) mutators that do nothing but replace a live heap of
//                                    64 MiB, on two cores: overshoot, assists, share of 20 ms
//   crowd-4, -16, -64  % over goal   so many mutators that make nothing but garbage beside a list
//                                    of 64 MiB, on two cores: the heap against its goal at any
//                                    time
//   spiral             % of CPU      what the collector takes under a memory limit that what is
//                                    live exceeds, on two cores, once it is limited
//   metadata           % of heap     off the heap, at the end of marking
//   rss-drop           RSS / live    after nine of ten trees were dropped and two cycles were
//                                    forced
//   rss-random         RSS / live    the same when nine of ten objects die, at random
//   deep-stack         ms CPU / MiB  what copying a stack full of pointers holds its thread
//   root-words         ns CPU / word resolving what was copied, in a cold heap
//   barrier            ratio         stores with the barrier off over stores without one
//   sweep              ms CPU / GiB  sweeping, and its share of the collector's CPU time
//   cpu-profile        % of CPU      what a CPU profile at 100 samples a second costs
//   heap-profile       % of CPU      what a heap profile at a sample every 512 KiB costs
//   growth-N           ns / object   GC CPU a cycle and live object with N MiB live, 512 MiB/s of
//                                    garbage; listed as far as memory goes
//
// What would mislead: a busy machine shows as held, waited and taken; barrier and sweep are in CPU
// time and suffer least. Holds of the 4 GiB heap are fewer than of the small one, because its
// cycles are longer: compare `holds` before quoting its p99.9. With --quick the 4 GiB are 256 MiB.
#include <unistd.h>

#include <atomic>
#include <thread>

#include "bench/limits/workloads.h"
#include "gc/cycle/collector.h"
#include "tools/pprof/profile_flags.h"

namespace limits {
namespace {

// --- holds ---------------------------------------------------------------------------------------

// Live bytes that take as little marking as may be, so that a large heap has many cycles: the holds
// are what is measured.
struct Leaf {
  std::array<int64_t, 126> payload;
};
// Written, because a page that nobody wrote to is not resident.
Leaf* make_leaf(Thread& thread, uint64_t i) {
  Leaf* leaf = thread.make<Leaf>();
  leaf->payload[0] = static_cast<int64_t>(i);
  return leaf;
}
struct Twig {
  Ref<Leaf> leaf;
  Ref<Twig> next;
};
constexpr uint64_t kTwigBytes = sizeof(Twig) + 1024;

constexpr uint64_t kFrameBytes = 512;
constexpr uint64_t kDeepest = (128 << 10) / kFrameBytes;

// A stack of `frames` frames full of pointers to young objects, and at its end some work.
GREYHOUND_NOINLINE uint64_t descend(Thread& thread, uint64_t frames) {
  Node* kept[kFrameBytes / sizeof(Node*) - 8];
  for (Node*& node : kept) node = nullptr;
  for (uint64_t i = 0; i < 4; i++) kept[i * 13] = thread.make<Node>();
  peers::consume(kept);
  uint64_t made = 4;
  if (frames > 1) {
    made += descend(thread, frames - 1);
  } else {
    for (int i = 0; i < 2000; i++, made++) kept[i % 50] = thread.make<Node>(kept[0], nullptr);
  }
  peers::consume(kept);
  return made;
}

Result hold(bool quick, uint64_t live) {
  Runtime runtime;
  Thread thread(runtime);
  const uint64_t twigs = live / kTwigBytes;
  auto* table = thread.make_array<Ref<Twig>>(twigs);
  for (uint64_t i = 0; i < twigs; i++) table[i] = thread.make<Twig>(make_leaf(thread, i), nullptr);
  runtime.collect();
  // Holds of before are in the histogram too; a handful beside the thousands to come.
  const GcStats before = runtime.stats();
  const uint64_t wanted = before.holds.count + (quick ? 500 : 5000);
  const uint64_t end = peers::now_ns() + (quick ? 2 : 40) * uint64_t{1'000'000'000};
  Random random(1);
  uint64_t holds = before.holds.count;
  while (holds < wanted && peers::now_ns() < end) {
    const uint64_t cycles = runtime.collector().completed_cycles();
    runtime.collector().request_cycle();
    while (runtime.collector().completed_cycles() == cycles) {
      descend(thread, 1 + random.next() % kDeepest);
    }
    holds = runtime.stats().holds.count;
  }
  expect(table[twigs / 2]->leaf != nullptr, "the heap that was held");
  const GcStats stats = runtime.stats();
  Result result{"us p99.9", us(stats.holds.quantile(0.999)), {}};
  result.with("p50", us(stats.holds.quantile(0.5))).with("p99", us(stats.holds.quantile(0.99)));
  result.with("max", us(stats.holds.max_ns)).with("holds", number(stats.holds.count));
  return result.with("cycles", number(stats.cycles)).with("live_bytes", number(live));
}

// --- rounds --------------------------------------------------------------------------------------

constexpr size_t kSlots = 4096;
struct Table {
  std::array<Ref<Node>, kSlots> slots;
};

// Moves pointers from slot to slot, some by way of the stack, and replaces some trees.
void move_pointers(Thread& thread, Table* table, uint64_t seed, const std::atomic<bool>* stop) {
  Random random(seed);
  while (!stop->load(std::memory_order_relaxed)) {
    thread.safepoint();
    for (int i = 0; i < 64; i++) {
      const uint64_t r = random.next();
      Ref<Node>& from = table->slots[r % kSlots];
      Ref<Node>& to = table->slots[(r >> 16) % kSlots];
      Node* held = from.get();
      if (r >> 62 == 0) {
        from = build(thread, 4);
      } else if (held != nullptr && r >> 62 == 1) {
        Node* child = held->left;
        from = held->right.get();
        if (child != nullptr) to = child;
      } else {
        from = to.get();
        to = held;
      }
    }
  }
}

Result rounds(bool quick) {
  Runtime runtime;
  Persistent<Table> table(runtime);
  std::atomic<bool> stop{false};
  {
    Thread thread(runtime);
    table = thread.make<Table>();
    for (auto& slot : table.get()->slots) slot = build(thread, 6);
  }
  std::vector<std::thread> mutators;
  for (uint64_t i = 0; i < 2; i++) {
    mutators.emplace_back([&, i] {
      Thread thread(runtime);
      move_pointers(thread, table.get(), i << 40, &stop);
    });
  }
  // Forced, because the mutators' garbage alone would make a few cycles a second.
  const uint64_t cycles = quick ? 200 : 3000;
  const uint64_t end = peers::now_ns() + (quick ? 3 : 30) * uint64_t{1'000'000'000};
  while (runtime.collector().completed_cycles() < cycles && peers::now_ns() < end) {
    runtime.collect();
  }
  stop = true;
  for (std::thread& mutator : mutators) mutator.join();
  const GcStats stats = runtime.stats();
  Result result{"rounds p99", number(stats.rounds_per_cycle.quantile(0.99)), {}};
  result.with("p50", number(stats.rounds_per_cycle.quantile(0.5)));
  result.with("max", number(stats.rounds_per_cycle.quantile(1)));
  return result.with("cycles", number(stats.cycles)).with("escalations", number(stats.escalations));
}

// --- memory --------------------------------------------------------------------------------------

Result metadata(bool quick) {
  Runtime runtime;
  Thread thread(runtime);
  Ref<Node>* forest = build_forest(thread, quick ? 4 : 16);
  double worst = 0;
  CycleStats last;
  for (uint32_t i = 0; i < 4; i++) {
    forest[i] = build(thread, kTreeDepth);
    runtime.collect();
    last = runtime.stats().last_cycle;
    worst = std::max(worst, number(last.metadata_bytes) / number(last.heap_pages_bytes) * 100);
  }
  Result result{"% of heap", worst, {}};
  result.with("metadata_bytes", number(last.metadata_bytes));
  return result.with("heap_pages_bytes", number(last.heap_pages_bytes));
}

uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  expect(static_cast<bool>(statm >> size >> resident), "/proc/self/statm");
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Overwrites what finished calls left on the stack. The frames of the calls to come have room that
// they do not write, and what lies there is a root.
GREYHOUND_NOINLINE void clear_stack_below() {
  uintptr_t words[2048];
  for (uintptr_t& word : words) word = 0;
  peers::consume(words);
}

// Two forced cycles, then what is resident over what they marked.
GREYHOUND_NOINLINE Result rss_over_live(Runtime& runtime, uint64_t resident_before) {
  runtime.collect();
  runtime.collect();
  const uint64_t resident = resident_bytes() - resident_before;
  const GcStats stats = runtime.stats();
  const uint64_t live = stats.last_cycle.mark.bytes_marked;
  expect(live != 0, "what was to stay");
  Result result{"RSS / live", number(resident) / number(live), {}};
  result.with("resident_bytes", number(resident)).with("live_bytes", number(live));
  return result.with("pages_bytes", number(stats.heap_pages_bytes));
}

constexpr uint64_t kDropped = 10;  // of so many, one stays

Result rss_drop(bool quick) {
  const uint64_t before = resident_bytes();
  Runtime runtime;
  Thread thread(runtime);
  const uint32_t depth = quick ? kTreeDepth - 1 : kTreeDepth + 1;
  Ref<Node>* forest = build_forest(thread, kDropped, depth);
  for (uint64_t i = 0; i < kDropped; i++) {
    if (i != kDropped / 2) forest[i] = nullptr;
  }
  clear_stack_below();
  Result result = rss_over_live(runtime, before);
  peers::consume(forest);
  return result;
}

// As many bytes in nodes of their own, each of which lives or dies by a throw of the dice. The
// table counts among the live.
Result rss_random(bool quick) {
  const uint64_t before = resident_bytes();
  Runtime runtime;
  Thread thread(runtime);
  const uint64_t nodes = (quick ? 160 : 640) * kMiB / sizeof(Leaf);
  auto* table = thread.make_array<Ref<Leaf>>(nodes);
  for (uint64_t i = 0; i < nodes; i++) table[i] = make_leaf(thread, i);
  Random random(peers::kShuffleSeed);
  for (uint64_t i = 0; i < nodes; i++) {
    if (random.next() % kDropped != 0) table[i] = nullptr;
  }
  clear_stack_below();
  Result result = rss_over_live(runtime, before);
  peers::consume(table);
  return result;
}

// --- barrier and sweep ---------------------------------------------------------------------------

constexpr size_t kStores = 4 << 20;  // of slots

template <class Store>
double ns_per_store(Ref<Leaf>* slots, Leaf* leaf, uint64_t stores, Store store) {
  uint64_t random = 1;
  const uint64_t start = greyhound::gc::thread_cpu_ns();
  for (uint64_t i = 0; i < stores; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    store(&slots[random >> 42], leaf);
  }
  peers::consume(slots);
  return number(greyhound::gc::thread_cpu_ns() - start) / number(stores);
}

// As barrier_bench.cc, but turn and turn about, so that a slow moment falls on both.
Result barrier(bool quick) {
  Options options;
  options.gc_percent = greyhound::gc::kGcOff;
  Runtime runtime(options);
  Thread thread(runtime);
  auto* slots = thread.make_array<Ref<Leaf>>(kStores);
  auto* leaf = thread.make<Leaf>();
  const uint64_t stores = quick ? 4'000'000 : 20'000'000;
  std::vector<double> with, without;
  for (int i = 0; i < (quick ? 9 : 21); i++) {
    const auto barrier = [&] {
      with.push_back(
          ns_per_store(slots, leaf, stores, [](Ref<Leaf>* slot, Leaf* target) { *slot = target; }));
    };
    const auto bare = [&] {
      without.push_back(ns_per_store(slots, leaf, stores, [](Ref<Leaf>* slot, Leaf* target) {
        greyhound::store_word(slot, reinterpret_cast<uintptr_t>(target));
      }));
    };
    if (i % 2 == 0) {
      barrier();
      bare();
    } else {
      bare();
      barrier();
    }
  }
  const double ns = peers::median(with), bare_ns = peers::median(without);
  return Result{"ratio", ns / bare_ns, {{"barrier_ns", ns}, {"bare_ns", bare_ns}}};
}

Result sweep(bool quick) {
  Runtime runtime;
  Thread thread(runtime);
  const uint64_t trees = quick ? 4 : 32;
  Ref<Node>* forest = build_forest(thread, trees);
  runtime.collect();
  const GcStats before = runtime.stats();
  double swept = 0;
  for (uint64_t i = 0; i < 5; i++) {
    forest[i % trees] = build(thread, kTreeDepth);
    // Blocked meanwhile, so that the coordinator sweeps all there is.
    runtime.collect();
    swept += number(runtime.stats().last_cycle.heap_pages_bytes);
  }
  const GcStats stats = runtime.stats();
  const double sweep_ns = number(stats.sweep_cpu_ns - before.sweep_cpu_ns);
  Result result{"ms CPU / GiB", sweep_ns * 1e-6 / (swept / kGiB), {}};
  return result.with("percent_of_gc",
                     sweep_ns / number(gc_cpu_ns(stats) - gc_cpu_ns(before)) * 100);
}

// Live and garbage at percent 100, and what a collector keeps beside them.
bool fits(uint64_t mib) {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);) {
    if (line.rfind("MemAvailable:", 0) == 0)
      return mib * 1024 * 9 / 4 < std::strtoull(line.c_str() + 13, nullptr, 10);
  }
  return true;
}

}  // namespace
}  // namespace limits

int main(int argc, char** argv) {
  using namespace limits;
  std::vector<peers::Workload> workloads = {
      {"hold-64m", [](bool q) { return hold(q, 64 * kMiB); }},
      {"hold-4g", [](bool q) { return hold(q, q ? 256 * kMiB : 4 * kGiB); }},
      {"rounds", rounds},
      {"storm", [](bool q) { return storm(q, 1); }},
      {"storm-2", [](bool q) { return storm(q, 2); }},
      {"crowd-4", [](bool q) { return crowd(q, 4); }},
      {"crowd-16", [](bool q) { return crowd(q, 16); }},
      {"crowd-64", [](bool q) { return crowd(q, 64); }},
      {"spiral", spiral},
      {"metadata", metadata},
      {"rss-drop", rss_drop},
      {"rss-random", rss_random},
      {"deep-stack", deep_stack},
      {"root-words", root_words},
      {"barrier", barrier},
      {"sweep", sweep},
      {"cpu-profile", cpu_profile_cost},
      {"heap-profile", heap_profile_cost},
  };
  for (uint64_t mib = 64; mib <= 8192 && fits(mib); mib *= 2) {
    workloads.push_back(
        {"growth-" + std::to_string(mib), [mib](bool q) { return growth(q, mib); }});
  }
  return greyhound::pprof::with_profiles(argc, argv, [&](int& count, char** arguments) {
    return peers::peer_main(count, arguments, GREYHOUND_VERSION, "libmimalloc", workloads);
  });
}
