// SPDX-License-Identifier: MIT
// tools/CMakeLists.txt tells the build that this file changes with those in go/.
#include "tools/experiments/go_sources.h"

#include "tools/common/embed.h"

GREYHOUND_EMBED(greyhound_lab_go_mod, "tools/experiments/go/go.mod");
GREYHOUND_EMBED(greyhound_lab_go_main, "tools/experiments/go/main.go");
GREYHOUND_EMBED(greyhound_lab_go_loops, "tools/experiments/go/loops.go");
GREYHOUND_EMBED(greyhound_lab_go_ok, "tools/experiments/go/ok.go");
GREYHOUND_EMBED(greyhound_lab_go_live, "tools/experiments/go/live.go");
GREYHOUND_EMBED(greyhound_lab_go_barrier, "tools/experiments/go/barrier.go");
GREYHOUND_EMBED(greyhound_lab_go_calls, "tools/experiments/go/calls.go");
GREYHOUND_EMBED(greyhound_lab_go_fixes, "tools/experiments/go/fixes.go");
GREYHOUND_EMBED(greyhound_lab_go_profiles, "tools/experiments/go/profiles.go");
GREYHOUND_EMBED(greyhound_lab_go_ledger, "tools/experiments/go/ledger.go");

namespace greyhound::lab {
namespace {

GoSource source(std::string_view name, const char* begin, const char* end) {
  return {name, {begin, static_cast<size_t>(end - begin)}};
}

}  // namespace

const std::vector<GoSource>& go_sources() {
  static const std::vector<GoSource> sources = {
      source("go.mod", greyhound_lab_go_mod, greyhound_lab_go_mod_end),
      source("main.go", greyhound_lab_go_main, greyhound_lab_go_main_end),
      source("loops.go", greyhound_lab_go_loops, greyhound_lab_go_loops_end),
      source("ok.go", greyhound_lab_go_ok, greyhound_lab_go_ok_end),
      source("live.go", greyhound_lab_go_live, greyhound_lab_go_live_end),
      source("barrier.go", greyhound_lab_go_barrier, greyhound_lab_go_barrier_end),
      source("calls.go", greyhound_lab_go_calls, greyhound_lab_go_calls_end),
      source("fixes.go", greyhound_lab_go_fixes, greyhound_lab_go_fixes_end),
      source("profiles.go", greyhound_lab_go_profiles, greyhound_lab_go_profiles_end),
      source("ledger.go", greyhound_lab_go_ledger, greyhound_lab_go_ledger_end),
  };
  return sources;
}

}  // namespace greyhound::lab
