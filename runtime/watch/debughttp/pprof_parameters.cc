// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/pprof_parameters.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace greyhound::serve {
namespace {

constexpr double kMostSeconds = 24 * 60 * 60;

// Digits with at most one point among them: what from_chars takes beyond that is refused.
std::optional<double> plain_number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<std::chrono::nanoseconds> seconds_of(const Request& request) {
  const std::string* text = request.parameter("seconds");
  if (text == nullptr || text->empty()) return std::nullopt;
  const std::optional<double> value = plain_number(*text);
  if (!value || *value < 0 || *value > kMostSeconds) {
    throw BadParameter(fmt::format(
        "invalid value for \"seconds\" - '{}' must be a positive number of at most {:.0f}", *text,
        kMostSeconds));
  }
  if (*value == 0) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
      std::chrono::duration<double>(*value));
}

int64_t integer_of(const Request& request, const char* name) {
  const std::string* text = request.parameter(name);
  if (text == nullptr || text->empty()) return 0;
  int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < 0) {
    throw BadParameter(
        fmt::format("invalid value for \"{}\" - '{}' must be a whole number from 0", name, *text));
  }
  return value;
}

}  // namespace

PprofParameters read_parameters(const Request& request) {
  PprofParameters parameters;
  parameters.seconds = seconds_of(request);
  parameters.debug = integer_of(request, "debug");
  parameters.gc = integer_of(request, "gc") != 0;
  parameters.hide_runtime = integer_of(request, "hide_runtime") != 0;
  return parameters;
}

}  // namespace greyhound::serve
