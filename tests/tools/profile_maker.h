// SPDX-License-Identifier: MIT
// Heap profiles for the tests of the flame graph, from stacks in words.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::testing {

using pprof::Profile;
using pprof::Sample;

// Each function is a location of its own.
class ProfileMaker {
 public:
  ProfileMaker() {
    profile_.sample_types = {{"alloc_objects", "count"}, {"alloc_space", "bytes"}};
    profile_.default_sample_type = "alloc_space";
  }
  ProfileMaker& add(const std::vector<std::string>& outermost_first, int64_t objects,
                    std::vector<std::pair<std::string, std::string>> labels = {},
                    int64_t line = 7) {
    Sample sample{{}, {objects, 16 * objects}, std::move(labels), {{"bytes", 16, "bytes"}}};
    for (const std::string& name : outermost_first) {
      profile_.locations.push_back(
          {profile_.locations.size() + 1, {{name, "", "/somewhere/far/away/gc/file.cc", line}}});
      sample.locations.insert(sample.locations.begin(), profile_.locations.size() - 1);
    }
    profile_.samples.push_back(std::move(sample));
    return *this;
  }
  Profile take() { return std::move(profile_); }

 private:
  Profile profile_;
};

}  // namespace greyhound::testing
