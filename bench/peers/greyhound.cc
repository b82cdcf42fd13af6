// SPDX-License-Identifier: MIT
//
// peer_greyhound: every workload on Greyhound, written as an embedder would: the public header,
// typed objects and maps, raw pointers on the stack, no options but one. README.md beside this file
// specifies each workload; harness.h has what all C++ peers share.
// What would mislead: the mark-... workloads and map-gc ask for two marking threads, as Go's
// GOMAXPROCS 2 gives it; the others leave the number to the runtime.

#include "runtime/greyhound.h"

#include "harness.h"
#include "trees.h"

namespace {

using greyhound::eface;
using greyhound::Ref;
using greyhound::String;
using greyhound::maps::Map;
using greyhound::runtime::Options;
using greyhound::runtime::Persistent;
using greyhound::runtime::Runtime;
using greyhound::runtime::Thread;
using greyhound::runtime::to_eface;
using peers::expect;
using peers::Result;

struct Node {
  Ref<Node> left;
  Ref<Node> right;
};
struct Object64 {
  std::array<Ref<Object64>, 4> pointers;
  std::array<int64_t, 4> words;
};

constexpr uint64_t kRing = 64;
template <class T>
struct Ring {
  std::array<T, kRing> slots;
};

Options two_markers() {
  Options options;
  options.workers = 2;
  return options;
}

// A runtime with this thread attached. What the workload holds lies on its own stack.
struct World {
  explicit World(const Options& options = {}) : runtime(options), thread(runtime) {}

  // Collects what setting up left behind, so that no cycle falls into what is timed.
  void settle() {
    runtime.collect();
    runtime.collect();
  }

  Result with_heap(Result result) {
    const greyhound::gc::GcStats stats = runtime.stats();
    const auto cycles = static_cast<double>(stats.cycles - cycles_before);
    result.with("live_bytes", static_cast<double>(stats.heap_live)).with("cycles", cycles);
    return result.with("metadata_bytes", static_cast<double>(stats.metadata_bytes));
  }
  void count_cycles() { cycles_before = runtime.stats().cycles; }

  template <typename Run>
  Result time_per_op(bool quick, uint64_t ops_per_round, Run run) {
    return with_heap(peers::time_per_op(quick, ops_per_round, run, [&] { count_cycles(); }));
  }

  Runtime runtime;
  Thread thread;
  uint64_t cycles_before = 0;
};

// --- allocation ----------------------------------------------------------------------------------

Result alloc_8_noscan(bool quick) {
  World world;
  auto* ring = world.thread.make<Ring<Ref<int64_t>>>();
  return world.time_per_op(quick, 1, [&](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      ring->slots[i % kRing] = world.thread.make<int64_t>(static_cast<int64_t>(i));
    }
  });
}

template <class T>
Result alloc_zeroed(bool quick) {
  World world;
  auto* ring = world.thread.make<Ring<Ref<T>>>();
  return world.time_per_op(quick, 1, [&](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) ring->slots[i % kRing] = world.thread.make<T>();
  });
}

Result box_int(bool quick) {
  World world;
  auto* ring = world.thread.make<Ring<eface>>();
  return world.time_per_op(quick, 1, [&](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      ring->slots[i % kRing] = to_eface(static_cast<int64_t>(i) + 256);
    }
  });
}

Result box_string(bool quick) {
  World world;
  auto* ring = world.thread.make<Ring<eface>>();
  auto* texts = world.thread.make<Ring<String>>();
  for (uint64_t i = 0; i < kRing; i++) texts->slots[i] = String::copy(peers::string_key(i));
  return world.time_per_op(quick, 1, [&](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) ring->slots[i % kRing] = to_eface(texts->slots[i % kRing]);
  });
}

// --- trees ---------------------------------------------------------------------------------------

Node* build(Thread& thread, uint32_t depth) {
  if (depth == 0) return thread.make<Node>();
  Node* left = build(thread, depth - 1);
  Node* right = build(thread, depth - 1);
  return thread.make<Node>(left, right);
}

