// SPDX-License-Identifier: MIT
// A program keeps its own malloc and operator new beside a runtime: a failing `new` throws, and
// what the C library allocates is freed by it.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "runtime/greyhound.h"
using namespace greyhound;

bool throws_bad_alloc(size_t bytes) {
  try {
    void* volatile block = ::operator new(bytes);  // volatile: it is not optimised away
    ::operator delete(block);
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

bool is_mimallocs(const char* function) {
  Dl_info info{};
  return dladdr(dlsym(RTLD_DEFAULT, function), &info) == 0 ||
         std::strstr(info.dli_fname, "mimalloc") != nullptr;
}

int main() {
  runtime::Runtime rt;
  runtime::Thread thread(rt);
  for (int i = 0; i < 1000; ++i) thread.make_array<int64_t>(100);
  rt.collect();
  for (const char* function : {"malloc", "free", "realloc", "_Znwm", "_ZdlPv"}) {
    if (is_mimallocs(function)) return std::printf("%s is not the program's own\n", function);
  }
  std::free(strdup("of the C library"));
  volatile size_t too_much = size_t{1} << 48;
  if (!throws_bad_alloc(too_much)) return std::printf("a failing new did not throw\n");
  try {
    std::vector<char> block(too_much);
    return 1;
  } catch (const std::bad_alloc&) {
  }
  std::printf("greyhound %s, the heap's memory from %s; a failing new throws\n", runtime::version(),
              rt.stats().memory_source);
}
