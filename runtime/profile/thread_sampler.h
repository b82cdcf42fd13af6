// SPDX-License-Identifier: MIT
// Takes the samples of one thread in its signal handler, and gives them to the reader.
//
// The handler walks frame pointers, which stay within the thread's own stack, so it reads no memory
// that is not there. Two kinds of function have no frame of their own at the moment they are
// interrupted, and their caller would be left out: one of ours at its first or last instruction,
// which the bytes at the program counter show; and one of a library that keeps no frame pointers.
// For the second the word at the stack pointer is taken for the return address if it follows a call
// instruction, which is right for functions that use no stack (memcpy and its like).
//
// Thread rules: take() in a signal handler on the thread that is sampled; it calls nothing but
// clock_gettime and touches no lock. The rest by one reader.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gc/watch/thread_list.h"
#include "runtime/base/profile_labels.h"
#include "runtime/profile/sample_ring.h"

namespace greyhound::runtime {

// Where code lies in this process: in which ranges a word can be a return address at all, and which
// of them is ours. As of its making; what is loaded later is not known.
class CodeMap {
 public:
  CodeMap();
  bool is_ours(uintptr_t address) const { return address - ours_.begin < ours_.end - ours_.begin; }
  // Whether `address` follows a call instruction.
  bool is_return_address(uintptr_t address) const;

 private:
  struct Range {
    uintptr_t begin = 0;
    uintptr_t end = 0;
  };
  static constexpr size_t kMost = 64;
  Range ranges_[kMost];
  size_t count_ = 0;
  Range ours_;  // the module that this code is in
};

// A sample as the reader gets it.
struct StackSample {
  std::vector<uintptr_t> stack;  // innermost first
  LabelSet labels;
  uint64_t thread_cpu_ns = 0;  // the thread's clock then
  bool broken = false;         // the stack ends before the thread's first function
};

class ThreadSampler {
 public:
  // `ring_words`: room for samples on their way. On any thread while `thread` is in its list.
  ThreadSampler(const gc::ThreadEntry& thread, const CodeMap* code, size_t ring_words);

  void take(const ucontext_t* context);
  bool read(StackSample* sample);
  uint64_t dropped() const { return ring_.dropped(); }

 private:
  static constexpr size_t kMostFrames = 128;
  static constexpr size_t kMostLabels = 16;
  static constexpr size_t kMostLabelWords = 128;
  static constexpr size_t kMostKeyBytes = 64;
  static constexpr size_t kMostValueBytes = 200;
  static constexpr size_t kHeaderWords = 3;
  static constexpr size_t kMostWords = kHeaderWords + kMostFrames + kMostLabelWords;

  size_t put_stack(const ucontext_t* context, bool* broken);
  uintptr_t caller_without_frame(uintptr_t pc, uintptr_t sp) const;
  bool on_own_stack(uintptr_t address) const {
    return address >= stack_low_ && address < stack_end_;
  }
  void put_text(const std::string& text, size_t most, size_t* room);
  size_t put_labels();
  std::string take_text();

  const std::string name_;
  const gc::Collector* const phases_of_;  // null on mutators
  const CodeMap* const code_;
  uintptr_t stack_low_ = 0;
  uintptr_t stack_end_ = 0;
  SampleRing ring_;
};

}  // namespace greyhound::runtime
