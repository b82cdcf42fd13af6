// SPDX-License-Identifier: MIT
// The seed of a random test: GREYHOUND_TEST_SEED, or a new one. A test prints the one it took when
// it fails.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

namespace greyhound {

inline uint64_t test_seed() {
  const char* given = std::getenv("GREYHOUND_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
}

}  // namespace greyhound
