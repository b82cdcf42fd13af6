// SPDX-License-Identifier: MIT
#include "tools/common/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace greyhound {
namespace {

constexpr size_t kHanging = 4;
// A line that begins so far to the right continues one.
constexpr size_t kDeep = 10;

size_t columns_of_terminal() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

// 0 when it says nothing of use.
size_t columns_of_environment() {
  const char* text = std::getenv("COLUMNS");
  size_t columns = 0;
  if (text == nullptr) return 0;
  const std::string_view word = text;
  const auto read = std::from_chars(word.data(), word.data() + word.size(), columns);
  return read.ec == std::errc() && read.ptr == word.data() + word.size() ? columns : 0;
}

// Where the continuation of `line` begins.
size_t hanging_indent(std::string_view line, size_t columns) {
  const size_t begin = std::min(line.find_first_not_of(' '), line.size());
  const size_t gap = line.find("  ", begin);
  const size_t column = gap == line.npos ? line.npos : line.find_first_not_of(' ', gap);
  if (column != line.npos && text_width(line.substr(0, column)) <= columns / 2)
    return text_width(line.substr(0, column));
  return begin == 0 || begin > kDeep ? begin : begin + kHanging;
}

// The bytes of `line` that fit, up to a space if there is one behind `indent`.
size_t bytes_that_fit(std::string_view line, size_t indent, size_t columns) {
  size_t last_space = line.npos;
  size_t width = 0;
  for (size_t at = 0; at < line.size(); ++at) {
    if (line[at] == ' ' && width > indent) {
      if (width <= columns) last_space = at;
      if (width > columns) return last_space == line.npos ? at : last_space;
    }
    width += text_width(line.substr(at, 1));
  }
  return width > columns && last_space != line.npos ? last_space : line.size();
}

std::string fitted_line(std::string line, size_t columns) {
  // A column that begins beyond the middle would leave too little behind it.
  const size_t begin = line.find_first_not_of(' ');
  if (text_width(line) > columns && begin != line.npos && begin > columns / 2)
    line.erase(0, begin - columns / 2);
  const size_t indent = hanging_indent(line, columns);
  std::string out;
  while (text_width(line) > columns) {
    const size_t end = bytes_that_fit(line, indent, columns);
    if (end == line.size()) break;
    out += line.substr(0, end) + "\n";
    const size_t rest = std::min(line.find_first_not_of(' ', end), line.size());
    line = std::string(indent, ' ') + line.substr(rest);
  }
  return out + line;
}

}  // namespace

size_t page_columns() {
  size_t columns = columns_of_terminal();
  if (columns == 0) columns = columns_of_environment();
  if (columns == 0) columns = kUsualColumns;
  return std::clamp(columns, kLeastColumns, kMostColumns);
}

bool prints_to_terminal() { return isatty(STDOUT_FILENO) == 1; }

size_t text_width(std::string_view text) {
  return static_cast<size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string fitted(std::string_view text, size_t columns) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out += fitted_line(std::string(text.substr(0, end)), columns);
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(text.size(), end + 1));
  }
  return out;
}

}  // namespace greyhound
