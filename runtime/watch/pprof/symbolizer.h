// SPDX-License-Identifier: MIT
// From addresses of this process's code to functions, files and lines, by its DWARF (libdw),
// inlined calls included. Where there is none, by the symbol table; where there is not even that,
// by the file that is mapped there: "[libc.so.6]".
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

class Symbolizer {
 public:
  Symbolizer();
  ~Symbolizer();
  Symbolizer(const Symbolizer&) = delete;
  Symbolizer& operator=(const Symbolizer&) = delete;

  // The location of the call that returns to `return_address`; its frames are never empty.
  Location call_before(uint64_t return_address);

 private:
  struct Modules;
  std::unique_ptr<Modules> modules_;
};

}  // namespace greyhound::pprof
