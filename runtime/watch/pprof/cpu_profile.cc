// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/cpu_profile.h"

#include <string>

#include "runtime/watch/pprof/hide_runtime.h"
#include "runtime/watch/pprof/location_table.h"

namespace greyhound::pprof {
namespace {

void add_comments(const runtime::CpuProfile& from, Profile* to) {
  using std::to_string;
  to->comments.push_back("source: " + from.source + ", " + to_string(from.rate) +
                         " a second of CPU time");
  to->comments.push_back(to_string(from.threads) + " threads, " + to_string(from.samples) +
                         " samples, " + to_string(from.dropped) + " dropped, " +
                         to_string(from.broken_stacks) + " with a stack that is cut short");
  if (from.without_clock != 0) {
    to->comments.push_back(to_string(from.without_clock) +
                           " threads have no samples: the system gave them no timer (ulimit -i)");
  }
}

}  // namespace

Profile cpu_profile(const runtime::CpuProfile& from, const CpuProfileView& view) {
  Profile profile;
  profile.sample_types = {{"samples", "count"}, {"cpu", "nanoseconds"}};
  profile.default_sample_type = "cpu";
  profile.period_type = {"cpu", "nanoseconds"};
  profile.period = from.rate == 0 ? 0 : 1'000'000'000 / static_cast<int64_t>(from.rate);
  profile.time_ns = from.start_time_ns;
  profile.duration_ns = static_cast<int64_t>(from.duration_ns);
  add_comments(from, &profile);
  LocationTable locations;
  for (const runtime::CpuRecord& record : from.records) {
    Sample sample;
    for (const uintptr_t address : record.stack) {
      sample.locations.push_back(sample.locations.empty() ? locations.at(address)
                                                          : locations.call_before(address));
    }
    if (sample.locations.empty()) sample.locations.push_back(locations.named("[not sampled]"));
    sample.values = {static_cast<int64_t>(record.samples), static_cast<int64_t>(record.cpu_ns)};
    sample.labels = record.labels;
    profile.samples.push_back(std::move(sample));
  }
  profile.locations = locations.take();
  if (view.hide_runtime) hide_runtime(&profile);
  return profile;
}

}  // namespace greyhound::pprof
