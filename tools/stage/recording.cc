// SPDX-License-Identifier: MIT
#include "tools/stage/recording.h"

namespace greyhound::stage {
namespace {

constexpr size_t kMostFrames = 2000;
constexpr uint64_t kSeed = 1;

}  // namespace

Json record(std::string_view scenario, uint64_t seed, bool broken) {
  Stage stage(scenario, seed);
  if (broken) stage.break_barrier(true);
  Json before = stage.snapshot();
  Json result = {{"scenario", scenario},
                 {"title", before["title"]},
                 {"seed", seed},
                 {"broken", broken},
                 {"first", before}};
  Json patches = Json::array();
  while (!stage.finished() && patches.size() < kMostFrames) {
    stage.step();
    Json after = stage.snapshot();
    patches.push_back(Json::diff(before, after));
    before = std::move(after);
  }
  result["patches"] = std::move(patches);
  return result;
}

Json recordings() {
  return Json::array({record("cycle", kSeed, false), record("broken-barrier", kSeed, true),
                      record("broken-barrier", kSeed, false), record("map-growth", kSeed, false)});
}

}  // namespace greyhound::stage
