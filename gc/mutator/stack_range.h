// SPDX-License-Identifier: MIT
// A stack as a range of ambiguous root words, and the registers of who ran on it. What inline code
// needs of it, and no more; parked_stacks.h says how one changes hands.
//
// Thread rules: a stack that has an owner is that mutator's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "runtime/base/platform.h"

namespace greyhound::gc {

class Mutator;

using SavedRegisters = std::array<uintptr_t, 6>;  // those that a callee saves: rbx, rbp, r12-r15

// Scanned from its saved stack pointer to its base.
struct StackRange {
  uintptr_t low = 0;         // the lowest address; 0: not known
  uintptr_t base = 0;        // the highest one, exclusive
  uintptr_t saved_sp = 0;    // while parked; 0: nothing on it is a root
  Mutator* owner = nullptr;  // null: the collector's
  StackRange* next = nullptr;
  StackRange* previous = nullptr;
  SavedRegisters registers{};  // of who runs on it, while parked

  bool contains(uintptr_t address) const { return address - low < base - low; }
  void park(uintptr_t sp, const SavedRegisters& saved) {
    saved_sp = sp;
    registers = saved;
  }
  void unpark() { park(0, {}); }
};

// What the caller's callers have in registers. Inline assembly, because glibc's setjmp encrypts
// rbp. The caller-saved registers are dead or in the frames above. A callee-saved one is here
// unless the function this is inlined into has saved it to use it itself: then it lies in that
// function's frame, which must therefore be scanned or copied too.
GREYHOUND_INLINE void save_registers(SavedRegisters* registers) {
  uintptr_t* out = registers->data();
  asm volatile(
      "movq %%rbx, 0(%0)\n\tmovq %%rbp, 8(%0)\n\tmovq %%r12, 16(%0)\n\t"
      "movq %%r13, 24(%0)\n\tmovq %%r14, 32(%0)\n\tmovq %%r15, 40(%0)"
      :
      : "r"(out)
      : "memory");
}
GREYHOUND_INLINE uintptr_t stack_pointer() {
  uintptr_t sp;
  asm volatile("movq %%rsp, %0" : "=r"(sp));
  return sp;
}

}  // namespace greyhound::gc
