// SPDX-License-Identifier: MIT
// What the command prints: results on standard output, where each byte counts and a failure is an
// error like any other; sentences on standard error, which nobody need be able to read.
//
// Thread rules: hold_standard_descriptors before anything else is opened; the rest, any thread.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace greyhound {

// Nobody reads standard output any more, and SIGPIPE, which ends a program then, is ignored. No
// error to speak of: see kExitNoReader. Not derived from std::exception, so that no handler takes
// it for one.
struct ReaderGone {};

// As the shell shows a program that SIGPIPE has ended.
inline constexpr int kExitNoReader = 128 + 13;

// Descriptors 0 to 2 that were closed are opened on what refuses their use (input, output) or takes
// all (messages), lest a file of ours becomes one of them.
void hold_standard_descriptors();

// Throw FileError or ReaderGone when standard output cannot take what was printed.
void print_out(std::string_view text);
void flush_out();
// The same for a closed output and a full device, before there is anything to print.
void require_standard_output();

// As it is, on standard error. Throws nothing.
void say(std::string_view text) noexcept;
template <class... T>
void say(fmt::format_string<T...> format, T&&... args) {
  say(std::string_view(fmt::format(format, std::forward<T>(args)...)));
}

}  // namespace greyhound
