// SPDX-License-Identifier: MIT
// What /debug/gc says: a snapshot as JSON, on one line. Times are nanoseconds and sizes bytes, as
// their names say; docs/monitoring.md shows one.
#pragma once

#include <string>

#include "runtime/watch/debughttp/observed_runtimes.h"

namespace greyhound::serve {

std::string gc_json(const Snapshot& snapshot);

}  // namespace greyhound::serve
