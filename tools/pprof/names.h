// SPDX-License-Identifier: MIT
// What functions are called in profiles. Go's names are what a reader looks for in a flame graph:
// the runtime's own functions are shown as Go's are, runtime.mallocgc; everybody else's as the
// demangled name without parameters.
#pragma once

#include <string>
#include <string_view>

namespace greyhound::pprof {

// Of a linker symbol; one that is not mangled is given as it is.
std::string demangle(const std::string& symbol);

// Of a demangled name: "greyhound::gc::Marker::gcDrain(unsigned long)" gives "runtime.gcDrain",
// "std::vector<int>::push_back(int const&)" gives "std::vector::push_back".
std::string display_name(std::string_view demangled);

}  // namespace greyhound::pprof
