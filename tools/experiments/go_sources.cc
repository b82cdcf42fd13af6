// SPDX-License-Identifier: MIT
// The assembler takes the files in as they are, looking for them from the source root, which is on
// the include path. The build does not know of this: after a change in go/ touch this file.
#include "tools/experiments/go_sources.h"

// NAME holds the bytes of FILE, NAME_end is just past them.
#define GREYHOUND_EMBED(NAME, FILE)                                                         \
  asm(".pushsection .rodata\n" #NAME ":\n.incbin \"tools/experiments/go/" FILE "\"\n" #NAME \
      "_end:\n.byte 0\n.popsection\n");                                                     \
  extern "C" const char NAME[];                                                             \
  extern "C" const char NAME##_end[]

GREYHOUND_EMBED(greyhound_lab_go_mod, "go.mod");
GREYHOUND_EMBED(greyhound_lab_go_main, "main.go");
GREYHOUND_EMBED(greyhound_lab_go_loops, "loops.go");
GREYHOUND_EMBED(greyhound_lab_go_ok, "ok.go");
GREYHOUND_EMBED(greyhound_lab_go_live, "live.go");
GREYHOUND_EMBED(greyhound_lab_go_barrier, "barrier.go");
GREYHOUND_EMBED(greyhound_lab_go_calls, "calls.go");
GREYHOUND_EMBED(greyhound_lab_go_fixes, "fixes.go");
GREYHOUND_EMBED(greyhound_lab_go_profiles, "profiles.go");

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
  };
  return sources;
}

}  // namespace greyhound::lab
