// SPDX-License-Identifier: MIT
// Work over as much input as the program gives, done a piece at a time with a safepoint in between,
// so that no handshake waits for the whole of it. A piece takes some 20 us in the cache, and 100
// where every page is touched for the first time.
//
// What is worked on is rooted meanwhile, also where stacks are no roots; callers need not care.
//
// Thread rules: on a thread with a running mutator these are safepoints, for more than a piece; on
// any other thread they are not.
#pragma once

#include <cstddef>

#include "gc/mutator/mutator.h"

namespace greyhound::gc {

inline constexpr size_t kPieceBytes = 256 << 10;

// Keeps what two pointers lead to, wherever into it they point, until the end of a scope.
class RootedPair {
 public:
  RootedPair(Mutator* mutator, const void* first, const void* second);
  ~RootedPair();
  RootedPair(const RootedPair&) = delete;
  RootedPair& operator=(const RootedPair&) = delete;

 private:
  HandleSlot first_, second_;
};

// Calls piece(from, to) for [0, count) cut into pieces of `at_once`, with a safepoint between two
// of them; `where` is its name.
template <class Piece>
void in_pieces(const char* where, size_t count, size_t at_once, const void* first,
               const void* second, Piece piece) {
  Mutator* mutator = current_mutator_or_null();
  if (count <= at_once || mutator == nullptr || mutator->state() != MutatorState::kRunning)
    return piece(size_t{0}, count);
  const RootedPair rooted(mutator, first, second);
  for (size_t from = 0; from < count; from += at_once) {
    if (from != 0) mutator->safepoint(where);
    piece(from, count - from < at_once ? count : from + at_once);
  }
}

// memcpy, of bytes that are no pointers.
void copy_bytes(void* to, const void* from, size_t bytes);
// memcmp(...) == 0.
bool equal_bytes(const void* a, const void* b, size_t bytes);

}  // namespace greyhound::gc
