// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/gc_profile.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "runtime/watch/pprof/cpu_profile.h"
#include "runtime/watch/pprof/hide_runtime.h"
#include "runtime/watch/pprof/location_table.h"

namespace greyhound::pprof {
namespace {

constexpr std::array<std::string_view, 2> kEvacuate = {"runtime.growWork", "runtime.evacuate"};
constexpr std::array<std::string_view, 3> kBarrier = {
    "runtime.write_barrier_slow", "runtime.bulk_barrier", "runtime.Mutator.shade"};

// How many frames there are up to and including the outermost one with such a name; 0: none.
template <size_t N>
size_t frames_up_to(const Profile& profile, const Sample& sample,
                    const std::array<std::string_view, N>& names) {
  size_t count = 0;
  size_t found = 0;
  for (const size_t location : sample.locations) {
    for (const Frame& frame : profile.locations[location].frames) {
      ++count;
      if (std::ranges::find(names, frame.name) != names.end()) found = count;
    }
  }
  // With nothing outside it there is nobody to charge.
  return found == count ? 0 : found;
}

// Keeps of a CPU profile what is inside barriers and evacuation, at those that called them.
void keep_attributed(Profile* profile) {
  FrameCutter cutter(profile);
  std::vector<Sample> kept;
  for (Sample& sample : profile->samples) {
    const int64_t ns = sample.values[1];
    if (const size_t evacuate = frames_up_to(*profile, sample, kEvacuate); evacuate != 0) {
      cutter.cut(&sample, evacuate);
      sample.values = {0, 0, 0, ns};
      sample.labels.emplace_back("attributed", "assign");
    } else if (const size_t barrier = frames_up_to(*profile, sample, kBarrier); barrier != 0) {
      cutter.cut(&sample, barrier);
      sample.values = {0, 0, ns, 0};
      sample.labels.emplace_back("attributed", "store");
    } else {
      continue;
    }
    kept.push_back(std::move(sample));
  }
  profile->samples = std::move(kept);
}

class MarkSamples {
 public:
  explicit MarkSamples(Profile* profile) : profile_(profile), offset_(profile->locations.size()) {}

  void add(const gc::MemRecord& record) {
    if (record.mark_ns == 0 && record.assist_ns == 0) return;
    Sample sample = sample_of(record.mark_ns, record.assist_ns);
    for (const uintptr_t address : record.stack)
      sample.locations.push_back(offset_ + locations_.call_before(address));
    if (sample.locations.empty())
      sample.locations.push_back(offset_ + locations_.named("[no frames]"));
    sample.labels.insert(sample.labels.end(), record.labels.begin(), record.labels.end());
    if (record.type != nullptr) sample.labels.emplace_back("type", record.type->name);
    profile_->samples.push_back(std::move(sample));
  }
  void add_uncharged(const gc::MarkTimes& times) {
    if (times.mark_ns == 0 && times.assist_ns == 0) return;
    Sample sample = sample_of(times.mark_ns, times.assist_ns);
    sample.labels.clear();
    sample.locations.push_back(offset_ + locations_.named("[not attributed]"));
    profile_->samples.push_back(std::move(sample));
  }
  void finish() {
    for (Location& location : locations_.take()) profile_->locations.push_back(std::move(location));
  }

 private:
  static Sample sample_of(uint64_t mark_ns, uint64_t assist_ns) {
    Sample sample;
    sample.values = {static_cast<int64_t>(mark_ns), static_cast<int64_t>(assist_ns), 0, 0};
    sample.labels.emplace_back("attributed", "allocation");
    return sample;
  }

  Profile* const profile_;
  const size_t offset_;
  LocationTable locations_;
};

}  // namespace

Profile gc_profile(const std::vector<gc::MemRecord>& records, const gc::MarkTimes& uncharged,
                   const runtime::CpuProfile& cpu) {
  Profile profile = cpu_profile(cpu);
  profile.sample_types = {{"gc_mark", "nanoseconds"},
                          {"gc_assist", "nanoseconds"},
                          {"write_barrier", "nanoseconds"},
                          {"evacuate", "nanoseconds"}};
  profile.default_sample_type = "gc_mark";
  profile.comments.push_back(
      "attributed: these stacks caused the work; they were not running when it was done");
  keep_attributed(&profile);
  MarkSamples marks(&profile);
  for (const gc::MemRecord& record : records) marks.add(record);
  marks.add_uncharged(uncharged);
  marks.finish();
  return profile;
}

}  // namespace greyhound::pprof
