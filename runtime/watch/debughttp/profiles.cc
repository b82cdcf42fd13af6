// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/profiles.h"

#include <chrono>
#include <filesystem>
#include <fstream>

#include "runtime/watch/debughttp/profile_delta.h"
#include "runtime/watch/pprof/heap_profile.h"
#include "runtime/watch/pprof/wait_profile.h"

namespace greyhound::serve {
namespace {

using pprof::Profile;

Profile count_profile(const char* name) {
  Profile profile;
  profile.sample_types = {{name, "count"}};
  profile.default_sample_type = name;
  profile.period_type = {name, "count"};
  profile.period = 1;
  profile.time_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  return profile;
}

// The place in the profile of what is no function.
size_t bracketed(const std::string& what, Profile* profile) {
  const std::string name = "[" + what + "]";
  for (size_t i = 0; i < profile->locations.size(); ++i) {
    if (profile->locations[i].frames.front().name == name) return i;
  }
  profile->locations.push_back({0, {{name, name, "", 0}}});
  return profile->locations.size() - 1;
}

}  // namespace

Profile heap_profile(const HeapSamples& samples, const char* default_type, bool hide_runtime) {
  std::vector<Profile> parts;
  for (const auto& [rate, records] : samples)
    parts.push_back(pprof::heap_profile(records, rate, {.hide_runtime = hide_runtime}));
  // Rate 0: nobody samples, and the profile is empty as Go's is with MemProfileRate = 0.
  if (parts.empty()) parts.push_back(pprof::heap_profile({}, 0));
  Profile profile = profile_sum(parts);
  profile.default_sample_type = default_type;
  return profile;
}

bool is_lock(const gc::WaitRecord& record) {
  return std::string_view(record.what).starts_with("lock:");
}

Profile wait_profile(const WaitSamples& samples, Waits which) {
  std::vector<Profile> parts;
  for (const auto& [rate, records] : samples) {
    std::vector<gc::WaitRecord> chosen;
    for (const gc::WaitRecord& record : records) {
      if (is_lock(record) == (which == Waits::kLocks)) chosen.push_back(record);
    }
    parts.push_back(pprof::wait_profile(chosen, rate));
  }
  // Rate 0: nobody records waits, and the profile is empty, as Go's is until it is asked for.
  if (parts.empty()) parts.push_back(pprof::wait_profile({}, 0));
  return profile_sum(parts);
}

Profile mutator_profile(const std::vector<MutatorLine>& mutators) {
  Profile profile = count_profile("goroutine");
  for (const MutatorLine& mutator : mutators) {
    profile.samples.push_back(
        {{bracketed(mutator.last_safepoint, &profile), bracketed(mutator.state, &profile)},
         {1},
         {{"mutator", mutator.name}, {"state", mutator.state}},
         {}});
  }
  return profile_sum({profile});
}

Profile thread_profile() {
  Profile profile = count_profile("threadcreate");
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(task.path() / "comm");
    std::string name;
    std::getline(file, name);
    if (!name.empty())
      profile.samples.push_back({{bracketed(name, &profile)}, {1}, {{"thread", name}}, {}});
  }
  return profile_sum({profile});
}

}  // namespace greyhound::serve
