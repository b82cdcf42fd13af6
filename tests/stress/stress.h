// SPDX-License-Identifier: MIT
// What the stress tests share: how long to go on.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include "runtime/greyhound.h"
#include "tests/common.h"

namespace greyhound::runtime {

inline double stress_seconds() {
  const char* given = std::getenv("GREYHOUND_STRESS_SECONDS");
  return given != nullptr ? std::strtod(given, nullptr) : 1.0;
}

class StressClock {
 public:
  bool over() const { return std::chrono::steady_clock::now() >= end_; }

 private:
  std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::now() +
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(
          std::chrono::duration<double>(stress_seconds()));
};

}  // namespace greyhound::runtime
