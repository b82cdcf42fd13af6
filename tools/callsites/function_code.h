// SPDX-License-Identifier: MIT
// The calls of one function, read from its machine code (capstone): where each stands, what it
// calls, and whether the function can return once it has been made. Code from which no way leads to
// a return is on the way to a panic, an abort or an exception that leaves the function.
//
// Every instruction of the function counts, reached or not: what only the unwinder jumps to is
// there as well. A jump out of the function is a call.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/callsites/binary.h"

namespace greyhound::callsites {

struct Call {
  uint64_t at = 0;      // the instruction
  uint64_t target = 0;  // where it goes; 0: not known from the code, or another file's function
  std::string import;   // the function of another file
  bool jump = false;    // a jump out of the function
  bool ends_in_panic = false;
  bool unresolved() const { return target == 0 && import.empty(); }
};

struct FunctionCode {
  std::vector<Call> calls;  // by address
  bool returns = false;
  size_t undecoded = 0;          // bytes that are no instruction capstone knows
  std::vector<Range> dead_ends;  // code from which no return can be reached, in order
};

class Disassembler {
 public:
  explicit Disassembler(const Binary& binary);
  ~Disassembler();
  Disassembler(const Disassembler&) = delete;
  Disassembler& operator=(const Disassembler&) = delete;

  // Of the function that begins at `entry` and whose code is in `parts`. `returns`: whether a call
  // comes back; it may read other functions in its turn.
  FunctionCode read(uint64_t entry, const std::vector<Range>& parts,
                    const std::function<bool(const Call&)>& returns);

 private:
  struct Engine;
  std::unique_ptr<Engine> engine_;
  const Binary& binary_;
};

}  // namespace greyhound::callsites
