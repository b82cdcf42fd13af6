// SPDX-License-Identifier: MIT
#include "runtime/base/flags.h"

#include <charconv>

#include "runtime/base/nearest.h"

namespace greyhound {
namespace {

struct FlagRow {
  FlagInfo info;
  int64_t DebugFlags::*field;
};

constexpr FlagRow kRows[] = {
#define GREYHOUND_FLAG(name, default_value, help) {{#name, default_value, help}, &DebugFlags::name},
#include "runtime/base/flags.def"
#undef GREYHOUND_FLAG
};

struct WordRow {
  std::string_view flag;
  std::string_view word;
  int64_t value;
};

constexpr WordRow kWords[] = {
#define GREYHOUND_FLAG(name, default_value, help)
#define GREYHOUND_FLAG_WORD(name, word, value) {#name, word, value},
#include "runtime/base/flags.def"
#undef GREYHOUND_FLAG
};

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

bool parse_number(std::string_view text, int64_t* value) {
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, *value);
  return result.ec == std::errc() && result.ptr == end && !text.empty() && *value >= 0;
}

bool parse_value(std::string_view key, std::string_view text, int64_t* value) {
  for (const WordRow& row : kWords) {
    if (row.flag != key || row.word != text) continue;
    *value = row.value;
    return true;
  }
  return parse_number(text, value);
}

// " or 'json'" for a key that takes that word.
std::string words_of(std::string_view key) {
  std::string text;
  for (const WordRow& row : kWords) {
    if (row.flag == key) text += " or '" + std::string(row.word) + "'";
  }
  return text;
}

// One "key=value"; the empty string when it was understood.
std::string apply_entry(std::string_view entry, DebugFlags* flags) {
  const size_t equals = entry.find('=');
  const std::string_view key = trimmed(entry.substr(0, equals));
  const std::string_view text =
      equals == std::string_view::npos ? "1" : trimmed(entry.substr(equals + 1));
  std::vector<std::string_view> names;
  for (const FlagRow& row : kRows) {
    names.push_back(row.info.name);
    if (row.info.name != key) continue;
    int64_t value = 0;
    if (!parse_value(key, text, &value)) {
      return "GREYHOUND_DEBUG: '" + std::string(entry) +
             "': the value must be a whole number from 0" + words_of(key) + ", as in " +
             std::string(key) + "=1";
    }
    flags->*row.field = value;
    return {};
  }
  return "GREYHOUND_DEBUG: unknown flag '" + std::string(key) + "'; the nearest is '" +
         std::string(nearest(key, names)) + "'";
}

}  // namespace

const std::vector<FlagInfo>& all_flags() {
  static const std::vector<FlagInfo> flags = [] {
    std::vector<FlagInfo> rows;
    for (const FlagRow& row : kRows) rows.push_back(row.info);
    return rows;
  }();
  return flags;
}

std::vector<std::string> parse_debug_flags(std::string_view text, DebugFlags* flags) {
  std::vector<std::string> errors;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view entry = trimmed(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    if (entry.empty()) continue;
    if (std::string error = apply_entry(entry, flags); !error.empty()) errors.push_back(error);
  }
  return errors;
}

bool parse_bytes(std::string_view text, uint64_t* bytes) {
  struct Suffix {
    std::string_view name;
    unsigned shift;
  };
  constexpr Suffix kSuffixes[] = {{"KiB", 10}, {"MiB", 20}, {"GiB", 30}, {"TiB", 40}, {"B", 0}};
  unsigned shift = 0;
  for (const Suffix& suffix : kSuffixes) {
    if (text.ends_with(suffix.name)) {
      text.remove_suffix(suffix.name.size());
      shift = suffix.shift;
      break;
    }
  }
  int64_t number = 0;
  if (!parse_number(text, &number)) return false;
  if (shift != 0 && static_cast<uint64_t>(number) > (UINT64_MAX >> shift)) return false;
  *bytes = static_cast<uint64_t>(number) << shift;
  return true;
}

}  // namespace greyhound
