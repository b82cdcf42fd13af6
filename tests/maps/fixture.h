// SPDX-License-Identifier: MIT
// What every map test stands on: a runtime of its own with the test's thread attached, map
// types that outlive it, roots for what the test object holds, and a random seed that is
// printed on failure and taken back from GREYHOUND_TEST_SEED. Flags in GREYHOUND_DEBUG come
// on top of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <string>

#include "gc/cycle/collector.h"
#include "maps/assign.h"
#include "maps/inspect.h"
#include "maps/iterate.h"
#include "maps/lookup.h"
#include "maps/map_type.h"
#include "runtime/runtime.h"
#include "tests/common.h"

namespace greyhound::maps {

class MapsTest : public ::testing::Test {
 protected:
  MapsTest() : MapsTest(default_options()) {}
  explicit MapsTest(const gc::Options& options)
      : seed_(test_seed()), random_(seed_), runtime_(options), thread_(runtime_, "test") {
    thread_.mutator().add_root_range(&kept_range_);
  }
  ~MapsTest() override {
    thread_.mutator().remove_root_range(&kept_range_);
    if (HasFailure()) std::fprintf(stderr, "GREYHOUND_TEST_SEED=%lu repeats this run\n", seed_);
  }

  static gc::Options default_options() {
    gc::Options options;
    options.reserve = uint64_t{4} << 30;
    return options;
  }
  // A collection every `every` allocations, and freed objects overwritten.
  static gc::Options stressed(int64_t every) {
    gc::Options options = default_options();
    options.debug.gcstress = every;
    options.debug.clobberfree = 1;
    return options;
  }

  // A map type that lives until the runtime is gone.
  const MapType* map_type(const Type& key, const Type& elem) {
    return &types_.emplace_back(&key, &elem);
  }

  // A test object lies on the C++ heap, so what its members point to needs a root of its own.
  template <class T>
  T* keep(T* object) {
    kept_[kept_range_.count++] = reinterpret_cast<uintptr_t>(object);
    return object;
  }

  // The same, in place of the last one.
  template <class T>
  T* keep_latest(T* object) {
    --kept_range_.count;
    return keep(object);
  }

  // The message of the panic that `action` ends in; empty when it does not.
  template <class Action>
  static std::string panic_of(Action action) {
    try {
      action();
    } catch (const runtime::Panic& panic) {
      return panic.what();
    }
    return "";
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  std::deque<MapType> types_;
  uintptr_t kept_[8] = {};
  gc::RootRange kept_range_{kept_, 0};
  runtime::Runtime runtime_;
  runtime::Thread thread_;
};

// A map from int64_t to int64_t, reached through the generic functions.
class IntMapTest : public MapsTest {
 protected:
  using MapsTest::MapsTest;

  static const Type& int64() { return *type_of<int64_t>(); }
  void put(int64_t key, int64_t value) { *static_cast<int64_t*>(mapassign(t_, h_, &key)) = value; }
  void put_range(int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i) put(i, i);
  }
  void erase(int64_t key) { mapdelete(t_, h_, &key); }
  bool has(int64_t key) { return mapaccess2(t_, h_, &key).ok; }
  MapShape shape() { return inspect(t_, h_); }
  // Writes to a key that is there until the growth under way is done.
  void finish_growth(int64_t key) {
    while (h_->growing()) put(key, key);
  }

  const MapType* t_ = map_type(int64(), int64());
  hmap* h_ = keep(makemap(t_, 0));
};

}  // namespace greyhound::maps
