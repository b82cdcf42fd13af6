// SPDX-License-Identifier: MIT
// Compiled with -fno-exceptions and -fno-rtti. What gives null instead of throwing is used; with
// the argument "exhaust" what would throw, which ends the program with status 2 and a sentence.
#include <cstdio>

#include "runtime/greyhound.h"
using namespace greyhound;

struct Node {
  Ref<Node> next;
  int64_t value;
};

runtime::Options small() {
  runtime::Options options;
  options.max_heap = 8 << 20;
  options.use_environment = false;
  return options;
}

bool fill() {
  runtime::Runtime rt(small());
  runtime::Thread thread(rt);
  Node* list = nullptr;
  int64_t count = 0;
  for (Node* node = nullptr; (node = thread.try_make<Node>(list, count)) != nullptr; ++count)
    list = node;
  for (const Node* node = list; node != nullptr; node = node->next) {
    if (node->value != --count) return false;
  }
  return count == 0;
}

bool use() {
  runtime::Runtime rt(small());
  runtime::Thread thread(rt);
  auto index = maps::Map<int64_t, Ref<Node>>::make();
  Node* kept = thread.make<Node>(nullptr, 7);
  const Weak<Node> cached(kept);
  if (!index.insert_or_assign(1, kept)) return false;
  rt.add_cleanup(kept, [] { std::puts("gone"); });
  rt.collect();
  return cached.get() == kept && (*index.find(1))->value == 7;
}

void exhaust() {
  runtime::Runtime rt(small());
  runtime::Thread thread(rt);
  for (Node* list = nullptr;;) list = thread.make<Node>(list, 0);
}

int main(int argc, char**) {
  if (argc > 1) exhaust();
  return fill() && use() ? 0 : 1;
}
