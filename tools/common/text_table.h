// SPDX-License-Identifier: MIT
// Text in columns for a terminal: a table whose columns are as wide as they must be, and paragraphs
// wrapped behind a label. Widths are counted in code points (tools/common/terminal.h), since units
// such as µs are not ASCII.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace greyhound::lab {

// 2000000 as "2,000,000".
std::string with_commas(uint64_t number);

struct TableColumn {
  std::string group;    // printed over the columns that share it, where it changes
  std::string head[2];  // two lines
  std::vector<std::string> cells;
};

// The first column is aligned left, the others right. A line for groups, two for heads, one a row.
// A bar stands where the group changes. What is wider than the page is several tables, one below
// the other, each with the first column: broken where the group changes, or else within one.
std::vector<std::string> layout(const std::vector<TableColumn>& columns, size_t page);

// `text` behind `prefix`, continued under its start where the page ends. Ends with a newline.
std::string wrapped(std::string_view prefix, std::string_view text, size_t page);
// "  label     text text text"
std::string paragraph(std::string_view label, std::string_view text, size_t page);

}  // namespace greyhound::lab
