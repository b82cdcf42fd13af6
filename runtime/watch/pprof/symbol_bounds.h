// SPDX-License-Identifier: MIT
// What is done before a symbol of C++ is demangled, since __cxa_demangle writes out what a symbol
// only refers to: two hundred bytes can stand for gigabytes. Any thread.
#pragma once

#include <string>

namespace greyhound::pprof {

// Whether __cxa_demangle reads a symbol of that length, and its name is one that can be written.
bool is_bounded(const std::string& symbol);

// The symbol of the same function without template arguments and parameters, in which nothing is
// referred to; "" for one that is not understood. The parameters are none, whatever they were.
std::string without_arguments(const std::string& symbol);

}  // namespace greyhound::pprof
