// SPDX-License-Identifier: MIT
// What functions are called in profiles. Go's names are what a reader looks for in a flame graph:
// the runtime's own functions are shown as Go's are, runtime.mallocgc; everybody else's as the
// demangled name without parameters.
#pragma once

#include <string>
#include <string_view>

namespace greyhound::pprof {

// Of a linker symbol; one that is not mangled, or whose name could grow beyond bounds, is given as
// it is.
std::string demangle(const std::string& symbol);

// Of a demangled name: "greyhound::gc::Marker::gcDrain(unsigned long)" gives "runtime.gcDrain",
// "std::vector<int>::push_back(int const&)" gives "std::vector::push_back".
std::string display_name(std::string_view demangled);

// Of a linker symbol, without what compilers append to a function that they split or specialised.
// Names of other languages' functions, Go's among them, are what they are.
std::string name_of_symbol(const std::string& symbol);

// What a function of a profile is shown as, from its name and its symbol there, either of which may
// be empty or mangled, by C++'s or Rust's rules. Empty for one without a name: an address in place
// of a name is none, as no other run has it.
std::string shown_name(const std::string& name, const std::string& symbol);

// What a frame without a name is shown as, as google/pprof has it: "[libc.so.6]" by the file that
// is mapped there, "<unknown>" without one.
std::string nameless_frame(const std::string& mapped_file);

}  // namespace greyhound::pprof
