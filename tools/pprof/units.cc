// SPDX-License-Identifier: MIT
#include "tools/pprof/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <string_view>

namespace greyhound::pprof {
namespace {

using Kind = Unit::Kind;

struct Name {
  std::string_view name;
  Unit unit;
};

constexpr int64_t kMicrosecond = 1000, kMillisecond = 1000 * kMicrosecond,
                  kSecond = 1000 * kMillisecond, kMinute = 60 * kSecond, kHour = 60 * kMinute;

// In lower case and without an "s" at the end.
constexpr Name kNames[] = {
    {"b", {Kind::kBytes, 1}},
    {"byte", {Kind::kBytes, 1}},
    {"kb", {Kind::kBytes, int64_t{1} << 10}},
    {"kib", {Kind::kBytes, int64_t{1} << 10}},
    {"kbyte", {Kind::kBytes, int64_t{1} << 10}},
    {"kilobyte", {Kind::kBytes, int64_t{1} << 10}},
    {"kibibyte", {Kind::kBytes, int64_t{1} << 10}},
    {"mb", {Kind::kBytes, int64_t{1} << 20}},
    {"mib", {Kind::kBytes, int64_t{1} << 20}},
    {"mbyte", {Kind::kBytes, int64_t{1} << 20}},
    {"megabyte", {Kind::kBytes, int64_t{1} << 20}},
    {"mebibyte", {Kind::kBytes, int64_t{1} << 20}},
    {"gb", {Kind::kBytes, int64_t{1} << 30}},
    {"gib", {Kind::kBytes, int64_t{1} << 30}},
    {"gbyte", {Kind::kBytes, int64_t{1} << 30}},
    {"gigabyte", {Kind::kBytes, int64_t{1} << 30}},
    {"gibibyte", {Kind::kBytes, int64_t{1} << 30}},
    {"tb", {Kind::kBytes, int64_t{1} << 40}},
    {"tib", {Kind::kBytes, int64_t{1} << 40}},
    {"tbyte", {Kind::kBytes, int64_t{1} << 40}},
    {"terabyte", {Kind::kBytes, int64_t{1} << 40}},
    {"pb", {Kind::kBytes, int64_t{1} << 50}},
    {"pbyte", {Kind::kBytes, int64_t{1} << 50}},
    {"petabyte", {Kind::kBytes, int64_t{1} << 50}},
    {"ns", {Kind::kTime, 1}},
    {"nano", {Kind::kTime, 1}},
    {"nanosecond", {Kind::kTime, 1}},
    {"us", {Kind::kTime, kMicrosecond}},
    {"\u00b5s", {Kind::kTime, kMicrosecond}},  // the micro sign
    {"\u03bcs", {Kind::kTime, kMicrosecond}},  // the Greek letter
    {"micro", {Kind::kTime, kMicrosecond}},
    {"microsecond", {Kind::kTime, kMicrosecond}},
    {"ms", {Kind::kTime, kMillisecond}},
    {"milli", {Kind::kTime, kMillisecond}},
    {"millisecond", {Kind::kTime, kMillisecond}},
    {"s", {Kind::kTime, kSecond}},
    {"sec", {Kind::kTime, kSecond}},
    {"second", {Kind::kTime, kSecond}},
    {"min", {Kind::kTime, kMinute}},
    {"minute", {Kind::kTime, kMinute}},
    {"hr", {Kind::kTime, kHour}},
    {"hour", {Kind::kTime, kHour}},
};

struct Scale {
  Kind kind;
  double factor;
  const char* shown;
};
constexpr Scale kScales[] = {
    {Kind::kBytes, 0x1p50, "PiB"}, {Kind::kBytes, 0x1p40, "TiB"}, {Kind::kBytes, 0x1p30, "GiB"},
    {Kind::kBytes, 0x1p20, "MiB"}, {Kind::kBytes, 0x1p10, "KiB"}, {Kind::kBytes, 1, "B"},
    {Kind::kTime, 1e9, "s"},       {Kind::kTime, 1e6, "ms"},      {Kind::kTime, 1e3, "\u00b5s"},
    {Kind::kTime, 1, "ns"},
};

}  // namespace

std::optional<Unit> unit_named(const std::string& name) {
  std::string plain = name;
  std::ranges::transform(plain, plain.begin(), [](unsigned char c) { return std::tolower(c); });
  const auto find = [&]() -> std::optional<Unit> {
    for (const Name& known : kNames) {
      if (known.name == plain) return known.unit;
    }
    return std::nullopt;
  };
  if (const auto exact = find()) return exact;
  if (plain.size() <= 2 || !plain.ends_with('s')) return std::nullopt;
  plain.pop_back();
  return find();
}

std::string format_value(int64_t value, const std::string& unit) {
  const std::optional<Unit> known = unit_named(unit);
  if (!known) return fmt::format("{}", value);
  const double amount = static_cast<double>(value) * static_cast<double>(known->factor);
  for (const Scale& scale : kScales) {
    if (scale.kind != known->kind) continue;
    if (std::abs(amount) < scale.factor && scale.factor != 1) continue;
    const double scaled = amount / scale.factor;
    return scale.factor == 1 ? fmt::format("{} {}", value, scale.shown)
                             : fmt::format("{:.2f} {}", scaled, scale.shown);
  }
  return fmt::format("{}", value);
}

std::string unit_beside(const std::string& unit) {
  const bool counts = unit.empty() || unit == "count" || unit == "unit" || unit == "sample" ||
                      unit == "samples" || unit == "objects";
  return counts || unit_named(unit) ? "" : " " + unit;
}

}  // namespace greyhound::pprof
