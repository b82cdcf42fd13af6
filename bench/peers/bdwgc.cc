// SPDX-License-Identifier: MIT
//
// peer_bdwgc: the collector's workloads with the Boehm–Demers–Weiser collector as it comes, except
// that pointers into the middle of an object are honoured from the stack only
// (GC_set_all_interior_pointers(0)): with the default every 16-byte node takes 32 bytes.
// What would mislead: its collections stop the world; how much it allocates between two of them
// follows its free-space divisor (left at its default) and not a percentage of what lives, so
// compare rss_kb beside any time. Marking uses a thread a CPU where the library was built so; the
// field `markers` says how many.

#define GC_THREADS  // declares GC_get_parallel and GC_start_mark_threads
#include <gc.h>

#include "harness.h"
#include "trees.h"

namespace {

using peers::Result;

struct Node {
  Node* left;
  Node* right;
};
struct Object64 {
  void* pointers[4];
  int64_t words[4];
};
struct Box {
  const void* type;
  void* data;
};
struct Text {
  const char* bytes;
  size_t length;
};

// Static data is a root of the collector.
constexpr uint64_t kRing = 64;
void* ring[kRing];
Box box_ring[kRing];
Text texts[kRing];
Node* forest[peers::kMarkTrees];
Node* volatile sink;
const char int_type = 'i', string_type = 's';

double markers() { return GC_get_parallel() + 1.0; }

Result alloc_8_noscan(bool quick) {
  return peers::time_per_op(quick, 1, [](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      auto* object = static_cast<int64_t*>(GC_MALLOC_ATOMIC(8));
      *object = static_cast<int64_t>(i);
      ring[i % kRing] = object;
    }
    peers::consume(ring);
  });
}

template <typename T>
Result alloc_scanned(bool quick) {
  return peers::time_per_op(quick, 1, [](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) ring[i % kRing] = GC_MALLOC(sizeof(T));
    peers::consume(ring);
  });
}

Result box_int(bool quick) {
  return peers::time_per_op(quick, 1, [](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      auto* data = static_cast<int64_t*>(GC_MALLOC_ATOMIC(8));
      *data = static_cast<int64_t>(i) + 256;
      box_ring[i % kRing] = Box{&int_type, data};
    }
    peers::consume(box_ring);
  });
}

Result box_string(bool quick) {
  for (uint64_t i = 0; i < kRing; i++) {
    char* bytes = static_cast<char*>(GC_MALLOC_ATOMIC(16));
    std::memcpy(bytes, peers::string_key(i).data(), 16);
    texts[i] = Text{bytes, 16};
  }
  return peers::time_per_op(quick, 1, [](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      auto* data = static_cast<Text*>(GC_MALLOC(sizeof(Text)));
      *data = texts[i % kRing];
      box_ring[i % kRing] = Box{&string_type, data};
    }
    peers::consume(box_ring);
  });
}

Node* build(uint32_t depth) {
  Node* left = depth == 0 ? nullptr : build(depth - 1);
  Node* right = depth == 0 ? nullptr : build(depth - 1);
  auto* node = static_cast<Node*>(GC_MALLOC(sizeof(Node)));
  if (node == nullptr) throw std::runtime_error("bdwgc is out of memory");
  node->left = left;
  node->right = right;
  return node;
}

uint64_t count(const Node* node) {
  if (node->left == nullptr) return 1;
  return 1 + count(node->left) + count(node->right);
}

uint32_t build_forest(uint32_t trees) {
  for (uint32_t i = 0; i < trees; i++) forest[i] = build(peers::kMarkTreeDepth);
  return trees;
}

// The same trees, with every node at a random place of the heap.
uint32_t build_shuffled_forest(uint32_t trees) {
  const uint64_t nodes = trees * peers::tree_nodes(peers::kMarkTreeDepth);
  auto** order = static_cast<Node**>(GC_MALLOC(nodes * sizeof(Node*)));
  for (uint64_t i = 0; i < nodes; i++) order[i] = static_cast<Node*>(GC_MALLOC(sizeof(Node)));
  peers::link_shuffled<Node>(order, trees, [] {});
  for (uint32_t i = 0; i < trees; i++) {
    forest[i] = order[i * peers::tree_nodes(peers::kMarkTreeDepth)];
  }
  return trees;
}

