// SPDX-License-Identifier: MIT
// The source of the Go program (go/), carried inside the command so that an installed greyhound has
// it too. Constants; any thread.
#pragma once

#include <string_view>
#include <vector>

namespace greyhound::lab {

struct GoSource {
  std::string_view name;
  std::string_view text;
};

const std::vector<GoSource>& go_sources();

}  // namespace greyhound::lab
