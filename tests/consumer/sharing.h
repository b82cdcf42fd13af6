// SPDX-License-Identifier: MIT
// What a program and a plugin that share a runtime both know.
#pragma once

#include <cstdint>

#include "runtime/greyhound.h"

struct Shared {
  greyhound::Ref<Shared> next;
  int64_t value;
};