Result mark_1g(bool quick, uint32_t (*build_it)(uint32_t)) {
  const uint32_t trees = build_it(quick ? peers::kMarkTreesQuick : peers::kMarkTrees);
  const auto [wall, cpu] = peers::time_cycles(3, GC_gcollect);
  const double nodes = trees * static_cast<double>(peers::tree_nodes(peers::kMarkTreeDepth));
  for (uint32_t i = 0; i < trees; i++) {
    peers::expect(count(forest[i]) == peers::tree_nodes(peers::kMarkTreeDepth), "nodes of a tree");
  }
  Result result{"ns/object", wall * 1e9 / nodes, {}};
  result.with("objects", nodes).with("cycle_ms", wall * 1e3).with("cycle_cpu_ms", cpu * 1e3);
  return result.with("markers", markers());
}

struct BenchNode {
  BenchNode* left;
  BenchNode* right;
  int32_t i;
  int32_t j;
};
struct Place {
  BenchNode* parent;
  int64_t right;
};
BenchNode* volatile tree;

template <typename T>
T* checked(void* memory) {
  if (memory == nullptr) throw std::runtime_error("bdwgc is out of memory");
  return static_cast<T*>(memory);
}

BenchNode* make_bench_node() { return checked<BenchNode>(GC_MALLOC(sizeof(BenchNode))); }

BenchNode* build_bench(uint32_t depth) {
  BenchNode* left = depth == 0 ? nullptr : build_bench(depth - 1);
  BenchNode* right = depth == 0 ? nullptr : build_bench(depth - 1);
  BenchNode* node = make_bench_node();
  node->left = left;
  node->right = right;
  return node;
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
  auto* places = checked<Place>(GC_MALLOC(sizeof(Place) << peers::kOrderTreeDepth));
  BenchNode* root = make_bench_node();
  peers::grow_in_random_order(peers::kOrderTreeDepth, root, places, make_bench_node);
  return root;
}

Result mark_order(BenchNode* (*build_it)()) {
  tree = build_it();
  const auto [wall, cpu] = peers::time_cycles(3, GC_gcollect);
  const auto nodes = static_cast<double>(peers::tree_nodes(peers::kOrderTreeDepth));
  peers::expect(count_bench(tree) == peers::tree_nodes(peers::kOrderTreeDepth),
                "nodes of the tree");
  Result result{"ns/object", wall * 1e9 / nodes, {}};
  result.with("objects", nodes).with("cycle_ms", wall * 1e3).with("cycle_cpu_ms", cpu * 1e3);
  return result.with("markers", markers());
}

Result gcbench(bool) {
  return peers::gcbench<BenchNode>(
      make_bench_node, build_bench,
      [](size_t n) { return checked<double>(GC_MALLOC_ATOMIC(n * sizeof(double))); }, count_bench);
}

Result latency_1g(bool quick) {
  build_forest(quick ? peers::kMarkTreesQuick : peers::kMarkTrees);
  GC_gcollect();
  const auto before = static_cast<double>(GC_get_gc_no());
  Result result = peers::time_latency(quick, [] {
    for (uint32_t i = 0; i < peers::kLatencyTrees; i++) sink = build(peers::kLatencyTreeDepth);
  });
  return result.with("cycles", static_cast<double>(GC_get_gc_no()) - before)
      .with("markers", markers());
}

Result rss_64m(bool) {
  const uint64_t before = peers::peak_rss_kb();
  build_forest(peers::kRssLiveTrees);
  for (uint32_t i = 0; i < peers::kRssGarbageTrees; i++) sink = build(peers::kRssGarbageDepth);
  const double net = static_cast<double>(peers::peak_rss_kb() - before) / 1024;
  return Result{"MiB RSS net", net, {}};
}

}  // namespace

int main(int argc, char** argv) {
  GC_set_all_interior_pointers(0);
  GC_INIT();
  GC_start_mark_threads();
  const unsigned v = GC_get_version();
  const std::string version = std::to_string(v >> 16) + "." + std::to_string(v >> 8 & 0xFF) + "." +
                              std::to_string(v & 0xFF);
  return peers::peer_main(
      argc, argv, version, "libgc.so",
      {{"alloc-8-noscan", alloc_8_noscan},
       {"alloc-16-ptr", alloc_scanned<Node>},
       {"alloc-64-ptr", alloc_scanned<Object64>},
       {"box-int", box_int},
       {"box-string", box_string},
       {"binary-trees-18", [](bool) { return peers::binary_trees_18(build, count, [](Node*) {}); }},
       {"mark-1g", [](bool q) { return mark_1g(q, build_forest); }},
       {"mark-1g-shuffled", [](bool q) { return mark_1g(q, build_shuffled_forest); }},
       {"mark-topdown", [](bool) { return mark_order(top_down); }},
       {"mark-random-order", [](bool) { return mark_order(random_order); }},
       {"gcbench", gcbench},
       {"latency-1g", latency_1g},
       {"rss-64m", rss_64m}});
}
