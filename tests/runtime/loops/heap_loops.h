// SPDX-License-Identifier: MIT
// Loops over objects in the heap whose bodies may collect: what an optimising compiler keeps of
// their pointers is what stack_pointers_test.cc is about. heap_loops.cc is compiled several times,
// once for each function below.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace greyhound::loops {

// `a` and, where there are two `objects`, `b`: objects of `bytes`. `count`: elements in each.
struct Loop {
  const char* name;
  void (*run)(void* a, void* b, long count);
  size_t bytes;
  long count;
  int objects = 1;
  // Runs further away from its object than a collector can know. Some compilers keep it in sight.
  bool far = false;
};

// What a loop's body calls: a function of its argument that collects. No compiler sees its code.
extern "C" int64_t heap_loops_step(int64_t value);

// With the compiler's -O1, -O2, -O3, and -O2 -fno-ivopts (Clang: -O2).
std::span<const Loop> at_o1();
std::span<const Loop> at_o2();
std::span<const Loop> at_o3();
std::span<const Loop> without_ivopts();

}  // namespace greyhound::loops
