// SPDX-License-Identifier: MIT
//
// The programs that build trees, shared by the C++ peers; go/trees.go and go/orders.go have the
// same ones. README.md beside this file specifies them.

#ifndef BENCH_PEERS_TREES_H_
#define BENCH_PEERS_TREES_H_

#include <cstdint>

#include "harness.h"

namespace peers {

constexpr uint32_t kMarkTrees = 32;  // of depth kMarkTreeDepth: 67 M nodes
constexpr uint32_t kMarkTreesQuick = 4;
constexpr uint32_t kMarkTreeDepth = 20;
constexpr uint32_t kLatencyTrees = 10;  // built and dropped by one operation
constexpr uint32_t kLatencyTreeDepth = 6;
// Without a collector every operation's 20 KiB stay: 4 GiB, quick 1 GiB.
constexpr uint64_t latency_off_ops(bool quick) { return quick ? 50000 : 200000; }
constexpr uint32_t kRssLiveTrees = 2;  // of depth 20: 64 MiB of 16-byte nodes
constexpr uint32_t kRssGarbageDepth = 10;
constexpr uint32_t kRssGarbageTrees = (uint32_t{1} << 30) / (2047 * 16);  // 1 GiB

constexpr uint64_t tree_nodes(uint32_t depth) { return (uint64_t{2} << depth) - 1; }

// Shuffles `nodes`, an array of pointers to Node, and links each tree_nodes(kMarkTreeDepth) of them
// as a complete tree, the root first. Calls poll() every few thousand nodes.
template <typename Node, typename Nodes, typename Poll>
void link_shuffled(Nodes nodes, uint32_t trees, Poll poll) {
  constexpr uint64_t kTreeNodes = tree_nodes(kMarkTreeDepth);
  Random random(kShuffleSeed);
  for (uint64_t i = trees * kTreeNodes; i > 1; i--) {
    const uint64_t j = random.next() % i;
    Node* const moved = nodes[i - 1];
    nodes[i - 1] = nodes[j];
    nodes[j] = moved;
    if (i % 4096 == 0) poll();
  }
  for (uint32_t t = 0; t < trees; t++) {
    const uint64_t root = t * kTreeNodes;
    for (uint64_t i = 0; 2 * i + 2 < kTreeNodes; i++) {
      Node* const parent = nodes[root + i];
      parent->left = nodes[root + 2 * i + 1];
      parent->right = nodes[root + 2 * i + 2];
      if (i % 4096 == 0) poll();
    }
  }
}

// The benchmarks game's program at depth 18, one thread. `build(depth)` makes a tree, `count(tree)`
// walks it, `drop(tree)` frees it where that is the program's work.
template <typename Build, typename Count, typename Drop>
Result binary_trees_18(Build build, Count count, Drop drop) {
  constexpr uint32_t kMinDepth = 4, kMaxDepth = 18;
  const uint64_t start = now_ns();
  auto stretch = build(kMaxDepth + 1);
  expect(count(stretch) == tree_nodes(kMaxDepth + 1), "nodes of the stretch tree");
  drop(stretch);
  stretch = {};
  auto long_lived = build(kMaxDepth);
  for (uint32_t depth = kMinDepth; depth <= kMaxDepth; depth += 2) {
    const uint64_t iterations = uint64_t{1} << (kMaxDepth - depth + kMinDepth);
    uint64_t check = 0;
    for (uint64_t i = 0; i < iterations; i++) {
      auto tree = build(depth);
      check += count(tree);
      drop(tree);
    }
    expect(check == iterations * tree_nodes(depth), "nodes of the short-lived trees");
  }
  expect(count(long_lived) == tree_nodes(kMaxDepth), "nodes of the long-lived tree");
  drop(long_lived);
  const double wall = static_cast<double>(now_ns() - start) * 1e-9;
  return Result{"s user+sys", cpu_seconds(), {{"wall_s", wall}}};
}

// --- nodes of GCBench: two pointers and two 32-bit integers

// The order in which a tree's nodes are made decides where they lie, and so what marking it costs.
constexpr uint32_t kOrderTreeDepth = 20;  // 2,097,151 nodes

// Both children of `node` before their own children, the left subtree before the right one:
// GCBench's Populate. `make()` gives a node of zeros.
template <typename Node, typename Make>
void populate(uint32_t depth, Node* node, Make make) {
  if (depth == 0) return;
  node->left = make();
  node->right = make();
  populate<Node>(depth - 1, node->left, make);
  populate<Node>(depth - 1, node->right, make);
}

// Makes a complete tree below `root`, each node at a place taken at random from all that are open.
// `places` is an array of 2^depth {parent, right}.
template <typename Node, typename Places, typename Make>
void grow_in_random_order(uint32_t depth, Node* root, Places places, Make make) {
  Random random(kShuffleSeed);
  uint64_t open = 0;
  const auto add = [&](Node* node, uint32_t below) {
    node->i = static_cast<int32_t>(below);
    for (int32_t right = 0; below != 0 && right < 2; right++) {
      places[open].parent = node;
      places[open].right = right;
      open++;
    }
  };
  add(root, depth);
  while (open != 0) {
    const uint64_t at = random.next() % open--;
    Node* const parent = places[at].parent;
    const bool right = places[at].right != 0;
    Node* const last = places[open].parent;
    places[at].parent = last;
    places[at].right = places[open].right;
    Node* const child = make();
    (right ? parent->right : parent->left) = child;
    add(child, static_cast<uint32_t>(parent->i) - 1);
  }
}

// Hans Boehm's GCBench, after John Ellis and Pete Kovac: a stretch tree, then beside a long-lived
// tree and a long-lived array of numbers, for each depth as many trees from the root down as from
// the leaves up. `make()` gives a node of zeros, `build(depth)` a tree from the leaves up,
// `numbers(n)` an array of n doubles.
template <typename Node, typename Make, typename Build, typename Numbers, typename Count>
Result gcbench(Make make, Build build, Numbers numbers, Count count) {
  constexpr uint32_t kStretchDepth = 18, kLongLivedDepth = 16, kMinDepth = 4, kMaxDepth = 16;
  constexpr uint64_t kNumbers = 500000;
  const uint64_t start = now_ns();
  expect(count(build(kStretchDepth)) == tree_nodes(kStretchDepth), "nodes of the stretch tree");
  Node* long_lived = make();
  populate<Node>(kLongLivedDepth, long_lived, make);
  double* array = numbers(kNumbers);
  for (uint64_t i = 1; i < kNumbers / 2; i++) array[i] = 1.0 / static_cast<double>(i);
  for (uint32_t depth = kMinDepth; depth <= kMaxDepth; depth += 2) {
    const uint64_t iterations = 2 * tree_nodes(kStretchDepth) / tree_nodes(depth);
    for (uint64_t i = 0; i < iterations; i++) {
      Node* root = make();
      populate<Node>(depth, root, make);
      consume(root);
    }
    for (uint64_t i = 0; i < iterations; i++) consume(build(depth));
  }
  expect(count(long_lived) == tree_nodes(kLongLivedDepth), "nodes of the long-lived tree");
  expect(array[1000] == 1.0 / 1000, "the array of numbers");
  const double wall = static_cast<double>(now_ns() - start) * 1e-9;
  return Result{"s user+sys", cpu_seconds(), {{"wall_s", wall}}};
}

}  // namespace peers

#endif  // BENCH_PEERS_TREES_H_
