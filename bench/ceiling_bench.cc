// SPDX-License-Identifier: MIT
// What the memory system allows: marking by a bare loop, a bitmap beside the heap, and nothing that
// a collector needs besides. No barrier, no spans, no types. What the collector takes above this is
// its own; what is above the target already here, no collector of this kind reaches.
//
//   BM_BareMark      mark-1g's nodes, in the order of their making or shuffled: LIFO stack, and a
//                    FIFO of 16 between asking for a node's line and looking at it
//   BM_BareBuckets   tables of map-gc-1e6: half-filled buckets, each pointer to another 8 B cell,
//                    in no order; the mark set by a plain or a locked OR, by one thread or by two
//                    that share the table and the bitmap. IntPtr's cells have a bit for two, as
//                    numbers in the tiny allocator's blocks; the others' each their own
//
// What would mislead: BM_BareMark's time of one thread is compared with the wall time of two
// markers; a shuffled heap is a matter of the neighbours on the machine as much as of the loop, and
// so is what two threads lose by taking each other's lines of the bitmap: from nothing to a factor
// of two, by where the host runs the two processors.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <random>
#include <thread>
#include <utility>
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
    if constexpr (how == Or::kLocked) {
      const std::atomic_ref<uint64_t> shared(word);
      if ((shared.load(std::memory_order_relaxed) & mask) != 0) return false;
      return (shared.fetch_or(mask, std::memory_order_acq_rel) & mask) == 0;
    }
    if ((word & mask) != 0) return false;
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

// Tables of map-gc-1e6: pointers of an entry, other words of a bucket, cells that share a bit.
struct IntPtr {
  static constexpr size_t kPointers = 1, kOthers = 10, kCellsABit = 2;
};
struct StringInt {
  static constexpr size_t kPointers = 1, kOthers = 18, kCellsABit = 1;
};
struct StringAny {
  static constexpr size_t kPointers = 2, kOthers = 18, kCellsABit = 1;
};

template <class Table>
struct Bucket {
  uint64_t others[Table::kOthers];
  const int64_t* pointers[8 * Table::kPointers];
};

// Empty slots are no branch: nobody could predict them.
template <class Table, Or how>
size_t mark_pointers(const Bucket<Table>& bucket, const int64_t* cells, Bitmap* marks) {
  size_t found[8 * Table::kPointers];
  size_t count = 0;
  for (const int64_t* pointer : bucket.pointers) {
    found[count] = static_cast<size_t>(pointer - cells) / Table::kCellsABit;
    count += pointer != nullptr ? 1 : 0;
  }
  size_t marked = 0;
  for (size_t i = 0; i < count; ++i) marked += marks->set<how>(found[i]) ? 1 : 0;
  return marked;
}

template <class Table, Or how, int threads>
void BM_BareBuckets(benchmark::State& state) {
  constexpr size_t kEntries = 1'000'000;
  constexpr size_t kCells = kEntries * Table::kPointers;
  constexpr size_t kBuckets = 278'528;  // Go's for a million entries, overflow buckets included
  constexpr size_t kShare = (128 << 10) / sizeof(Bucket<Table>);  // what a thread takes at once
  const std::unique_ptr<int64_t[]> cells(new int64_t[kCells]());
  std::vector<Bucket<Table>> table(kBuckets);
  std::mt19937_64 random(1);
  for (size_t made = 0; made < kEntries;) {
    auto& pointers = table[random() % kBuckets].pointers;
    const auto slot = std::find(pointers, pointers + 8, nullptr);
    if (slot == pointers + 8) continue;
    for (size_t p = 0; p < Table::kPointers; ++p) slot[8 * p] = &cells[made + p * kEntries];
    ++made;
  }
  Bitmap marks(kCells / Table::kCellsABit);
  std::atomic<size_t> marked{0};
  for (auto _ : state) {
    marks.clear();
    std::atomic<size_t> next{0};
    const auto work = [&] {
      size_t mine = 0;
      for (size_t first; (first = next.fetch_add(kShare)) < kBuckets;) {
        for (size_t i = first; i < std::min(first + kShare, kBuckets); ++i)
          mine += mark_pointers<Table, how>(table[i], cells.get(), &marks);
      }
      marked += mine;
    };
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(work);
    work();
    for (std::thread& other : others) other.join();
  }
  if (marked != kCells / Table::kCellsABit * state.iterations())
    state.SkipWithError("entries were missed");
  state.counters["ns/pointer"] =
      benchmark::Counter(static_cast<double>(kCells * state.iterations()) * 1e-9,
                         benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

#define BARE_BUCKETS(Table, how, threads)                 \
  BENCHMARK_TEMPLATE(BM_BareBuckets, Table, how, threads) \
      ->Unit(benchmark::kMillisecond)                     \
      ->UseRealTime()
BARE_BUCKETS(IntPtr, Or::kPlain, 1);
BARE_BUCKETS(IntPtr, Or::kLocked, 1);
BARE_BUCKETS(IntPtr, Or::kLocked, 2);
BARE_BUCKETS(StringInt, Or::kPlain, 1);
BARE_BUCKETS(StringInt, Or::kLocked, 1);
BARE_BUCKETS(StringInt, Or::kLocked, 2);
BARE_BUCKETS(StringAny, Or::kPlain, 1);
BARE_BUCKETS(StringAny, Or::kLocked, 1);
BARE_BUCKETS(StringAny, Or::kLocked, 2);

}  // namespace

BENCHMARK_MAIN();
