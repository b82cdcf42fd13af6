// SPDX-License-Identifier: MIT
// What `lab --trace` gathers: the trace of every runtime that an experiment makes while a sink is
// there, until it holds as many events as a viewer opens with ease.
//
// Thread rules: one sink at a time, on the thread that makes the runtimes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/runtime.h"
#include "runtime/watch/trace/trace_json.h"

namespace greyhound::trace {

class TraceSink {
 public:
  static constexpr size_t kMostEvents = 500'000;

  TraceSink() { current_ = this; }
  ~TraceSink() { current_ = nullptr; }
  TraceSink(const TraceSink&) = delete;
  TraceSink& operator=(const TraceSink&) = delete;

  static TraceSink* current() { return current_; }
  // Whether one more runtime is to be traced; those that are not are counted.
  bool wants_another();
  void take(NamedTrace trace);
  std::string json() const { return to_json(traces_); }
  size_t left_out() const { return left_out_; }

 private:
  static inline TraceSink* current_ = nullptr;
  std::vector<NamedTrace> traces_;
  size_t events_ = 0;
  size_t left_out_ = 0;
};

// Traces `runtime` from here to the end of the scope for the current sink, if there is one. Its
// name is what the profile labels say: experiment and arm.
class TracedScope {
 public:
  explicit TracedScope(runtime::Runtime& runtime);
  ~TracedScope();
  TracedScope(const TracedScope&) = delete;
  TracedScope& operator=(const TracedScope&) = delete;

 private:
  runtime::Runtime* runtime_ = nullptr;  // null: not traced
  std::string name_;
};

}  // namespace greyhound::trace
