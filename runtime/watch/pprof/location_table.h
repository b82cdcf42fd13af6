// SPDX-License-Identifier: MIT
// The locations of a profile that is being made: each address once, with its frames.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/watch/pprof/symbolizer.h"

namespace greyhound::pprof {

class LocationTable {
 public:
  // The index of the call that returns to `return_address`.
  size_t call_before(uint64_t return_address) {
    const auto [entry, fresh] = indices_.try_emplace(return_address, locations_.size());
    if (fresh) locations_.push_back(symbolizer_.call_before(return_address));
    return entry->second;
  }
  // Of the instruction at `address` itself.
  size_t at(uint64_t address) { return call_before(address + 1); }
  // A location that is no code, shown as `name`.
  size_t named(const std::string& name) {
    const auto [entry, fresh] = names_.try_emplace(name, locations_.size());
    if (fresh) locations_.push_back({0, {{name, name, "", 0}}});
    return entry->second;
  }

  const Location& operator[](size_t index) const { return locations_[index]; }
  std::vector<Location> take() { return std::move(locations_); }

 private:
  Symbolizer symbolizer_;
  std::vector<Location> locations_;
  std::unordered_map<uint64_t, size_t> indices_;
  std::unordered_map<std::string, size_t> names_;
};

}  // namespace greyhound::pprof
