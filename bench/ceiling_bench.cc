// SPDX-License-Identifier: MIT
// What the memory system allows: marking by a bare loop, one thread, a bitmap beside the heap, and
// nothing that a collector needs besides. No barrier, no spans, no types, no other thread. What the
// collector takes above this is its own; what is above the target already here, no collector of
// this kind reaches.
//
//   BM_BareMark      mark-1g's nodes, in the order of their making or shuffled: LIFO stack, and a
//                    FIFO of 16 between asking for a node's line and looking at it
//   BM_BareBuckets   the table of map-gc-1e6-int-ptr: half-filled buckets of 144 B, each pointer to
//                    another 8 B object, in no order; the mark set by a plain or a locked OR
//
// What would mislead: the time of one thread is compared with the wall time of two markers; and a
// shuffled heap is a matter of the neighbours on the machine as much as of the loop.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace {

// Bits are set by fetch_or where others set bits of the same words, as several markers do.
enum class Or { kPlain, kLocked };

class Bitmap {
 public:
  explicit Bitmap(size_t bits) : words_(bits / 64 + 1) {}
  void clear() { std::fill(words_.begin(), words_.end(), 0); }
  void prefetch(size_t bit) const { __builtin_prefetch(&words_[bit / 64]); }

  // True when this call set the bit.
  template <Or how>
  bool set(size_t bit) {
    uint64_t& word = words_[bit / 64];
    const uint64_t mask = uint64_t{1} << (bit % 64);
    if ((word & mask) != 0) return false;
    if constexpr (how == Or::kLocked) {
      return (std::atomic_ref<uint64_t>(word).fetch_or(mask, std::memory_order_acq_rel) & mask) ==
             0;
    }
    word |= mask;
    return true;
  }

 private:
  std::vector<uint64_t> words_;
};

struct Node {
  Node* left = nullptr;
  Node* right = nullptr;
};

// A complete binary tree whose nodes take their memory in the order of `place`, depth first.
class Tree {
 public:
  Tree(int depth, bool shuffled)
      : nodes_(new Node[(size_t{2} << depth) - 1]), size_((size_t{2} << depth) - 1) {
    if (shuffled) {
      place_.resize(size_);
      std::iota(place_.begin(), place_.end(), 0);
      std::shuffle(place_.begin(), place_.end(), std::mt19937_64(1));
    }
    root_ = build(depth);
    place_ = {};
  }
  size_t size() const { return size_; }
  Node* root() const { return root_; }
  size_t index(const Node* node) const { return static_cast<size_t>(node - nodes_.get()); }

 private:
  Node* build(int depth) {
    Node* node = &nodes_[place_.empty() ? made_ : place_[made_]];
    ++made_;
    if (depth > 0) {
      node->left = build(depth - 1);
      node->right = build(depth - 1);
    }
    return node;
  }

  std::unique_ptr<Node[]> nodes_;
  size_t size_;
  std::vector<uint32_t> place_;
  size_t made_ = 0;
  Node* root_ = nullptr;
};

// The nodes that it marked.
size_t mark_tree(const Tree& tree, Bitmap* marks) {
  constexpr size_t kAhead = 16;
  std::vector<const Node*> stack = {tree.root()};
  const Node* ahead[kAhead] = {};
  size_t at = 0;
  size_t marked = 0;
  size_t waiting = 0;
  while (waiting != 0 || !stack.empty()) {
    const Node* next = nullptr;
    if (!stack.empty()) {
      next = stack.back();
      stack.pop_back();
      __builtin_prefetch(next);
      marks->prefetch(tree.index(next));
      ++waiting;
    }
    std::swap(next, ahead[at]);
    at = (at + 1) % kAhead;
    if (next == nullptr) continue;
    --waiting;
    if (!marks->set<Or::kPlain>(tree.index(next))) continue;
    ++marked;
    if (next->left != nullptr) stack.push_back(next->left);
    if (next->right != nullptr) stack.push_back(next->right);
  }
  return marked;
}

void BM_BareMark(benchmark::State& state) {
  const Tree tree(static_cast<int>(state.range(0)), state.range(1) != 0);
  Bitmap marks(tree.size());
  size_t marked = 0;
  for (auto _ : state) {
    marks.clear();
    marked += mark_tree(tree, &marks);
  }
  if (marked != tree.size() * state.iterations()) state.SkipWithError("nodes were missed");
  state.counters["ns/object"] =
      benchmark::Counter(static_cast<double>(marked) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK(BM_BareMark)
    ->ArgNames({"depth", "shuffled"})
    ->ArgsProduct({{19, 24}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

struct Bucket {
  uint64_t tophash;
  int64_t keys[8];
  const int64_t* elems[8];
  Bucket* overflow;
};

template <Or how>
void BM_BareBuckets(benchmark::State& state) {
  constexpr size_t kEntries = 1'000'000;
  constexpr size_t kBuckets = 278'528;  // Go's for a million entries, overflow buckets included
  const std::unique_ptr<int64_t[]> cells(new int64_t[kEntries]());
  std::vector<Bucket> table(kBuckets);
  std::mt19937_64 random(1);
  for (size_t made = 0; made < kEntries;) {
    Bucket& bucket = table[random() % kBuckets];
    const auto slot = std::find(std::begin(bucket.elems), std::end(bucket.elems), nullptr);
    if (slot != std::end(bucket.elems)) *slot = &cells[made++];
  }
  Bitmap marks(kEntries);
  size_t marked = 0;
  for (auto _ : state) {
    marks.clear();
    for (const Bucket& bucket : table) {
      // Empty slots are no branch: nobody could predict them.
      size_t found[8];
      size_t count = 0;
      for (const int64_t* elem : bucket.elems) {
        found[count] = static_cast<size_t>(elem - cells.get());
        count += elem != nullptr ? 1 : 0;
      }
      for (size_t i = 0; i < count; ++i) marked += marks.set<how>(found[i]) ? 1 : 0;
    }
  }
  if (marked != kEntries * state.iterations()) state.SkipWithError("entries were missed");
  state.counters["ns/object"] =
      benchmark::Counter(static_cast<double>(marked) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

BENCHMARK_TEMPLATE(BM_BareBuckets, Or::kPlain)->Unit(benchmark::kMillisecond);
BENCHMARK_TEMPLATE(BM_BareBuckets, Or::kLocked)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
