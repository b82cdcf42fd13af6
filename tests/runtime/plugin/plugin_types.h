// SPDX-License-Identifier: MIT
// What two plugins and their host share. See plugin.cc.
#pragma once

#include <array>
#include <cstdint>

#include "runtime/string.h"

namespace plugin_test {

struct Shared {
  greyhound::String name;
  int64_t number;
  float ratio;
};

enum Which { kShared, kArrayOfShared, kVersioned, kPrivate, kInt64 };

}  // namespace plugin_test
