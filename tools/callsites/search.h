// SPDX-License-Identifier: MIT
// Which allocations a function can reach: breadth first over the calls of its machine code and of
// everything it calls. An allocation is a call of mallocgc, or code of its fast path that DWARF
// says was inlined. The allocator itself is not searched.
//
// What this cannot see is given with the result, not left out: calls through a pointer, whose
// target is not in the code, and functions of other files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/callsites/binary.h"

namespace greyhound::callsites {

enum class SiteKind : uint8_t {
  kCall,     // calls the collector's allocator
  kInlined,  // is the allocator's fast path
  kOffHeap,  // calls malloc or operator new: memory that no collector marks
  kPointer,  // calls what a pointer says
};

// A function on the way, and where in it the next one is called. With inlined calls the functions
// of one address follow one another.
struct Step {
  std::string function;
  std::string file;
  int64_t line = 0;
  bool inlined = false;  // into the step before it
  bool operator==(const Step&) const = default;
};

struct Site {
  SiteKind kind = SiteKind::kCall;
  std::string callee;  // runtime.mallocgc; empty for a call through a pointer
  uint64_t address = 0;
  std::vector<Step> path;      // from the function that was asked for to the one with the site
  bool only_to_panic = false;  // nothing that is done after it returns
};

struct Report {
  Function function;
  // The function's own calls (and inlined code) by which an allocation can be reached and the
  // function still go on: each with a shortest way to one. What was asked for is whether it has
  // any.
  std::vector<Site> allocating;
  // All that was met, each once, the nearest first, with a shortest way to it.
  std::vector<Site> sites;
  std::vector<std::string> imports;  // functions of other files, which are not searched
  size_t searched = 0;               // functions whose code was read
  bool grows_stack = false;          // Go's prologue, whose work is not counted as the function's
  size_t undecoded = 0;              // bytes that are no known instruction

  // Sites of one kind at different places of the source.
  size_t count(SiteKind kind, bool only_to_panic) const;
};

Report search(const Binary& binary, const Function& function);

// The functions that `name` means: of exactly that name, or else with that last part, as
// mapassign for runtime.mapassign; also a linker's symbol, or an address in hexadecimal (0x...).
std::vector<const Function*> functions_named(const Binary& binary, const std::string& name);
// What to suggest where there is none: names that hold it, else the nearest.
std::vector<std::string> names_like(const Binary& binary, const std::string& name);

}  // namespace greyhound::callsites
