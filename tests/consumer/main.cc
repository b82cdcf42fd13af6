// SPDX-License-Identifier: MIT
// A whole embedding in twenty lines, built in CI against the installed package.
#include <cstdio>

#include "runtime/greyhound.h"
using namespace greyhound;

struct Node {
  Ref<Node> next;
  int64_t value;
};

int main() {
  runtime::Runtime rt;
  runtime::Thread thread(rt);
  Node* list = nullptr;
  for (int64_t i = 0; i < 1'000'000; ++i) list = thread.make<Node>(list, i);
  auto index = maps::Map<int64_t, Ref<Node>>::make();
  index.insert_or_assign(7, list);
  rt.collect();
  std::printf("%lld objects allocated, %lld cycles\n", static_cast<long long>(rt.stats().mallocs),
              static_cast<long long>(rt.stats().cycles));
  return list->value == 999'999 && *index.find(7) == list ? 0 : 1;
}
