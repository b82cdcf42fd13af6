// SPDX-License-Identifier: MIT
// Cutting the innermost frames off a profile's stacks, inlined frames included: a location of which
// only a part goes is replaced by one with the rest. hide_runtime is what Go does to its heap
// profiles.
#pragma once

#include <cstddef>
#include <map>
#include <utility>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

class FrameCutter {
 public:
  // Adds locations to `profile` as they are needed.
  explicit FrameCutter(Profile* profile) : profile_(profile) {}
  // Drops the innermost `count` frames. REQUIRES: the stack has more.
  void cut(Sample* sample, size_t count);

 private:
  size_t rest_of(size_t location, size_t dropped);

  Profile* const profile_;
  std::map<std::pair<size_t, size_t>, size_t> rests_;
};

// Drops each stack's innermost runtime.* frames. A stack of the runtime alone stays as it is.
void hide_runtime(Profile* profile);

}  // namespace greyhound::pprof
