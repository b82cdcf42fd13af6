// SPDX-License-Identifier: MIT
// What `greyhound callsites` prints of a report, for people and for programs.
#pragma once

#include <string>

#include "tools/callsites/search.h"

namespace greyhound::callsites {

std::string format_text(const Report& report, const std::string& binary);
std::string format_json(const Report& report, const std::string& binary);

}  // namespace greyhound::callsites
