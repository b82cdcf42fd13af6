// SPDX-License-Identifier: MIT
// An iterator is a root wherever it lies, in every mode: what it reads next lives, and so do the
// key and the elem that it shows. Freed memory is overwritten, so that a lost one shows.
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "maps/map.h"
#include "runtime/greyhound.h"
#include "runtime/handle.h"
#include "tests/maps/fixture.h"

namespace greyhound::maps {
namespace {

class IteratorRoots : public MapsTest, public ::testing::WithParamInterface<gc::StackRoots> {
 protected:
  static gc::Options options() {
    gc::Options options = default_options();
    options.stack_roots = GetParam();
    options.debug.clobberfree = 1;
    return options;
  }
  IteratorRoots() : IteratorRoots(options()) {}
  explicit IteratorRoots(const gc::Options& options) : MapsTest(options) {}

  template <class V>
  Map<int64_t, V> filled(int64_t n) {
    auto m = Map<int64_t, V>::make();
    keep(m.header());
    for (int64_t i = 0; i < n; ++i) put(m, i);
    while (m.header()->growing()) put(m, 0);
    return m;
  }
  template <class V>
  static void put(Map<int64_t, V> m, int64_t i) {
    const V elem = value<V>(i);
    const RootScope rooted(&elem, sizeof elem);
    m.insert_or_assign(i, elem);
  }
  template <class V>
  static V value(int64_t i) {
    if constexpr (std::is_same_v<V, String>) {
      return String::copy(std::to_string(i));
    } else {
      return i;
    }
  }
  // Several growths and collections, and new objects where the old tables were.
  template <class V>
  void outgrow(Map<int64_t, V> m) {
    for (int64_t i = 1000000; i < 1003000; ++i) put(m, i);
    runtime_.collect();
    runtime_.collect();
    for (size_t i = 0; i < 2000; ++i) thread_.make_array<int64_t>(i % 1000 + 1);
  }
  template <class V>
  void expect_each_once(const std::multiset<int64_t>& visited, int64_t n) {
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(visited.count(i), 1u) << i;
  }

  template <class V>
  void range_for() {
    for (int trial = 0; trial < 5; ++trial) {
      auto m = filled<V>(400);
      std::multiset<int64_t> visited;
      for (auto [key, elem] : m) {
        visited.insert(key);
        if (visited.size() == 1) outgrow(m);
      }
      expect_each_once<V>(visited, 400);
      kept_range_.count = 0;
    }
  }
};

TEST_P(IteratorRoots, RangeForThroughGrowthsAndCollections) {
  range_for<int64_t>();
  range_for<String>();
}

TEST_P(IteratorRoots, WhatItShowsIsReadableThroughGrowthsAndCollections) {
  auto m = filled<String>(100);
  for (auto [key, elem] : m) {
    if (key >= 100) break;
    const int64_t number = key;
    outgrow(m);
    ASSERT_EQ(key, number);
    ASSERT_EQ(elem.view(), std::to_string(number));
    m.erase(key);
    ASSERT_FALSE(m.contains(number));
  }
}

TEST_P(IteratorRoots, TheIteratorAloneKeepsTheMap) {
  auto it = filled<String>(300).begin();
  kept_[0] = 0;
  std::multiset<int64_t> visited;
  for (; it != std::default_sentinel; ++it) {
    visited.insert((*it).key);
    if (visited.size() % 100 == 1) runtime_.collect();
    ASSERT_EQ((*it).value.view(), std::to_string((*it).key));
  }
  expect_each_once<String>(visited, 300);
}

// In a container, a coroutine's frame, anywhere on the C++ heap.
TEST_P(IteratorRoots, IteratorsOnTheCxxHeap) {
  auto m = filled<int64_t>(400);
  auto it = std::make_unique<Map<int64_t, int64_t>::Iterator>(m.begin());
  std::multiset<int64_t> visited;
  for (; *it != std::default_sentinel; ++*it) {
    visited.insert((**it).key);
    if (visited.size() == 1) outgrow(m);
  }
  expect_each_once<int64_t>(visited, 400);
}

TEST_P(IteratorRoots, CopiesAreRootsOfTheirOwn) {
  auto m = filled<int64_t>(400);
  using Iterator = Map<int64_t, int64_t>::Iterator;
  std::vector<Iterator> copies;
  {
    std::optional<Iterator> first(m.begin());
    for (int i = 0; i < 20; ++i) copies.push_back(*first);  // and they move as the vector grows
    for (int i = 0; i < 10; ++i) copies[static_cast<size_t>(i)] = copies.back();
  }
  outgrow(m);
  for (Iterator it : copies) {
    std::multiset<int64_t> visited;
    for (; it != std::default_sentinel; ++it) visited.insert((*it).key);
    expect_each_once<int64_t>(visited, 400);
  }
}

// The functions by Go's names, whose iterator is a plain object.
TEST_P(IteratorRoots, AnHiterNeedsNoOtherRoot) {
  auto m = filled<int64_t>(400);
  hiter it;
  for (int round = 0; round < 3; ++round) {  // and is used again
    std::multiset<int64_t> visited;
    for (mapiterinit(m.type(), m.header(), &it); it.key != nullptr; mapiternext(&it)) {
      visited.insert(*static_cast<const int64_t*>(it.key));
      if (visited.size() == 1) outgrow(m);
    }
    expect_each_once<int64_t>(visited, 400);
  }
}

TEST_P(IteratorRoots, AnIteratorMayBeDestroyedAfterItsThreadHasDetached) {
  auto m = filled<int64_t>(50);
  auto it = std::make_unique<hiter>();
  {
    std::thread other([&] {
      runtime::Thread attached(runtime_, "other");
      mapiterinit(m.type(), m.header(), it.get());
    });
    thread_.blocking([&] { other.join(); });
  }
  runtime_.collect();
  it.reset();
  runtime_.collect();
  // One that is left over from a thread is begun again under another.
  hiter again;
  std::thread other([&] {
    runtime::Thread attached(runtime_, "other");
    mapiterinit(m.type(), m.header(), &again);
  });
  thread_.blocking([&] { other.join(); });
  mapiterinit(m.type(), m.header(), &again);
  outgrow(m);
  std::multiset<int64_t> visited;
  for (; again.key != nullptr; mapiternext(&again))
    visited.insert(*static_cast<const int64_t*>(again.key));
  expect_each_once<int64_t>(visited, 50);
}

INSTANTIATE_TEST_SUITE_P(Modes, IteratorRoots,
                         ::testing::Values(gc::StackRoots::kConservative, gc::StackRoots::kPrecise),
                         [](const auto& mode) {
                           return mode.param == gc::StackRoots::kPrecise ? "Precise"
                                                                         : "Conservative";
                         });

}  // namespace
}  // namespace greyhound::maps
