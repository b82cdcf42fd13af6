// SPDX-License-Identifier: MIT
// A heap profile and a CPU profile from an embedder's program, built in CI against the installed
// package.
#include <cstdint>

#include "runtime/greyhound.h"
#include "runtime/watch/pprof/write_profile.h"
using namespace greyhound;

struct Node {
  Ref<Node> next;
  int64_t value;
};

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  runtime::Options options;
  options.mem_profile_rate = 4096;
  runtime::Runtime rt(options);
  runtime::Thread thread(rt);
  runtime::CpuProfiler profiler;
  profiler.add(rt);
  Node* list = nullptr;
  for (int64_t i = 0; i < 1'000'000; ++i) list = thread.make<Node>(list, i);
  pprof::write_heap_profile(rt, argv[1]);
  pprof::write_cpu_profile(profiler.stop(), argv[2]);
  return list->value == 999'999 ? 0 : 1;
}
