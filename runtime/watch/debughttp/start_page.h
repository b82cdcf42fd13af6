// SPDX-License-Identifier: MIT
// The two pages that only lead on: what a debug server has, and what profiles it has.
#pragma once

#include <string>

#include "runtime/watch/debughttp/observed_runtimes.h"

namespace greyhound::serve {

std::string start_page(Observed* observed);
std::string pprof_index_page(Observed* observed);

}  // namespace greyhound::serve
