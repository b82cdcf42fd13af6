// SPDX-License-Identifier: MIT
// Loads plugins that hold a runtime each: one that is loaded, used, unloaded and loaded again, and
// two at once, used by several threads. plugin_host PLUGIN PLUGIN. It fails when a number is wrong,
// when an unloaded plugin is still mapped or has left a thread, or when loading again costs memory.
#include <dlfcn.h>

#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using Count = int64_t (*)(int64_t);

class Plugin {
 public:
  explicit Plugin(const char* path) : library_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (library_ == nullptr) fail(dlerror());
  }
  ~Plugin() { dlclose(library_); }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  template <class Function>
  Function get(const char* name) const {
    auto* function = reinterpret_cast<Function>(dlsym(library_, name));
    if (function == nullptr) fail(dlerror());
    return function;
  }
  [[noreturn]] static void fail(const char* why) {
    std::printf("plugin_host: %s\n", why);
    std::exit(1);
  }

 private:
  void* library_;
};

void expect(bool held, const char* what) {
  if (!held) Plugin::fail(what);
}

bool is_mapped(const std::string& name) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find(name) != line.npos) return true;
  }
  return false;
}

long status_of(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return std::strtol(line.c_str() + key.size(), nullptr, 10);
  }
  return -1;
}

void load_and_unload(const char* path) {
  const std::string file = std::string(path).substr(std::string(path).rfind('/') + 1);
  long after_first = 0;
  for (int round = 0; round < 6; ++round) {
    {
      const Plugin plugin(path);
      const auto run = plugin.get<Count>("plugin_run");
      expect(run(200'000) == 200'000, "a list lost nodes");
      std::thread([run] { expect(run(1000) == 1000, "a thread's list lost nodes"); }).join();
    }
    expect(!is_mapped(file), "the plugin was not unloaded");
    expect(status_of("Threads:") == 1, "the plugin left threads");
    if (round == 1) after_first = status_of("VmRSS:");
  }
  expect(status_of("VmRSS:") < after_first + 4096, "loading the plugin again costs memory");
}

void two_at_once(const char* first_path, const char* second_path) {
  const Plugin first(first_path), second(second_path);
  expect(first.get<Count>("plugin_start")(1000) == 1000, "the first plugin lost nodes");
  expect(second.get<Count>("plugin_start")(1000) == 1000, "the second plugin lost nodes");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const Count go_on = (i % 2 == 0 ? first : second).get<Count>("plugin_go_on");
      for (int k = 0; k < 5; ++k) expect(go_on(20'000) == 20'000, "two at once lost nodes");
      // One thread in both, by turns.
      expect(first.get<Count>("plugin_go_on")(100) == 100, "lost nodes");
      expect(second.get<Count>("plugin_go_on")(100) == 100, "lost nodes");
    });
  }
  for (std::thread& thread : threads) thread.join();
  first.get<void (*)()>("plugin_stop")();
  second.get<void (*)()>("plugin_stop")();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) Plugin::fail("usage: plugin_host PLUGIN PLUGIN");
  load_and_unload(argv[1]);
  two_at_once(argv[1], argv[2]);
  std::puts("plugins: loaded, used, unloaded and loaded again; two at once");
}
