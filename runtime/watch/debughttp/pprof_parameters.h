// SPDX-License-Identifier: MIT
// The parameters of /debug/pprof/, read as Go's net/http/pprof does but for one thing: where Go
// takes its default for a value that it cannot read, the client is told so (400).
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "runtime/watch/debughttp/debug_server.h"

namespace greyhound::serve {

struct PprofParameters {
  std::optional<std::chrono::nanoseconds> seconds;  // given and not 0
  int64_t debug = 0;
  bool gc = false;
  bool hide_runtime = false;
};

// What is wrong with a request, as the answer to it.
class BadParameter : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Throws BadParameter.
PprofParameters read_parameters(const Request& request);

}  // namespace greyhound::serve
