// SPDX-License-Identifier: MIT
// What the runtime layer's tests stand on: options that do not depend on the machine's size, with
// the debug flags of GREYHOUND_DEBUG so that the gcmodes stage of tools/check can stress the tests,
// and counts of what a piece of code allocated.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>

#include "gc/cycle/collector.h"
#include "runtime/greyhound.h"
#include "tests/common.h"

namespace greyhound::runtime {

// Only handles, persistents and root arrays are roots, so that death can be asserted.
inline Options precise_options() {
  Options options = usual_options();
  options.stack_roots = StackRoots::kPrecise;
  return options;
}

struct Node {
  Ref<Node> next;
  uint64_t value = 0;
};

struct Allocated {
  uint64_t objects;
  uint64_t bytes;
};

template <class Operation>
Allocated allocated_by(Runtime& rt, Operation operation) {
  const gc::GcStats before = rt.stats();
  operation();
  const gc::GcStats after = rt.stats();
  return {after.mallocs - before.mallocs, after.alloc_bytes - before.alloc_bytes};
}

inline bool is_marked_live(Runtime& rt, const void* object) {
  // Between cycles the allocation bit says whether the slot survived the last one.
  return rt.collector().heap.allocs.test(reinterpret_cast<uintptr_t>(object) & ~uintptr_t{15});
}

class RuntimeTest : public ::testing::Test {
 protected:
  explicit RuntimeTest(const Options& options = usual_options()) : rt(options), thread(rt) {}
  Runtime rt;
  Thread thread;
};

}  // namespace greyhound::runtime
