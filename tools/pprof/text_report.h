// SPDX-License-Identifier: MIT
// A profile as text: which functions, which calls, which stacks. Names are shown as plain_text.h
// has them. Any thread.
#pragma once

#include <cstddef>
#include <string>

#include "tools/pprof/units.h"
#include "tools/pprof/view.h"

namespace greyhound::pprof {

// As `go tool pprof -top` prints them; 0 lines: all.
std::string format_top(const StackView& view, size_t lines);

// The calls as a tree, in which what is below a hundredth of all is left out, with a note, and so
// are calls deeper than `levels`. Throws std::runtime_error, with a sentence, for more calls than
// `most_calls`.
std::string format_tree(const StackView& view, size_t levels = 200, size_t most_calls = kMostCalls);

// A line a stack, "main;f;g 42", as flamegraph.pl and speedscope read them. Of a difference, and
// where some counts are negative, it has two, "main;f;g 7 42": what was there before, and after. A
// ';' in a name is written as ':', and a blank before a number at a name's end as '_': both would
// end what they belong to.
std::string format_folded(const StackView& view);

}  // namespace greyhound::pprof
