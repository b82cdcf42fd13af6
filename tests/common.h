// SPDX-License-Identifier: MIT
// What the tests of all layers share: the seed of a random test, and options that do not depend on
// the machine's size.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <random>

#include "gc/options.h"

namespace greyhound {

// GREYHOUND_TEST_SEED, or a new one. A test prints the one it took when it fails.
inline uint64_t test_seed() {
  const char* given = std::getenv("GREYHOUND_TEST_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
}

// As an embedder would have it, with the debug flags of the environment, so that the gcmodes stage
// of tools/check can stress the tests.
inline gc::Options usual_options() {
  gc::Options options;
  options.reserve = uint64_t{1} << 30;
  options.use_environment = false;
  options.idle_cycle_ms = 0;
  if (const char* flags = std::getenv("GREYHOUND_DEBUG")) parse_debug_flags(flags, &options.debug);
  return options;
}

}  // namespace greyhound
