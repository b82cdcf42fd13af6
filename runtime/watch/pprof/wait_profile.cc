// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/wait_profile.h"

#include <chrono>
#include <cmath>

#include "runtime/watch/pprof/hide_runtime.h"
#include "runtime/watch/pprof/location_table.h"

namespace greyhound::pprof {
namespace {

// The frames of what measures the wait.
size_t measuring_frames(const Profile& profile, const Sample& sample) {
  size_t count = 0;
  for (const size_t location : sample.locations) {
    for (const Frame& frame : profile.locations[location].frames) {
      const bool measures = frame.name.starts_with("runtime.TimedWait.") ||
                            frame.name.starts_with("runtime.ProfiledLock.");
      if (!measures) return count;
      ++count;
    }
  }
  return 0;
}

}  // namespace

Profile wait_profile(const std::vector<gc::WaitRecord>& records, uint64_t rate) {
  Profile profile;
  profile.sample_types = {{"contentions", "count"}, {"delay", "nanoseconds"}};
  profile.default_sample_type = "delay";
  profile.period_type = {"delay", "nanoseconds"};
  profile.period = static_cast<int64_t>(rate);
  profile.time_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  LocationTable locations;
  for (const gc::WaitRecord& record : records) {
    Sample sample;
    for (const uintptr_t address : record.stack)
      sample.locations.push_back(locations.call_before(address));
    if (sample.locations.empty()) sample.locations.push_back(locations.named("[no frames]"));
    sample.values = {std::llround(record.count), std::llround(record.delay_ns)};
    sample.labels = record.labels;
    sample.labels.emplace_back("wait", record.what);
    profile.samples.push_back(std::move(sample));
  }
  profile.locations = locations.take();
  FrameCutter cutter(&profile);
  for (Sample& sample : profile.samples) {
    if (const size_t count = measuring_frames(profile, sample); count != 0)
      cutter.cut(&sample, count);
  }
  return profile;
}

}  // namespace greyhound::pprof
