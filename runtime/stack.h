// SPDX-License-Identifier: MIT
// Stacks that are not a thread's own: those of stackful coroutines (ucontext, boost.context, a
// program's own), and the frames of C++20 coroutines, which lie in no stack at all. What points
// into the heap from there keeps objects alive only where the collector is told of it.
//
//   Stack coroutine(runtime, memory, size);                         // registers while it lives
//   coroutine.resume([&] { swapcontext(&main, &context); });        // by who enters it
//   Stack::suspend([&] { swapcontext(&context, &main); });          // by it, when it yields
//
// resume and suspend note the stack pointer and the callee-saved registers of the stack that they
// leave, and know when they are back on it. So no stack pointer is asked for, and it does not
// matter where the switch itself keeps registers: a ucontext_t may lie in malloc'ed memory. A
// coroutine that switches without suspend(), or has ended, is scanned from its lowest address on
// until it is resumed again; that is sound when its switch saves registers on the stack that it
// leaves, as boost.context does, and not with swapcontext.
//
// Words on these stacks are roots as those on the thread's own are. With StackRoots::kPrecise
// neither are scanned, and this class does nothing.
//
// Thread rules: a coroutine may be resumed by any thread that is attached to its runtime, after
// release() when another one resumed it before. Nothing here may be used inside blocking().
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "gc/mutator/stack_range.h"
#include "runtime/runtime.h"

namespace greyhound::runtime {

namespace stack_detail {

// On the stack that is left: what it holds is scanned from here up until it is arrived at again.
class Switch {
 public:
  // `to`: null when it will say so itself.
  GREYHOUND_INLINE explicit Switch(gc::StackRange* to) {
    gc::SavedRegisters registers;
    gc::save_registers(&registers);
    left_ = leave(gc::stack_pointer(), registers, to);
  }
  ~Switch() {
    if (left_ != nullptr) arrive(left_);
  }
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;

 private:
  // Out of line: after a switch the thread may be another one.
  static gc::StackRange* leave(uintptr_t sp, const gc::SavedRegisters& registers,
                               gc::StackRange* to);
  static void arrive(gc::StackRange* stack);

  gc::StackRange* left_;
};

}  // namespace stack_detail

class Stack {
 public:
  // [low, low + size) is a coroutine's stack; nothing runs on it yet. All of it must be readable:
  // leave a guard page out. Any thread.
  Stack(Runtime& runtime, void* low, size_t size);
  // What lies on it is no root any more. Fatal while a thread runs on it. On the thread that
  // resumed it last, or on any after release().
  ~Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;

  // jump() switches to this stack, to where it was suspended or to a coroutine's beginning, and
  // returns when somebody switches back. It does nothing else with managed objects. What destroys a
  // coroutine by unwinding its stack switches to it as well.
  template <class Jump>
  GREYHOUND_NOINLINE void resume(Jump&& jump) {
    const stack_detail::Switch here(enter());
    std::forward<Jump>(jump)();
  }
  // By the code on a stack, the thread's own or a coroutine's: jump() leaves it for one that was
  // left in the same way, and returns when the stack is resumed.
  template <class Jump>
  static GREYHOUND_NOINLINE void suspend(Jump&& jump) {
    const stack_detail::Switch here(nullptr);
    std::forward<Jump>(jump)();
  }

  // Lets another thread resume it. By the thread that resumed it last, while it is suspended; what
  // hands the coroutine over orders the two. A thread that detaches releases its stacks.
  void release();

 private:
  gc::StackRange* enter();

  gc::Collector* const collector_;
  gc::StackRange range_;
};

// For the promise types of C++20 coroutines: one that inherits this has its coroutines' frames
// scanned by the thread that made them, from then until they are destroyed. On that thread they
// must be resumed and destroyed; a coroutine that moves keeps Persistents instead. With
// StackRoots::kPrecise the frames are not scanned: use Handles.
struct RootedFrame {
  static void* operator new(size_t size);
  static void operator delete(void* frame);
};

}  // namespace greyhound::runtime
