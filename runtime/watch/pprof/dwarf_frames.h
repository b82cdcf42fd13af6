// SPDX-License-Identifier: MIT
// What libdw knows of an address of code: the function, those it was inlined into, files and lines.
// Shared by the symbolizer, which asks of this process, and by callsites, which asks of a file.
//
// libdw's handles belong to one thread at a time.
#pragma once

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

// The compilation unit of an address, by the table of addresses where the compiler wrote one, else
// by the units' own ranges. Null where there is none. `bias`: what an address is more than in
// DWARF.
Dwarf_Die* unit_at(Dwfl_Module* module, uint64_t address, Dwarf_Addr* bias);

// The entries of the inlined calls whose code holds an address (of DWARF), from the innermost
// outwards, then that of the function they are inlined into. Empty where the unit says nothing.
// dwarf_getscopes finds none of the functions that Clang writes into their namespaces.
std::vector<Dwarf_Die> functions_at(Dwarf_Die* unit, Dwarf_Addr address);

// The mangled name of a function's entry, or of an inlined call's, where there is one. A function
// of one file has none: then its plain name with those of the scopes around it.
std::string symbol_of(Dwarf_Die* die);

// The function at `address` and those it is inlined into, from the innermost outwards, each with
// the place where the one before it is called. By the symbol table where there is no DWARF; empty
// where there is not even that.
std::vector<Frame> frames_at(Dwfl_Module* module, uint64_t address);

}  // namespace greyhound::pprof
