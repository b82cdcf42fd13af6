// SPDX-License-Identifier: MIT
//
// An external program built against the installed package: its headers resolve, its libraries
// link, and a call into them answers.

#include <cstdio>

#include "runtime/base/flags.h"

int main() {
  uint64_t bytes = 0;
  if (!greyhound::parse_bytes("64MiB", &bytes) || bytes != uint64_t{64} << 20) return 1;
  std::printf("greyhound: %zu debug flags\n", greyhound::all_flags().size());
  return 0;
}
