// SPDX-License-Identifier: MIT
// The two pages that only lead on: what a debug server has, and what profiles it has.
#pragma once

#include <string>

#include "runtime/watch/debughttp/observed_runtimes.h"

namespace greyhound::serve {

std::string start_page(ObservedRuntimes* observed);
std::string pprof_index_page(ObservedRuntimes* observed);

}  // namespace greyhound::serve
