// SPDX-License-Identifier: MIT
// Units of bytes and of time, by the names that profiles give them: "bytes", "kilobytes", "kB",
// "nanoseconds", "us" and so on, as google/pprof takes them (internal/measurement). A kilobyte is
// 1024 bytes. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace greyhound::pprof {

struct Unit {
  enum class Kind { kBytes, kTime };
  Kind kind;
  int64_t factor;  // bytes or nanoseconds
  bool operator==(const Unit&) const = default;
};

// None for other units.
std::optional<Unit> unit_named(const std::string& name);

// "12.50 MiB", "340 ms", "1234": in the largest unit that leaves something before the point. Of
// unknown units the number alone.
std::string format_value(int64_t value, const std::string& unit);

// For after a number that format_value does not give its unit: " instructions"; empty for those it
// does, and for counts.
std::string unit_beside(const std::string& unit);

}  // namespace greyhound::pprof
