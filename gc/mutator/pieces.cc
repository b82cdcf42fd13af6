// SPDX-License-Identifier: MIT
#include "gc/mutator/pieces.h"

#include <cstring>

namespace greyhound::gc {

RootedPair::RootedPair(Mutator* mutator, const void* first, const void* second) {
  first_.value = reinterpret_cast<uintptr_t>(first);
  second_.value = reinterpret_cast<uintptr_t>(second);
  mutator->add_handle(&first_);
  mutator->add_handle(&second_);
}

RootedPair::~RootedPair() {
  Mutator::remove_handle(&second_);
  Mutator::remove_handle(&first_);
}

void copy_bytes(void* to, const void* from, size_t bytes) {
  in_pieces("copying bytes", bytes, kPieceBytes, to, from, [=](size_t begin, size_t end) {
    std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                end - begin);
  });
}

bool equal_bytes(const void* a, const void* b, size_t bytes) {
  bool equal = true;
  in_pieces("comparing bytes", bytes, kPieceBytes, a, b, [&](size_t begin, size_t end) {
    equal = equal && std::memcmp(static_cast<const char*>(a) + begin,
                                 static_cast<const char*>(b) + begin, end - begin) == 0;
  });
  return equal;
}

}  // namespace greyhound::gc