uint64_t count(const Node* node) {
  if (node->left == nullptr) return 1;
  return 1 + count(node->left) + count(node->right);
}

Result binary_trees_18(int64_t gc_percent) {
  Options options;
  options.gc_percent = gc_percent;
  World world(options);
  Thread& thread = world.thread;
  return world.with_heap(
      peers::binary_trees_18([&](uint32_t depth) { return build(thread, depth); },
                             [&](const Node* tree) {
                               thread.safepoint();
                               return count(tree);
                             },
                             [](Node*) {}));
}

struct Forest {
  Ref<Node>* trees;
  uint32_t size;
};

Forest build_forest(World& world, uint32_t size) {
  Forest forest{world.thread.make_array<Ref<Node>>(size), size};
  for (uint32_t i = 0; i < size; i++) forest.trees[i] = build(world.thread, peers::kMarkTreeDepth);
  return forest;
}

// The same trees, with every node at a random place of the heap.
Forest build_shuffled_forest(World& world, uint32_t size) {
  const uint64_t nodes = size * peers::tree_nodes(peers::kMarkTreeDepth);
  auto* order = world.thread.make_array<Ref<Node>>(nodes);
  for (uint64_t i = 0; i < nodes; i++) order[i] = world.thread.make<Node>();
  peers::link_shuffled<Node>(order, size, [&] { world.thread.safepoint(); });
  Forest forest{world.thread.make_array<Ref<Node>>(size), size};
  for (uint32_t i = 0; i < size; i++) {
    forest.trees[i] = order[i * peers::tree_nodes(peers::kMarkTreeDepth)];
  }
  return forest;
}

void check_forest(World& world, const Forest& forest) {
  for (uint32_t i = 0; i < forest.size; i++) {
    world.thread.safepoint();
    expect(count(forest.trees[i]) == peers::tree_nodes(peers::kMarkTreeDepth), "nodes of a tree");
  }
}

uint32_t mark_trees(bool quick) { return quick ? peers::kMarkTreesQuick : peers::kMarkTrees; }

Result mark_1g(bool quick, Forest (*build_it)(World&, uint32_t)) {
  World world(two_markers());
  const Forest forest = build_it(world, mark_trees(quick));
  world.count_cycles();
  const auto [wall, cpu] = peers::time_cycles(3, [&] { world.runtime.collect(); });
  check_forest(world, forest);
  const double nodes = forest.size * static_cast<double>(peers::tree_nodes(peers::kMarkTreeDepth));
  Result result{"ns/object", wall * 1e9 / nodes, {}};
  result.with("objects", nodes).with("cycle_ms", wall * 1e3).with("cycle_cpu_ms", cpu * 1e3);
  return world.with_heap(std::move(result));
}

// --- GCBench's nodes

struct BenchNode {
  Ref<BenchNode> left;
  Ref<BenchNode> right;
  int32_t i;
  int32_t j;
};
struct Place {
  Ref<BenchNode> parent;
  int64_t right;
};

BenchNode* make_bench_node() { return Thread::make<BenchNode>(); }

BenchNode* build_bench(uint32_t depth) {
  if (depth == 0) return make_bench_node();
  BenchNode* left = build_bench(depth - 1);
  BenchNode* right = build_bench(depth - 1);
  return Thread::make<BenchNode>(left, right, 0, 0);
}

uint64_t count_bench(const BenchNode* node) {
  if (node->left == nullptr) return 1;
  return 1 + count_bench(node->left) + count_bench(node->right);
}

BenchNode* top_down() {
  BenchNode* root = make_bench_node();
  peers::populate<BenchNode>(peers::kOrderTreeDepth, root, make_bench_node);
  return root;
}

BenchNode* random_order() {
  auto* places = Thread::make_array<Place>(size_t{1} << peers::kOrderTreeDepth);
  BenchNode* root = make_bench_node();
  peers::grow_in_random_order(peers::kOrderTreeDepth, root, places, make_bench_node);
  return root;
}

