// SPDX-License-Identifier: MIT
#include "tools/page/profile_run.h"

#include <optional>
#include <utility>

#include "runtime/greyhound.h"
#include "runtime/profile/cpu_profiler.h"
#include "tools/pprof/cpu_profile.h"
#include "tools/pprof/flame_data.h"
#include "tools/pprof/heap_profile.h"

namespace greyhound::page {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kEntries = 200'000;
constexpr unsigned kSamplesASecond = 1000;
constexpr size_t kMostBytes = 90'000;  // of the page's megabyte, each

// Functions of their own, so that the profile names them.
GREYHOUND_NOINLINE void write_boxed(int64_t writes) {
  const ProfileLabels labels("scenario", "boxed");
  const auto map = maps::Map<int64_t, eface>::make();
  for (int64_t i = 0; i < writes; ++i) {
    const eface box = runtime::to_eface(1000 + i);
    if (!map.insert_or_assign(i % kEntries, box)) return;
  }
}

GREYHOUND_NOINLINE void write_unboxed(int64_t writes) {
  const ProfileLabels labels("scenario", "unboxed");
  const auto map = maps::Map<int64_t, int64_t>::make();
  for (int64_t i = 0; i < writes; ++i) {
    if (!map.insert_or_assign(i % kEntries, 1000 + i)) return;
  }
}

GREYHOUND_NOINLINE void read_boxed(int64_t reads) {
  const ProfileLabels labels("scenario", "read");
  const auto map = maps::Map<int64_t, eface>::make();
  for (int64_t i = 0; i < kEntries; ++i) {
    if (!map.insert_or_assign(i, runtime::to_eface(1000 + i))) return;
  }
  int64_t sum = 0;
  for (int64_t i = 0; i < reads; ++i) {
    if (const eface* v = map.find(i % kEntries); v != nullptr) sum += *v->as<int64_t>();
    if (i % 1024 == 0) gc::current_mutator()->safepoint();
  }
  asm volatile("" : : "r"(sum));
}

void run_loops(int64_t writes) {
  write_boxed(writes);
  write_unboxed(writes);
  read_boxed(writes);
}

Json flame(const char* title, pprof::Profile profile, const char* sample_type) {
  pprof::FlameOptions options;
  options.title = title;
  options.sample_type = sample_type;
  options.most_bytes = kMostBytes;
  return Json(pprof::flame_data({{title, std::move(profile)}}, options));
}

std::optional<Json> cpu_flame(int64_t writes) try {
  runtime::CpuProfileOptions options;
  options.rate = kSamplesASecond;
  runtime::CpuProfiler profiler(options);
  runtime::Runtime rt;
  profiler.add(rt);
  {
    runtime::Thread thread(rt, "writer");
    run_loops(writes);
  }
  return flame("CPU time", pprof::cpu_profile(profiler.stop()), "cpu");
} catch (const runtime::ProfileError&) {
  return std::nullopt;
}

Json heap_flame(int64_t writes) {
  runtime::Options options;
  options.mem_profile_rate = 1;
  runtime::Runtime rt(options);
  runtime::Thread thread(rt, "writer");
  run_loops(writes);
  return flame("Allocations", pprof::heap_profile(rt.heap_profile(), 1), "alloc_objects");
}

}  // namespace

Json profile_loops(bool quick) {
  Json profiles = Json::array();
  if (auto cpu = cpu_flame(quick ? 8'000'000 : 30'000'000)) profiles.push_back(std::move(*cpu));
  profiles.push_back(heap_flame(quick ? 300'000 : 1'000'000));
  return profiles;
}

}  // namespace greyhound::page
