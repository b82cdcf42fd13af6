// SPDX-License-Identifier: MIT
// Text in columns for a terminal: a table whose columns are as wide as they must be, and paragraphs
// wrapped behind a label. Widths are counted in code points, since units such as µs are not ASCII.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greyhound::lab {

inline constexpr size_t kPageColumns = 100;

size_t text_width(std::string_view text);

// 2000000 as "2,000,000".
std::string with_commas(uint64_t number);

struct TableColumn {
  std::string group;    // printed over the columns that share it, where it changes
  std::string head[2];  // two lines
  std::vector<std::string> cells;
};

// The first column is aligned left, the others right. A line for groups, two for heads, one a row.
// A bar stands where the group changes.
std::vector<std::string> layout(const std::vector<TableColumn>& columns);

// `text` behind `prefix`, continued under its start where the page ends. Ends with a newline.
std::string wrapped(std::string_view prefix, std::string_view text);
// "  label     text text text"
std::string paragraph(std::string_view label, std::string_view text);

}  // namespace greyhound::lab
