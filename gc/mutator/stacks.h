// SPDX-License-Identifier: MIT
// The stacks of a mutator: the one its thread runs on, those that are parked, and what is in the
// registers of a thread that has stopped running. With precise roots only what add_stack and
// switch_stack are told is scanned.
//
// Thread rules: the mutator's owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gc/memory/own_containers.h"
#include "gc/mutator/parked_stacks.h"
#include "runtime/base/platform.h"

namespace greyhound::gc {

class CollectorState;
class Mutator;

class MutatorStacks {
 public:
  // `scanned`: every word of a thread's own stack and registers may be a pointer.
  MutatorStacks(Mutator* owner, CollectorState* gc, bool scanned);
  MutatorStacks(const MutatorStacks&) = delete;
  MutatorStacks& operator=(const MutatorStacks&) = delete;

  bool scanned() const { return scanned_; }

  // --- the thread
  // It is the calling one from here on, whose stack's bounds are found where stacks are scanned or
  // `end_wanted`.
  void begin_thread(bool end_wanted);
  void end_thread();
  // The highest address of the stack it runs on, exclusive; 0: not known.
  uintptr_t end() const { return running_ == &own_ ? thread_end_ : running_->base; }
  // Whether `frame` is on the stack that the thread is said to run on.
  bool on_running(uintptr_t frame) const { return running_->contains(frame); }
  bool on_own() const { return running_ == &own_; }
  // Fatal, unless `frame` is on the running stack, after all.
  void wrong_stack(uintptr_t frame) __attribute__((cold));

  // The thread stops: what is on its stack from the caller's frame up, and what is in registers,
  // are roots until it runs again. Inlined, as the caller's frame is to be there as long as that.
  GREYHOUND_INLINE void stop_here() {
    save_registers(&registers_);
    running_->saved_sp = stack_pointer();
  }
  // The same where the caller's frame, from `sp` to `frame`, goes: it is copied.
  GREYHOUND_INLINE void stop_above(uintptr_t sp, uintptr_t frame) {
    save_registers(&registers_);
    copy_frame(sp, frame + 2 * kWordBytes);
    running_->saved_sp = frame;
  }
  void go_on() {
    running_->saved_sp = 0;
    frame_.clear();
  }
  // Bytes of stack that a scan copies from.
  size_t stopped_bytes() const;
  // Appends those words of stacks and registers that may be roots.
  void append_words(RootWords* words) const;

  // --- parked stacks
  // Makes a stack that is nobody's, or in the collector's list, this mutator's.
  void own(StackRange* stack);
  void adopt(StackRange* stack);
  // Hands a parked one to the collector, for other mutators to adopt; or forgets it.
  void release(StackRange* stack);
  void drop(StackRange* stack);
  // For a mutator that goes, when what they hold is shaded.
  void release_all();
  // Tells that the thread leaves its stack, of which everything from `sp` up stays a root, and what
  // is in the registers, for `to`, or when that is null, for one that says so when it is arrived
  // at. Returns what it left.
  StackRange* leave(uintptr_t sp, const SavedRegisters& registers, StackRange* to);
  void arrive_on(StackRange* stack);
  bool runs_on(const StackRange* stack) const { return running_ == stack; }

  // The same by number, for who has the stack pointers at hand. Stack 0 is the thread's own; `low`
  // is 0 where it is not known.
  size_t add(uintptr_t base, uintptr_t low);
  void set_saved_sp(size_t stack, uintptr_t sp) { numbered(stack)->saved_sp = sp; }
  void switch_to(size_t stack, uintptr_t leaving_sp, const SavedRegisters& registers);

 private:
  friend struct CheckmarkRoots;

  StackRange* numbered(size_t stack);
  void copy_frame(uintptr_t low, uintptr_t high);
  const char* owner_name() const;

  Mutator* const owner_;
  CollectorState* const gc_;
  const bool scanned_;
  uintptr_t thread_end_ = 0;
  SavedRegisters registers_{};
  RootWords frame_;                                    // of enter_blocking, while blocked
  StackRange own_;                                     // the thread's
  StackRange between_{.low = 1, .base = 1};            // left one stack, not yet on another
  StackRange* running_ = &own_;                        // the one it runs on
  StackList all_;                                      // own_, too
  std::vector<std::unique_ptr<StackRange>> numbered_;  // those of add, from number 1
};

}  // namespace greyhound::gc
