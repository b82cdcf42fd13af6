// SPDX-License-Identifier: MIT
// Regular expressions over functions' names, as RE2 reads them: without back references and without
// assertions about what lies ahead. Anybody may have written them, so that an expression is made a
// program for Thompson's simulation ("Regular Expression Search Algorithm", 1968): what a name
// costs is at most the product of both lengths, and is counted. Nothing recurses. Characters are
// bytes. Any thread, each with a pattern of its own.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace greyhound::pprof {

// An expression that is not read, or that costs too much: the end of a sentence.
class PatternError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class NamePattern {
 public:
  using Bytes = std::bitset<256>;
  enum class Op : uint8_t { kByte, kFork, kJump, kBegin, kEnd, kBoundary, kNoBoundary };
  struct Step {
    Op op;
    int32_t first = 0;   // of kByte: which set; else where to go on, from here
    int32_t second = 0;  // of kFork: where as well
  };

  // Throws PatternError.
  explicit NamePattern(std::string_view pattern);

  // Whether all of `name` matches. A unit of *work is a step that a character of it comes to;
  // throws PatternError when no more are left.
  bool matches(std::string_view name, size_t* work);

 private:
  void reach(size_t step, std::string_view name, size_t at, size_t* work);

  std::vector<Step> steps_;  // behind the last, the name has to be over
  std::vector<Bytes> sets_;
  // Of a match: the steps that await a character, now and behind it.
  std::vector<size_t> now_, next_, todo_;
  std::vector<size_t> seen_;  // by step: the last turn in which it was reached
  size_t turn_ = 0;
  bool at_end_ = false;
};

}  // namespace greyhound::pprof
