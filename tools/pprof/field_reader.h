// SPDX-License-Identifier: MIT
// Fields of a file whose sender may say anything: their types are looked at, and what they take in
// memory is counted before it is taken. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <vector>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

// What a small file can stand for is bounded by what it takes in memory: two bytes of it can refer
// to a name of a million.
class Budget {
 public:
  explicit Budget(size_t bytes = size_t{2} << 30) : left_(bytes) {}
  void spend(size_t bytes) {
    if (bytes > left_) throw FormatError("it would take more than 2 GiB of memory");
    left_ -= bytes;
  }

 private:
  size_t left_;
};

// protozero asserts that a field has the type that is asked for.
inline void expect_type(protozero::pbf_reader* in, protozero::pbf_wire_type type) {
  if (in->wire_type() != type) throw FormatError("a field of it has the wrong type");
}

template <class Number = int64_t>
Number number(protozero::pbf_reader* in) {
  expect_type(in, protozero::pbf_wire_type::varint);
  return static_cast<Number>(in->get_uint64());
}

inline protozero::pbf_reader message_of(protozero::pbf_reader* in) {
  expect_type(in, protozero::pbf_wire_type::length_delimited);
  return in->get_message();
}

inline std::string string_of(protozero::pbf_reader* in) {
  expect_type(in, protozero::pbf_wire_type::length_delimited);
  return in->get_string();
}

// Numbers of a repeated field, packed or one by one: both are allowed. A byte is a number of eight.
template <class Number>
void append_numbers(protozero::pbf_reader* in, std::vector<Number>* numbers, Budget* budget) {
  if (in->wire_type() != protozero::pbf_wire_type::length_delimited) {
    budget->spend(sizeof(Number));
    numbers->push_back(number<Number>(in));
    return;
  }
  for (const uint64_t packed : in->get_packed_uint64()) {
    budget->spend(sizeof(Number));
    numbers->push_back(static_cast<Number>(packed));
  }
}

}  // namespace greyhound::pprof
