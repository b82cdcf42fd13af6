// SPDX-License-Identifier: MIT
//
// peer_mimalloc: the allocation workloads with mimalloc's malloc and free, by hand. A slot of the
// ring frees what it held before it takes the new object, so that one operation is one malloc+free
// pair. What would mislead: pointer-free objects come unzeroed (mi_malloc), those with pointers
// zeroed (mi_zalloc), as a collector must deliver them; and the program knows when each object
// dies, which is the very thing a collector finds out.

#include <mimalloc.h>

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

constexpr uint64_t kRing = 64;
void* ring[kRing];
Box box_ring[kRing];
Text texts[kRing];
const char int_type = 'i', string_type = 's';

template <typename T>
T* checked(void* memory) {
  if (memory == nullptr) throw std::runtime_error("mimalloc is out of memory");
  return static_cast<T*>(memory);
}

Result alloc_8_noscan(bool quick) {
  return peers::time_per_op(quick, 1, [](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      auto* object = static_cast<int64_t*>(mi_malloc(8));
      *object = static_cast<int64_t>(i);
      mi_free(ring[i % kRing]);
      ring[i % kRing] = object;
    }
    peers::consume(ring);
  });
}

template <typename T>
Result alloc_zeroed(bool quick) {
  return peers::time_per_op(quick, 1, [](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      void* object = mi_zalloc(sizeof(T));
      mi_free(ring[i % kRing]);
      ring[i % kRing] = object;
    }
    peers::consume(ring);
  });
}

Result box_int(bool quick) {
  return peers::time_per_op(quick, 1, [](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      auto* data = static_cast<int64_t*>(mi_malloc(8));
      *data = static_cast<int64_t>(i) + 256;
      Box& slot = box_ring[i % kRing];
      mi_free(slot.data);
      slot = Box{&int_type, data};
    }
    peers::consume(box_ring);
  });
}

Result box_string(bool quick) {
  static std::vector<std::string> bytes;
  for (uint64_t i = 0; i < kRing; i++) bytes.push_back(peers::string_key(i));
  for (uint64_t i = 0; i < kRing; i++) texts[i] = Text{bytes[i].data(), bytes[i].size()};
  return peers::time_per_op(quick, 1, [](uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      auto* data = static_cast<Text*>(mi_malloc(sizeof(Text)));
      *data = texts[i % kRing];
      Box& slot = box_ring[i % kRing];
      mi_free(slot.data);
      slot = Box{&string_type, data};
    }
    peers::consume(box_ring);
  });
}

Node* build(uint32_t depth) {
  Node* left = depth == 0 ? nullptr : build(depth - 1);
  Node* right = depth == 0 ? nullptr : build(depth - 1);
  Node* node = checked<Node>(mi_malloc(sizeof(Node)));
  node->left = left;
  node->right = right;
  return node;
}

uint64_t count(const Node* node) {
  if (node->left == nullptr) return 1;
  return 1 + count(node->left) + count(node->right);
}

void drop(Node* node) {
  if (node->left != nullptr) {
    drop(node->left);
    drop(node->right);
  }
  mi_free(node);
}

Result latency_1g(bool quick) {
  std::vector<Node*> forest(quick ? peers::kMarkTreesQuick : peers::kMarkTrees);
  for (Node*& tree : forest) tree = build(peers::kMarkTreeDepth);
  Result result = peers::time_latency(quick, [] {
    for (uint32_t i = 0; i < peers::kLatencyTrees; i++) {
      Node* tree = build(peers::kLatencyTreeDepth);
      peers::consume(tree);
      drop(tree);
    }
  });
  peers::consume(forest);
  return result;
}

Result rss_64m(bool) {
  const uint64_t before = peers::peak_rss_kb();
  std::vector<Node*> forest(peers::kRssLiveTrees);
  for (Node*& tree : forest) tree = build(peers::kMarkTreeDepth);
  for (uint32_t i = 0; i < peers::kRssGarbageTrees; i++) drop(build(peers::kRssGarbageDepth));
  peers::consume(forest);
  const double net = static_cast<double>(peers::peak_rss_kb() - before) / 1024;
  return Result{"MiB RSS net", net, {}};
}

}  // namespace

int main(int argc, char** argv) {
  const int v = mi_version();
  const std::string version =
      std::to_string(v / 100) + "." + std::to_string(v / 10 % 10) + "." + std::to_string(v % 10);
  return peers::peer_main(
      argc, argv, version, "libmimalloc",
      {{"alloc-8-noscan", alloc_8_noscan},
       {"alloc-16-ptr", alloc_zeroed<Node>},
       {"alloc-64-ptr", alloc_zeroed<Object64>},
       {"box-int", box_int},
       {"box-string", box_string},
       {"binary-trees-18", [](bool) { return peers::binary_trees_18(build, count, drop); }},
       {"binary-trees-18-400", [](bool) { return peers::binary_trees_18(build, count, drop); }},
       {"latency-1g", latency_1g},
       {"rss-64m", rss_64m}});
}
