// SPDX-License-Identifier: MIT
#include "tools/page/profile_run.h"

#include <optional>
#include <utility>

#include "runtime/greyhound.h"
#include "runtime/profile/cpu_profiler.h"
#include "runtime/watch/pprof/cpu_profile.h"
#include "runtime/watch/pprof/heap_profile.h"
#include "tools/experiments/ledger_loops.h"
#include "tools/pprof/flame_data.h"

namespace greyhound::page {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kSamplesASecond = 1000;
constexpr size_t kMostBytes = 90'000;  // of the page's megabyte, each
constexpr uint64_t kPollInterval = 1024;

// Functions of their own, so that the profile names them; so is what fills the maps, whose boxes
// are not the loops'.
GREYHOUND_NOINLINE maps::hmap* fill_with_boxes() { return lab::full_any_map(); }
GREYHOUND_NOINLINE maps::hmap* fill_with_integers() { return lab::full_int_map(); }

GREYHOUND_NOINLINE void write_boxed(maps::hmap* map, uint64_t writes) {
  const ProfileLabels labels("scenario", "boxed");
  for (uint64_t i = 0; i < writes; ++i) lab::write_any(map, i);
}

GREYHOUND_NOINLINE void write_unboxed(maps::hmap* map, uint64_t writes) {
  const ProfileLabels labels("scenario", "unboxed");
  for (uint64_t i = 0; i < writes; ++i) {
    lab::write_int(map, i);
    if (i % kPollInterval == 0) gc::current_mutator()->safepoint();
  }
}

GREYHOUND_NOINLINE void read_boxed(const maps::hmap* map, uint64_t reads) {
  const ProfileLabels labels("scenario", "read");
  int64_t sum = 0;
  for (uint64_t i = 0; i < reads; ++i) {
    sum += lab::read_any(map, i);
    if (i % kPollInterval == 0) gc::current_mutator()->safepoint();
  }
  asm volatile("" : : "r"(sum));
}

// The maps stay on this frame: it outlives the calls that work with them.
GREYHOUND_NOINLINE void run_loops(uint64_t operations) {
  maps::hmap* const boxes = fill_with_boxes();
  maps::hmap* const integers = fill_with_integers();
  write_boxed(boxes, operations);
  write_unboxed(integers, operations);
  read_boxed(boxes, operations);
  asm volatile("" : : "r"(boxes), "r"(integers) : "memory");
}

Json flame(const char* title, pprof::Profile profile, const char* sample_type) {
  pprof::FlameOptions options;
  options.title = title;
  options.sample_type = sample_type;
  options.most_bytes = kMostBytes;
  return Json(pprof::flame_data({{title, std::move(profile)}}, options));
}

std::optional<Json> cpu_flame(uint64_t writes) try {
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

Json heap_flame(uint64_t writes) {
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
