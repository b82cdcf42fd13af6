// SPDX-License-Identifier: MIT
#include "tools/command/demo_workload.h"

#include <fmt/format.h>

#include <chrono>
#include <system_error>
#include <thread>

#include "maps/map.h"
#include "runtime/base/profile_labels.h"
#include "runtime/greyhound.h"

namespace greyhound::serve {
namespace {

using AnyMap = maps::Map<String, eface>;

constexpr uint64_t kKeys = 20'000;
constexpr uint64_t kWritesAtOnce = 4'000;
constexpr int kReadsAWrite = 4;
constexpr uint64_t kRoundsOfOneMap = 40;
constexpr int kDepth = 12;
constexpr size_t kKept = 32;  // trees that live on
constexpr std::chrono::milliseconds kRest{8};

struct Tree {
  Ref<Tree> left;
  Ref<Tree> right;
  int64_t value;
};

GREYHOUND_NOINLINE Tree* bottom_up(int depth) {
  Tree* left = depth == 0 ? nullptr : bottom_up(depth - 1);
  Tree* right = depth == 0 ? nullptr : bottom_up(depth - 1);
  return runtime::Thread::make<Tree>(left, right, depth);
}

String key_of(uint64_t i) { return String::copy(fmt::format("key-{}", i % kKeys)); }

// m[key] = i, where i becomes an any.
GREYHOUND_NOINLINE void write_boxed(AnyMap* map, const String& key, uint64_t i) {
  const auto value = static_cast<int64_t>(1000 + i);
  map->insert_or_assign(key, runtime::convT2E(type_of<int64_t>(), &value));
}

// v, ok := m[key]
GREYHOUND_NOINLINE int64_t read_boxed(const AnyMap& map, const String& key) {
  const maps::ElemOk entry = maps::mapaccess2_faststr(AnyMap::type(), map.header(), key);
  return entry.ok ? *static_cast<const eface*>(entry.elem)->as<int64_t>() : 0;
}

}  // namespace

DemoWorkload::DemoWorkload(runtime::Runtime* runtime) : runtime_(runtime) {
  int error = map_.start<&DemoWorkload::churn_map>("gh-demo-map", this);
  if (error == 0) error = trees_.start<&DemoWorkload::build_trees>("gh-demo-trees", this);
  if (error == 0) return;
  stop();
  throw std::system_error(error, std::generic_category(), "a thread for the workload");
}

DemoWorkload::~DemoWorkload() { stop(); }

void DemoWorkload::stop() {
  stop_.store(true, std::memory_order_relaxed);
  map_.join();
  trees_.join();
}

void DemoWorkload::churn_map() {
  runtime::Thread thread(*runtime_, "map");
  const ProfileLabels label("workload", "map[string]any");
  AnyMap map = AnyMap::make();
  int64_t sum = 0;
  for (uint64_t round = 0, i = 0; !stop_.load(std::memory_order_relaxed); ++round) {
    // A new one now and then: it grows, and the old one is garbage.
    if (round % kRoundsOfOneMap == 0) map = AnyMap::make();
    for (const uint64_t end = i + kWritesAtOnce; i < end; ++i) {
      const String key = key_of(i);
      write_boxed(&map, key, i);
      for (int reads = 0; reads < kReadsAWrite; ++reads) sum += read_boxed(map, key);
    }
    asm volatile("" : : "r"(sum));  // what was read counts as used
    thread.blocking([] { std::this_thread::sleep_for(kRest); });
  }
}

void DemoWorkload::build_trees() {
  runtime::Thread thread(*runtime_, "trees");
  const ProfileLabels label("workload", "trees");
  runtime::Handle<Tree> kept[kKept];
  for (size_t round = 0; !stop_.load(std::memory_order_relaxed); ++round) {
    Tree* tree = bottom_up(kDepth);
    if (round % 16 == 0) kept[round / 16 % kKept] = tree;
    thread.blocking([] { std::this_thread::sleep_for(kRest); });
  }
}

}  // namespace greyhound::serve
