// SPDX-License-Identifier: MIT
// What a mutator shades: its half of marking. Shaded objects go to a buffer of its own, which it
// donates to the pool when that is full and in its answers (rule 2 of docs/protocol.md).
//
// Thread rules: the mutator's owner.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/mark/work_pool.h"

namespace greyhound::gc {

class CollectorState;

class Shades {
 public:
  explicit Shades(CollectorState* gc) : gc_(gc) {}
  Shades(const Shades&) = delete;
  Shades& operator=(const Shades&) = delete;

  // Greys the object that `address` points into, if it does; `exact`: it is a base or foreign.
  void shade(uintptr_t address, bool exact);
  // The same for an object's base.
  void shade_object(uintptr_t object);
  void donate();
  void flush_counts();

  size_t count() const { return buffer_ == nullptr ? 0 : buffer_->count; }
  const WorkBuffer* buffer() const { return buffer_; }

 private:
  CollectorState* const gc_;
  WorkBuffer* buffer_ = nullptr;
  uint64_t hits_ = 0;  // since the last flush
  uint64_t shades_ = 0;
};

}  // namespace greyhound::gc
