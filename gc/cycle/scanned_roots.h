// SPDX-License-Identifier: MIT
// The root words that the mutators copied in their answers to H3 (rule 9 of docs/protocol.md), to
// be resolved before the round is judged.
//
// Thread rules: whoever advances the cycle.
#pragma once

#include <cstddef>

#include "gc/memory/own_containers.h"

namespace greyhound::gc {

class Marker;
class World;
class mheap;

class ScannedRoots {
 public:
  // Room for so many words, half a megabyte, is kept by whoever had a use for it once.
  static constexpr size_t kKeptWords = 64 << 10;

  // Takes them from the mutators.
  void take_from(World* world);
  // Greys what they point to. Returns whether anything was newly grey that asks for another round:
  // not what has no pointers, behind which nothing can be hidden, unless it `may_be_key` of an
  // ephemeron.
  bool markroot(const mheap& heap, Marker* marker, bool may_be_key) const;
  // What a deep stack took to copy goes back once it is deep no more, the mutators' room too.
  // Freeing it takes milliseconds, so it is not done by the mutator, nor under the list's lock.
  void trim(World* world);

  // Words that may be pointers: of stacks, registers and ranges that say so.
  const RootWords& ambiguous() const { return ambiguous_; }
  // And those of handles and precise ranges.
  const RootWords& precise() const { return precise_; }
  size_t capacity() const { return ambiguous_.capacity() + precise_.capacity(); }

 private:
  RootWords ambiguous_;
  RootWords precise_;
};

}  // namespace greyhound::gc
