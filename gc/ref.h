// SPDX-License-Identifier: MIT
// Ref<T>: a reference field of a managed object. Assigning to it is the write barrier; reading it
// is a plain load. Exact: it holds null or the base of an object that mallocgc gave (or memory
// outside the heap), so the marker may test the mark bit without finding the object first. A
// pointer to a base subobject at an offset would break that, so conversions between Ref types are
// same-type only.
//
// On the stack use raw T*: stacks are scanned. A Ref there works, but pays for a barrier it does
// not need. Thread rules: as a word of the heap; two threads that race on one Ref see one of the
// values.
#pragma once

#include <concepts>
#include <cstdint>

#include "gc/write_barrier.h"
#include "runtime/base/platform.h"
#include "runtime/base/type_of.h"

namespace greyhound {

template <class T>
class Ref {
 public:
  constexpr Ref() : target_(0) {}
  constexpr Ref(std::nullptr_t) : target_(0) {}
  // Initialising a field of a fresh object needs the barrier too: while marking it is black
  // already.
  Ref(T* target) { store(nullptr, target); }
  Ref(const Ref& other) { store(nullptr, other.get()); }
  Ref& operator=(const Ref& other) {
    store(&target_, other.get());
    return *this;
  }
  Ref& operator=(T* target) {
    store(&target_, target);
    return *this;
  }
  // No implicit conversion from a derived class: its base may lie at an offset.
  template <class U>
  requires(!std::same_as<U, T>) Ref(U*)
  = delete;
  template <class U>
  requires(!std::same_as<U, T>) Ref& operator=(U*) = delete;

  GREYHOUND_INLINE T* get() const { return reinterpret_cast<T*>(load_word(&target_)); }
  GREYHOUND_INLINE T* operator->() const { return get(); }
  GREYHOUND_INLINE T& operator*() const { return *get(); }
  GREYHOUND_INLINE operator T*() const { return get(); }

 private:
  // `old`: where the old value lies; null when there is none.
  GREYHOUND_INLINE void store(const uintptr_t* old, T* target) {
    if (!gc::bug(gc::Bug::kNoBarrierInRef)) gc::write_barrier_exact(old, target);
    store_word(&target_, reinterpret_cast<uintptr_t>(target));
  }

  // Left as it was until store(): the memory of an object begins as zeros, and a plain store here
  // would race with the marker's load.
  uintptr_t target_;
};

template <class T>
struct TypeTraits<Ref<T>> {
  static constexpr Kind kKind = Kind::kPointer;
  static constexpr bool kPointerShaped = true;
  static constexpr bool kZeroDefault = true;
  template <class Mask>
  static constexpr void add_pointers(Mask* mask, size_t offset) {
    mask->add(offset, true);
  }
};

}  // namespace greyhound
