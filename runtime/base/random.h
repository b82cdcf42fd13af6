// SPDX-License-Identifier: MIT
// A random number generator in a word: Steele, Lea and Flood's SplitMix64, an add and two
// multiplies. Every state gives a sequence of the full period. Nothing for secrets.
//
// Thread rules: one thread at a time.
#pragma once

#include <cstdint>

namespace greyhound {

struct SplitMix64 {
  uint64_t state = 0;

  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
};

}  // namespace greyhound
