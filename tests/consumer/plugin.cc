// SPDX-License-Identifier: MIT
// A plugin with a runtime of its own: the archives in a shared library.
#include <atomic>

#include "runtime/greyhound.h"
using namespace greyhound;

namespace {
struct Node {
  Ref<Node> next;
  int64_t value;
};
runtime::Runtime* kept = nullptr;

int64_t build_and_count(runtime::Runtime* rt, int64_t nodes) {
  runtime::Thread thread(*rt, "plugin");
  Node* list = nullptr;
  for (int64_t i = 0; i < nodes; ++i) list = thread.make<Node>(list, i);
  auto index = maps::Map<int64_t, Ref<Node>>::make();
  index.insert_or_assign(1, list);
  std::atomic<int> cleanups{0};
  rt->add_cleanup(thread.make<Node>(), [&cleanups] { ++cleanups; });
  rt->collect();
  rt->run_finalizers();
  int64_t count = 0;
  for (const Node* node = *index.find(1); node != nullptr; node = node->next) ++count;
  return count;
}
}  // namespace

// A runtime for one call, and one that stays from a call to another.
extern "C" __attribute__((visibility("default"))) int64_t plugin_run(int64_t nodes) {
  runtime::Runtime rt;
  return build_and_count(&rt, nodes);
}
extern "C" __attribute__((visibility("default"))) int64_t plugin_start(int64_t nodes) {
  kept = new runtime::Runtime;
  return build_and_count(kept, nodes);
}
extern "C" __attribute__((visibility("default"))) int64_t plugin_go_on(int64_t nodes) {
  return build_and_count(kept, nodes);
}
extern "C" __attribute__((visibility("default"))) void plugin_stop() {
  delete kept;
  kept = nullptr;
}
