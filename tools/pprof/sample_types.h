// SPDX-License-Identifier: MIT
// Which of a profile's values --sample-type means, and making values of two profiles comparable.
// Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

// Of `types` the one that `wanted` names: "alloc_space"; where two have that name, "wall/count"; or
// its place, from 0. Without `wanted` it is `usual`, or the last, as with google/pprof. Throws
// std::runtime_error with a sentence.
size_t sample_type_index(const std::vector<ValueType>& types, const std::string& usual,
                         const std::string& wanted);

// "alloc_objects, alloc_space": for messages. With the unit where a name is there twice.
std::string names_of(const std::vector<ValueType>& types);

// What two count in common: `unit` is the finer of theirs, and a value of either times its factor
// is one of that unit. None when the names differ, or when the units cannot be compared.
struct CommonType {
  ValueType type;
  int64_t before_factor = 1;
  int64_t after_factor = 1;
};
std::optional<CommonType> common_type(const ValueType& before, const ValueType& after);

// value * factor, or std::runtime_error when that is no 64-bit number.
int64_t scaled(int64_t value, int64_t factor);

// Whatever is added up of these values has room in 64 bits, when all their amounts together do.
class Amounts {
 public:
  // Throws std::runtime_error when they do not.
  void add(int64_t value);
  int64_t sum() const { return sum_; }

 private:
  int64_t sum_ = 0;
};

}  // namespace greyhound::pprof