Result mark_order(BenchNode* (*build_it)()) {
  World world(two_markers());
  BenchNode* tree = build_it();
  const auto [wall, cpu] = peers::time_cycles(3, [&] { world.runtime.collect(); });
  const auto nodes = static_cast<double>(peers::tree_nodes(peers::kOrderTreeDepth));
  expect(count_bench(tree) == peers::tree_nodes(peers::kOrderTreeDepth), "nodes of the tree");
  Result result{"ns/object", wall * 1e9 / nodes, {}};
  result.with("objects", nodes).with("cycle_ms", wall * 1e3).with("cycle_cpu_ms", cpu * 1e3);
  return world.with_heap(std::move(result));
}

Result gcbench(bool) {
  World world;
  return world.with_heap(peers::gcbench<BenchNode>(
      make_bench_node, build_bench, [](size_t n) { return Thread::make_array<double>(n); },
      [&](const BenchNode* tree) {
        world.thread.safepoint();
        return count_bench(tree);
      }));
}

// With a bound on the operations, the collector is off once the heap stands.
Result latency_1g(bool quick, uint64_t most_ops) {
  World world;
  const Forest forest = build_forest(world, mark_trees(quick));
  Persistent<Node> sink(world.runtime);
  world.runtime.collect();
  if (most_ops != UINT64_MAX) world.runtime.set_gc_percent(greyhound::gc::kGcOff);
  const auto operation = [&] {
    for (uint32_t i = 0; i < peers::kLatencyTrees; i++) {
      sink = build(world.thread, peers::kLatencyTreeDepth);
    }
  };
  Result result = peers::time_latency(
      quick, operation, [&] { world.count_cycles(); }, most_ops);
  check_forest(world, forest);
  const greyhound::gc::GcStats stats = world.runtime.stats();
  result.with("hold_p999_us", static_cast<double>(stats.holds.quantile(0.999)) * 1e-3);
  result.with("hold_max_us", static_cast<double>(stats.holds.max_ns) * 1e-3);
  return world.with_heap(std::move(result));
}

void make_garbage(World& world) {
  Persistent<Node> sink(world.runtime);
  for (uint32_t i = 0; i < peers::kRssGarbageTrees; i++) {
    sink = build(world.thread, peers::kRssGarbageDepth);
  }
}

Result rss_64m(bool) {
  const uint64_t before = peers::peak_rss_kb();
  World world;
  const Forest forest = build_forest(world, peers::kRssLiveTrees);
  make_garbage(world);
  const double net = static_cast<double>(peers::peak_rss_kb() - before) / 1024;
  check_forest(world, forest);
  world.runtime.collect();
  return world.with_heap(Result{"MiB RSS net", net, {}});
}

// --- maps ----------------------------------------------------------------------------------------

using IntMap = Map<int64_t, int64_t>;

int64_t sum_below(uint64_t n) { return static_cast<int64_t>(n * (n - 1) / 2); }

template <class K, class V>
void put(const Map<K, V>& map, const K& key, const V& value) {
  if (!map.insert_or_assign(key, value)) throw std::bad_alloc();
}

IntMap int_map(uint32_t n) {
  IntMap map = IntMap::make();
  for (uint32_t i = 0; i < n; i++) put(map, peers::int_key(i), int64_t{i});
  return map;
}

// Probes lie in the managed heap when they are strings, and outside it when they are numbers.
Result map_hit_i64(bool quick, uint32_t n) {
  World world;
  const IntMap map = int_map(n);
  std::vector<int64_t> probes;
  for (uint32_t i : peers::shuffled_indices(n)) probes.push_back(peers::int_key(i));
  world.settle();
  return world.time_per_op(quick, n, [&](uint64_t rounds) {
    int64_t sum = 0;
    for (uint64_t r = 0; r < rounds; r++) {
      world.thread.safepoint();
      for (int64_t key : probes) {
        if (const int64_t* value = map.find(key)) sum += *value;
      }
    }
    expect(sum == static_cast<int64_t>(rounds) * sum_below(n), "sum of the values found");
  });
}

