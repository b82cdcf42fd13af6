// SPDX-License-Identifier: MIT
// A profile with something of everything, for the tests of tools/pprof.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/watch/pprof/profile.h"
#include "tools/pprof/profile_decode.h"
#include "tools/pprof/text_report.h"
#include "tools/pprof/view.h"

namespace greyhound::testing {

inline pprof::Frame frame(const std::string& name, int64_t line = 1) {
  return {name, "_" + name, name + ".cc", line};
}

inline pprof::Profile small_profile() {
  pprof::Profile profile;
  profile.sample_types = {{"alloc_objects", "count"}, {"alloc_space", "bytes"}};
  profile.default_sample_type = "alloc_space";
  profile.period_type = {"space", "bytes"};
  profile.period = 512;
  profile.time_ns = 1'700'000'000'000'000'000;
  profile.comments = {"made by a test"};
  profile.locations = {{0x1000, {frame("inner", 7), frame("outer", 12)}},
                       {0x2000, {frame("main", 3)}}};
  profile.samples = {{{0, 1}, {2, 2048}, {{"arm", "boxed"}}, {{"bytes", 1024, "bytes"}}},
                     {{1}, {1, 64}, {}, {}}};
  return profile;
}

// The stacks of a file's bytes, folded.
inline std::string folded(const std::string& bytes, const pprof::ViewOptions& options = {}) {
  return format_folded(view_of(pprof::decode(bytes), options));
}

inline std::vector<std::string> functions_of_stack(const pprof::StackView& view,
                                                   const pprof::Stack& stack) {
  std::vector<std::string> functions;
  for (size_t i = 0; i < stack.functions.size(); ++i) functions.push_back(view.name(stack, i));
  return functions;
}

// What `call` throws, or "" when it does not.
template <class Call>
std::string error_of(Call call) {
  try {
    call();
    return "";
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}

}  // namespace greyhound::testing
