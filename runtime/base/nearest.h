// SPDX-License-Identifier: MIT
// The nearest valid name to a misspelled one, for error messages that say what to type instead.
#pragma once

#include <span>
#include <string_view>

namespace greyhound {

// The candidate with the smallest edit distance to `name` (the first of equals); an empty view
// when there are no candidates.
std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace greyhound