Result map_miss_i64(bool quick, uint32_t n) {
  World world;
  const IntMap map = int_map(n);
  std::vector<int64_t> probes;
  for (uint32_t i : peers::shuffled_indices(n)) probes.push_back(peers::int_key(uint64_t{n} + i));
  world.settle();
  return world.time_per_op(quick, n, [&](uint64_t rounds) {
    uint64_t found = 0;
    for (uint64_t r = 0; r < rounds; r++) {
      world.thread.safepoint();
      for (int64_t key : probes) found += map.contains(key);
    }
    expect(found == 0, "keys found that were never inserted");
  });
}

Result map_hit_str(bool quick, uint32_t n) {
  World world;
  auto map = Map<String, int64_t>::make();
  for (uint32_t i = 0; i < n; i++) put(map, String::copy(peers::string_key(i)), int64_t{i});
  auto* probes = world.thread.make_array<String>(n);
  String* last = probes;
  for (uint32_t i : peers::shuffled_indices(n)) *last++ = String::copy(peers::string_key(i));
  world.settle();
  return world.time_per_op(quick, n, [&](uint64_t rounds) {
    int64_t sum = 0;
    for (uint64_t r = 0; r < rounds; r++) {
      world.thread.safepoint();
      for (uint32_t i = 0; i < n; i++) {
        if (const int64_t* value = map.find(probes[i])) sum += *value;
      }
    }
    expect(sum == static_cast<int64_t>(rounds) * sum_below(n), "sum of the values found");
  });
}

Result map_insert_grow_i64(bool quick, uint32_t n) {
  World world;
  std::vector<int64_t> keys;
  for (uint32_t i = 0; i < n; i++) keys.push_back(peers::int_key(i));
  return world.time_per_op(quick, n, [&](uint64_t rounds) {
    for (uint64_t r = 0; r < rounds; r++) {
      IntMap map = IntMap::make();
      for (uint32_t i = 0; i < n; i++) put(map, keys[i], int64_t{i});
      expect(map.size() == n, "entries inserted");
    }
  });
}

Result map_iter_i64(bool quick) {
  constexpr uint32_t kEntries = 1000000;
  World world;
  const IntMap map = int_map(kEntries);
  world.settle();
  return world.time_per_op(quick, kEntries, [&](uint64_t rounds) {
    int64_t sum = 0;
    for (uint64_t r = 0; r < rounds; r++) {
      world.thread.safepoint();
      for (auto [key, value] : map) sum += value;
    }
    expect(sum == static_cast<int64_t>(rounds) * sum_below(kEntries), "sum of the values");
  });
}

Result map_churn_i64(bool quick) {
  constexpr uint32_t kEntries = 100000;
  World world;
  const IntMap map = int_map(kEntries);
  world.settle();
  uint64_t oldest = 0;
  Result result = world.time_per_op(quick, 1, [&](uint64_t n) {
    for (const uint64_t end = oldest + n; oldest < end; oldest++) {
      map.erase(peers::int_key(oldest));
      put(map, peers::int_key(oldest + kEntries), static_cast<int64_t>(oldest));
    }
  });
  expect(map.size() == kEntries, "entries after churn");
  return result;
}

constexpr int64_t kGcEntries = 1000000;

// A live map of K to V, its entry i made by `key(thread, i)` and `value(thread, i)`.
template <class K, class V, class Key, class Value>
Result map_gc(bool quick, Key key, Value value) {
  World world(two_markers());
  auto map = Map<K, V>::make(kGcEntries);
  for (int64_t i = 0; i < kGcEntries; i++) {
    const K k = key(world.thread, i);
    put(map, k, V(value(world.thread, i)));
  }
  world.count_cycles();
  const auto [wall, cpu] = peers::time_cycles(quick ? 5 : 9, [&] { world.runtime.collect(); });
  expect(map.size() == kGcEntries, "entries of the map");
  Result result{"ms/cycle", wall * 1e3, {}};
  result.with("cycle_cpu_ms", cpu * 1e3);
  return world.with_heap(std::move(result));
}

