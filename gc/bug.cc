// SPDX-License-Identifier: MIT
#include "gc/bug.h"

#if defined(GREYHOUND_PLANTED_FAULTS) && GREYHOUND_PLANTED_FAULTS
#include <cstdlib>

namespace greyhound::gc {

bool bug(Bug which) {
  static const int planted = [] {
    const char* text = std::getenv("GREYHOUND_BUG");
    return text == nullptr ? 0 : std::atoi(text);
  }();
  return planted == static_cast<int>(which);
}

}  // namespace greyhound::gc
#endif
