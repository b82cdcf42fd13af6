// SPDX-License-Identifier: MIT
#include "tools/pprof/sample_types.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "tools/pprof/units.h"

namespace greyhound::pprof {
namespace {

// As it can be said without being taken for another one.
std::string own_name(const std::vector<ValueType>& types, size_t index) {
  const ValueType& own = types[index];
  if (std::ranges::count(types, own.type, &ValueType::type) == 1) return own.type;
  if (std::ranges::count(types, own) == 1) return own.type + "/" + own.unit;
  return fmt::format("{}", index);
}

std::optional<size_t> place_of(const std::string& text, size_t count) {
  size_t place = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, place);
  if (parsed.ec != std::errc() || parsed.ptr != end || place >= count) return std::nullopt;
  return place;
}

std::vector<size_t> named(const std::vector<ValueType>& types, const std::string& name) {
  std::vector<size_t> found;
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i].type == name || types[i].type + "/" + types[i].unit == name) found.push_back(i);
  }
  return found;
}

}  // namespace

size_t sample_type_index(const std::vector<ValueType>& types, const std::string& usual,
                         const std::string& wanted) {
  if (wanted.empty()) {
    const std::vector<size_t> found = named(types, usual);
    return found.empty() ? types.size() - 1 : found.front();
  }
  std::vector<size_t> found = named(types, wanted);
  // What older heap profiles call space, newer ones call inuse_space.
  if (found.empty() && wanted.starts_with("inuse_")) found = named(types, wanted.substr(6));
  if (found.size() == 1) return found.front();
  if (const auto place = place_of(wanted, types.size()); place && found.empty()) return *place;
  throw std::runtime_error(
      fmt::format("it has {} sample type '{}'; it has {}: name one with "
                  "--sample-type",
                  found.empty() ? "no" : "more than one", wanted, names_of(types)));
}

std::string names_of(const std::vector<ValueType>& types) {
  std::string names;
  for (size_t i = 0; i < types.size(); ++i)
    names += (names.empty() ? "" : ", ") + own_name(types, i);
  return names;
}

std::optional<CommonType> common_type(const ValueType& before, const ValueType& after) {
  if (before.type != after.type) return std::nullopt;
  if (before.unit == after.unit) return CommonType{after};
  const std::optional<Unit> first = unit_named(before.unit), second = unit_named(after.unit);
  if (!first || !second || first->kind != second->kind) return std::nullopt;
  const bool after_is_finer = second->factor <= first->factor;
  CommonType common{after_is_finer ? after : before};
  const int64_t finer = std::min(first->factor, second->factor);
  common.before_factor = first->factor / finer;
  common.after_factor = second->factor / finer;
  return common;
}

int64_t scaled(int64_t value, int64_t factor) {
  int64_t result = 0;
  if (__builtin_mul_overflow(value, factor, &result))
    throw std::runtime_error("its values are more than 64 bits hold");
  return result;
}

void Amounts::add(int64_t value) {
  const bool lowest = value == INT64_MIN;
  if (lowest || __builtin_add_overflow(sum_, std::abs(value), &sum_))
    throw std::runtime_error("its values add up to more than 64 bits hold");
}

}  // namespace greyhound::pprof
