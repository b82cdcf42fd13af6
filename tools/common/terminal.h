// SPDX-License-Identifier: MIT
// How wide the page is that text is printed on, and fitting text to it. Widths are counted in code
// points. Any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace greyhound {

// Of what is no terminal and where COLUMNS does not say otherwise.
inline constexpr size_t kUsualColumns = 80;
// Narrower pages are written over their edge; on wider ones prose would be hard to read.
inline constexpr size_t kLeastColumns = 40;
inline constexpr size_t kMostColumns = 100;

// Of standard output: the terminal's, else $COLUMNS, within the bounds above.
size_t page_columns();
// Whether standard output is a terminal: what is read by a program keeps its long lines.
bool prints_to_terminal();

size_t text_width(std::string_view text);

// Breaks the lines that are longer at spaces, and continues them below where their second column
// begins (two spaces or more before it), else a little further to the right if they are indented.
std::string fitted(std::string_view text, size_t columns);

}  // namespace greyhound
