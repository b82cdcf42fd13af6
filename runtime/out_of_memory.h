// SPDX-License-Identifier: MIT
// How an exhausted heap is told to who asked for an object: by an exception, which says what to do
// about it. Where an embedder's file is compiled without exceptions the same calls end the process
// with that sentence; what gives null instead (Thread::try_make) is for them.
//
// Thread rules: any thread.
#pragma once

#include <new>

#include "runtime/base/check.h"
#include "runtime/base/platform.h"

namespace greyhound::runtime {

class OutOfMemory : public std::bad_alloc {
 public:
  // `what` outlives the exception.
  explicit OutOfMemory(const char* what) : what_(what) {}
  const char* what() const noexcept override { return what_; }

 private:
  const char* what_;
};

inline constexpr const char* kHeapExhausted =
    "greyhound: the heap is exhausted: neither a collection nor the system had room for an "
    "object; raise Options::max_heap or reserve, or the process's limit";

[[noreturn]] void throw_out_of_memory(const char* what);

// Inlined, so that of two files of a program each gets what it is compiled with.
[[noreturn]] GREYHOUND_INLINE void out_of_memory(const char* what) {
#if defined(__cpp_exceptions)
  throw_out_of_memory(what);
#else
  fatal("%s; built without exceptions, the program cannot be told", what);
#endif
}

}  // namespace greyhound::runtime
