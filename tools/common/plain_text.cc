// SPDX-License-Identifier: MIT
#include "tools/common/plain_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace greyhound::pprof {
namespace {

struct Character {
  uint32_t code = 0;
  size_t size = 0;  // in bytes; 0: what stands here is no UTF-8
};

Character character_at(std::string_view text) {
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return {};
  uint32_t code = first & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  return code < kLeast[size] || code > 0x10ffff || surrogate ? Character{} : Character{code, size};
}

// Control characters, separators of lines, marks of direction, and what has no width.
bool is_plain(uint32_t code) {
  struct Range {
    uint32_t first, last;
  };
  static constexpr Range kHidden[] = {{0, 0x1f},        {0x7f, 0x9f},      {0xad, 0xad},
                                      {0x61c, 0x61c},   {0x180e, 0x180e},  {0x200b, 0x200f},
                                      {0x2028, 0x202e}, {0x2060, 0x206f},  {0xfeff, 0xfeff},
                                      {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};
  return std::ranges::none_of(
      kHidden, [code](const Range& range) { return code >= range.first && code <= range.last; });
}

std::string escaped(uint32_t code) {
  switch (code) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return code < 0x80 ? fmt::format("\\x{:02x}", code) : fmt::format("\\u{:04x}", code);
  }
}

}  // namespace

std::string plain_text(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const Character character = character_at(text);
    const size_t size = std::max<size_t>(character.size, 1);
    if (character.size == 0) {
      plain += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (is_plain(character.code)) {
      plain += text.substr(0, size);
    } else {
      plain += escaped(character.code);
    }
    text.remove_prefix(size);
  }
  return plain;
}

}  // namespace greyhound::pprof
