// SPDX-License-Identifier: MIT
// What tools/web/build made of tools/web/src, within the program: the pages' scripts and styles.
// Any thread.
#pragma once

#include <string_view>

namespace greyhound::web {

// The bytes of tools/web/dist/NAME; CHECKs that the program has it.
std::string_view asset(std::string_view name);

}  // namespace greyhound::web
