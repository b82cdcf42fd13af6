// SPDX-License-Identifier: MIT
// Names and messages as a terminal may see them. What a file holds is text to show, never a command
// to the terminal: control characters, what turns the direction of writing, invisible characters
// and bytes that are no UTF-8 are written as escapes, so that a line stays one line. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace greyhound::pprof {

// "a\nb" is shown as "a\\nb", ESC as "\\x1b", U+202E as "\\u202e", a stray byte as "\\xff".
std::string plain_text(std::string_view text);

}  // namespace greyhound::pprof