int64_t int_key(Thread&, int64_t i) { return peers::int_key(static_cast<uint64_t>(i)); }
String string_key(Thread&, int64_t i) {
  return String::copy(peers::string_key(static_cast<uint64_t>(i)));
}
int64_t number(Thread&, int64_t i) { return i; }
int64_t* pointer(Thread& thread, int64_t i) { return thread.make<int64_t>(i + 256); }
eface small_box(Thread&, int64_t i) { return to_eface(i & 0xFF); }
eface box(Thread&, int64_t i) { return to_eface(i + 256); }

Result rss_map_64m(bool) {
  const uint64_t before = peers::peak_rss_kb();
  World world;
  const IntMap ints = int_map(1000000);
  auto boxes = Map<int64_t, eface>::make();
  for (int64_t i = 0; i < 500000; i++) {
    put(boxes, int_key(world.thread, i), box(world.thread, i));
  }
  make_garbage(world);
  const double net = static_cast<double>(peers::peak_rss_kb() - before) / 1024;
  world.runtime.collect();
  expect(ints.size() == 1000000 && boxes.size() == 500000, "entries of the maps");
  return world.with_heap(Result{"MiB RSS net", net, {}});
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<peers::Workload> workloads = {
      {"alloc-8-noscan", alloc_8_noscan},
      {"alloc-16-ptr", alloc_zeroed<Node>},
      {"alloc-64-ptr", alloc_zeroed<Object64>},
      {"box-int", box_int},
      {"box-string", box_string},
      {"binary-trees-18", [](bool) { return binary_trees_18(100); }},
      {"binary-trees-18-400", [](bool) { return binary_trees_18(400); }},
      {"mark-1g", [](bool q) { return mark_1g(q, build_forest); }},
      {"mark-1g-shuffled", [](bool q) { return mark_1g(q, build_shuffled_forest); }},
      {"mark-topdown", [](bool) { return mark_order(top_down); }},
      {"mark-random-order", [](bool) { return mark_order(random_order); }},
      {"gcbench", gcbench},
      {"latency-1g", [](bool q) { return latency_1g(q, UINT64_MAX); }},
      {"latency-1g-off", [](bool q) { return latency_1g(q, peers::latency_off_ops(q)); }},
      {"rss-64m", rss_64m},
  };
  const auto sized = [&](const std::string& name, uint32_t n, Result (*run)(bool, uint32_t)) {
    workloads.push_back({name + std::to_string(n), [=](bool quick) { return run(quick, n); }});
  };
  const std::vector<uint32_t> sizes = {16, 1000, 100000, 4000000};
  for (uint32_t n : sizes) sized("map-hit-i64-", n, map_hit_i64);
  for (uint32_t n : sizes) sized("map-miss-i64-", n, map_miss_i64);
  for (uint32_t n : sizes) sized("map-hit-str-", n, map_hit_str);
  for (uint32_t n : {1000u, 100000u, 1000000u}) {
    sized("map-insert-grow-i64-", n, map_insert_grow_i64);
  }
  workloads.push_back({"map-iter-i64", map_iter_i64});
  workloads.push_back({"map-churn-i64", map_churn_i64});
  const auto gc = [&](const std::string& type, auto run) {
    workloads.push_back({"map-gc-1e6-" + type, run});
  };
  gc("int-int", [](bool q) { return map_gc<int64_t, int64_t>(q, int_key, number); });
  gc("int-anysmall", [](bool q) { return map_gc<int64_t, eface>(q, int_key, small_box); });
  gc("int-ptr", [](bool q) { return map_gc<int64_t, Ref<int64_t>>(q, int_key, pointer); });
  gc("int-any", [](bool q) { return map_gc<int64_t, eface>(q, int_key, box); });
  gc("string-int", [](bool q) { return map_gc<String, int64_t>(q, string_key, number); });
  gc("string-any", [](bool q) { return map_gc<String, eface>(q, string_key, box); });
  workloads.push_back({"rss-map-64m", rss_map_64m});
  return peers::peer_main(argc, argv, GREYHOUND_VERSION, "libmimalloc", workloads);
}
