// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/hide_runtime.h"

#include <string_view>

namespace greyhound::pprof {
namespace {

// How many frames the runtime has at the inner end; all of them: 0.
size_t runtime_frames(const Profile& profile, const Sample& sample) {
  size_t count = 0;
  for (const size_t location : sample.locations) {
    for (const Frame& frame : profile.locations[location].frames) {
      if (!std::string_view(frame.name).starts_with("runtime.")) return count;
      ++count;
    }
  }
  return 0;
}

}  // namespace

void FrameCutter::cut(Sample* sample, size_t count) {
  size_t whole = 0;
  while (true) {
    const size_t frames = profile_->locations[sample->locations[whole]].frames.size();
    if (count < frames) break;
    count -= frames;
    ++whole;
  }
  sample->locations.erase(sample->locations.begin(),
                          sample->locations.begin() + static_cast<ptrdiff_t>(whole));
  if (count != 0) sample->locations.front() = rest_of(sample->locations.front(), count);
}

size_t FrameCutter::rest_of(size_t location, size_t dropped) {
  const auto [entry, fresh] = rests_.try_emplace({location, dropped}, profile_->locations.size());
  if (fresh) {
    Location rest = profile_->locations[location];
    rest.frames.erase(rest.frames.begin(), rest.frames.begin() + static_cast<ptrdiff_t>(dropped));
    profile_->locations.push_back(std::move(rest));
  }
  return entry->second;
}

void hide_runtime(Profile* profile) {
  FrameCutter cutter(profile);
  for (Sample& sample : profile->samples) {
    if (const size_t count = runtime_frames(*profile, sample); count != 0)
      cutter.cut(&sample, count);
  }
}

}  // namespace greyhound::pprof
