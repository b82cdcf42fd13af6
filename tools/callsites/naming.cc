// SPDX-License-Identifier: MIT
// From what a user types to functions.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "runtime/base/nearest.h"
#include "tools/callsites/search.h"

namespace greyhound::callsites {
namespace {

// Parts that a compiler split off are found with their function.
bool is_split_off(const Function& function) {
  return function.symbol.find(".cold") != std::string::npos;
}

bool ends_with_part(const std::string& name, const std::string& part) {
  if (name.size() <= part.size() || !name.ends_with(part)) return false;
  const char before = name[name.size() - part.size() - 1];
  return before == '.' || before == ':';
}

template <class Matches>
std::vector<const Function*> all_that(const Binary& binary, Matches matches) {
  std::vector<const Function*> found;
  for (const Function& function : binary.functions()) {
    if (!is_split_off(function) && matches(function)) found.push_back(&function);
  }
  return found;
}

}  // namespace

std::vector<const Function*> functions_named(const Binary& binary, const std::string& name) {
  if (name.starts_with("0x")) {
    const uint64_t address = std::strtoull(name.c_str(), nullptr, 16);
    return all_that(binary, [&](const Function& f) { return f.address == address; });
  }
  std::vector<const Function*> found =
      all_that(binary, [&](const Function& f) { return f.name == name || f.symbol == name; });
  if (found.empty())
    found = all_that(binary, [&](const Function& f) { return ends_with_part(f.name, name); });
  return found;
}

std::vector<std::string> names_like(const Binary& binary, const std::string& name) {
  constexpr size_t kMost = 5;
  std::set<std::string> holding;
  std::vector<std::string_view> all;
  for (const Function& function : binary.functions()) {
    if (is_split_off(function)) continue;
    if (function.name.find(name) != std::string::npos) holding.insert(function.name);
    // A name is typed without what stands before its last part.
    const size_t start = function.name.find_last_of(".:");
    all.push_back(
        std::string_view(function.name).substr(start == std::string::npos ? 0 : start + 1));
  }
  if (holding.empty()) return {std::string(nearest(name, all))};
  return {holding.begin(),
          std::next(holding.begin(), static_cast<ptrdiff_t>(std::min(kMost, holding.size())))};
}

}  // namespace greyhound::callsites
