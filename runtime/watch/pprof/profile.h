// SPDX-License-Identifier: MIT
// A profile in memory, as google/pprof's profile.proto describes it, with strings where that has
// indices into tables. encode() gives its file format, a gzipped protocol buffer;
// tools/pprof/profile_decode.h reads it.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "runtime/watch/pprof/whole_file.h"

namespace greyhound::pprof {

struct ValueType {
  std::string type;  // "alloc_space"
  std::string unit;  // "bytes"
  bool operator==(const ValueType&) const = default;
};

struct Frame {
  std::string name;         // to be shown: runtime.mallocgc
  std::string system_name;  // mangled
  std::string file;
  int64_t line = 0;
  bool operator==(const Frame&) const = default;
};

// One address of code. Of its frames the first is the innermost: the others inlined it.
struct Location {
  uint64_t address = 0;
  std::vector<Frame> frames;
};

struct NumberLabel {
  std::string key;
  int64_t value = 0;
  std::string unit;
};

struct Sample {
  std::vector<size_t> locations;  // indices into Profile::locations, the innermost call first
  std::vector<int64_t> values;    // one for each of Profile::sample_types
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<NumberLabel> numbers;
};

struct Profile {
  std::vector<ValueType> sample_types;
  std::string default_sample_type;
  ValueType period_type;
  int64_t period = 0;
  int64_t time_ns = 0;      // since 1970
  int64_t duration_ns = 0;  // 0: not of a span of time
  std::vector<std::string> comments;
  std::string all_frames;  // why frames are there that the file wants left out; no field of files
  std::vector<Location> locations;
  std::vector<Sample> samples;
};

// What is wrong with bytes that are no profile, as half a sentence: "it is cut short".
class FormatError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

using greyhound::FileError;  // what reading and writing files throws

std::string encode(const Profile& profile);

// Throws FileError. The file is written whole or not at all: under another name first.
void write_file(const Profile& profile, const std::string& path);

}  // namespace greyhound::pprof
