// SPDX-License-Identifier: MIT
// A program that has Greyhound whole and lets a plugin use it: sharing PLUGIN. What the plugin
// makes is in the program's heap, and lives as long as the program holds it.
#include "sharing.h"

#include <dlfcn.h>

#include <cstdio>

using namespace greyhound;

namespace {
int fail(const char* why) {
  std::printf("sharing: %s\n", why);
  return 1;
}
}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return fail("usage: sharing PLUGIN");
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(dlerror());
  auto* const list_of = reinterpret_cast<Shared* (*)(int64_t)>(dlsym(library, "sharing_list"));
  if (list_of == nullptr) return fail(dlerror());
  runtime::Options options;
  options.debug.clobberfree = 1;
  runtime::Runtime rt(options);
  runtime::Thread thread(rt);
  runtime::Persistent<Shared> list(rt, list_of(100'000));
  for (int i = 0; i < 3; ++i) list_of(100'000);
  rt.collect();
  int64_t count = 0;
  for (const Shared* node = list.get(); node != nullptr; node = node->next) ++count;
  if (count != 100'000) return fail("a list that the plugin made lost nodes");
  if (rt.stats().mallocs < 400'000)
    return fail("the plugin's objects are not in the runtime's heap");
  std::puts("sharing: a plugin's objects lie in the program's heap");
}
