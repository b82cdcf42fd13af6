// SPDX-License-Identifier: MIT
// What every map test stands on: a collector of its own, the test's thread attached to it, map types
// that outlive it, a random seed that is printed on failure and taken back from GREYHOUND_TEST_SEED,
// and the debug flags of GREYHOUND_DEBUG on top of the test's own.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <string>

#include "gc/collector.h"
#include "gc/mutator.h"
#include "gc/options.h"
#include "maps/assign.h"
#include "maps/inspect.h"
#include "maps/iterate.h"
#include "maps/lookup.h"
#include "maps/map_type.h"
#include "runtime/base/panic.h"

namespace greyhound::maps {

inline uint64_t test_seed() {
  const char* given = std::getenv("GREYHOUND_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
}

struct Panic {
  std::string message;
};

class MapsTest : public ::testing::Test {
 protected:
  MapsTest() : MapsTest(default_options()) {}
  explicit MapsTest(gc::Options options) : seed_(test_seed()), random_(seed_) {
    if (const char* flags = std::getenv("GREYHOUND_DEBUG")) parse_debug_flags(flags, &options.debug);
    collector_ = std::make_unique<gc::Collector>(options);
    EXPECT_TRUE(collector_->start());
    mutator_ = std::make_unique<gc::Mutator>(collector_.get(), "test");
    mutator_->bind();
    mutator_->add_root_range(&kept_range_);
    set_panic_handler([](const char* message) { throw Panic{message}; });
  }
  ~MapsTest() override {
    set_panic_handler(nullptr);
    mutator_->remove_root_range(&kept_range_);
    mutator_->unbind();
    mutator_.reset();
    if (HasFailure()) std::fprintf(stderr, "GREYHOUND_TEST_SEED=%lu\n", seed_);
  }

  static gc::Options default_options() {
    gc::Options options;
    options.reserve = uint64_t{4} << 30;
    options.use_environment = false;
    return options;
  }
  // A collection every `every` allocations, and freed objects overwritten.
  static gc::Options stressed(int64_t every) {
    gc::Options options = default_options();
    options.debug.gcstress = every;
    options.debug.clobberfree = 1;
    return options;
  }

  // A map type that lives until the collector is gone.
  const MapType* map_type(const Type& key, const Type& elem) { return &types_.emplace_back(&key, &elem); }
  // A test object lies on the C++ heap, so what its members point to needs a root of its own.
  template <class T>
  T* keep(T* object) {
    kept_[kept_range_.count++] = reinterpret_cast<uintptr_t>(object);
    return object;
  }
  void collect() { collector_->collect(); }

  // The message of the panic that `action` ends in; empty when it does not.
  template <class Action>
  static std::string panic_of(Action action) {
    try {
      action();
    } catch (const Panic& panic) {
      return panic.message;
    }
    return "";
  }

  const uint64_t seed_;
  std::mt19937_64 random_;
  std::deque<MapType> types_;
  uintptr_t kept_[8] = {};
  gc::RootRange kept_range_{kept_, 0};
  std::unique_ptr<gc::Collector> collector_;
  std::unique_ptr<gc::Mutator> mutator_;
};

}  // namespace greyhound::maps
