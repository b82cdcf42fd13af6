// SPDX-License-Identifier: MIT
// A plugin without a copy of Greyhound: what it calls is the program's.
#include "sharing.h"
using namespace greyhound;

// A list of `nodes`, in the heap of the calling thread's runtime, the last one by way of a map.
extern "C" __attribute__((visibility("default"))) Shared* sharing_list(int64_t nodes) {
  Shared* list = nullptr;
  for (int64_t i = 0; i < nodes; ++i) list = runtime::Thread::make<Shared>(list, i);
  auto index = maps::Map<int64_t, Ref<Shared>>::make();
  index.insert_or_assign(1, list);
  const String text = String::copy("shared");
  return text.size() == 6 ? index.find(1)->get() : nullptr;
}
