// SPDX-License-Identifier: MIT
// Reference fields of managed objects. Assigning to one is the write barrier; reading it is a plain
// load.
//
//   Ref<T>          exact: null, or the base of an object, what make() gave (or memory that is not
//                   the heap's), so the marker may test the mark bit without finding the object
//                   first
//   InteriorRef<T>  null, or anywhere inside an object: a field, an element of an array. Keeps the
//                   whole object. The marker has to find it, and for all other pointers of a type
//                   that has such a field, too
//
// A Ref that is given an element's or a field's address loses the object. T* says nothing of where
// it comes from, so what can be refused when compiling is other types' pointers and references (a
// base subobject may lie at an offset) and InteriorRefs; debug builds, and release builds with
// GREYHOUND_DEBUG=checkrefs=1, look at each store. One past the end is outside of the object: an
// InteriorRef that points there keeps what begins there, if anything does.
//
// On the stack use raw T*: stacks are scanned. A Ref there works, but pays for a barrier it does
// not need. Thread rules: as a word of the heap; two threads that race on one Ref see one of the
// values.
#pragma once

#include <concepts>
#include <cstdint>

#include "gc/mutator/write_barrier.h"
#include "runtime/base/platform.h"
#include "runtime/base/type_of.h"

namespace greyhound {

namespace ref_internal {
// Another reference or handle, whose pointer converts to T* but is none.
template <class P, class T>
concept OtherPointer = requires(const P& p) {
  { p.get() } -> std::convertible_to<T*>;
  requires !std::same_as<decltype(p.get()), T*>;
};
}  // namespace ref_internal

template <class T>
class InteriorRef;

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
  template <ref_internal::OtherPointer<T> P>
  Ref(const P&) = delete;
  template <ref_internal::OtherPointer<T> P>
  Ref& operator=(const P&) = delete;
  // It may point inside an object.
  Ref(const InteriorRef<T>&) = delete;
  Ref& operator=(const InteriorRef<T>&) = delete;

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
class InteriorRef {
 public:
  constexpr InteriorRef() : target_(0) {}
  constexpr InteriorRef(std::nullptr_t) : target_(0) {}
  InteriorRef(T* target) { store(nullptr, target); }
  InteriorRef(const InteriorRef& other) { store(nullptr, other.get()); }
  InteriorRef& operator=(const InteriorRef& other) {
    store(&target_, other.get());
    return *this;
  }
  InteriorRef& operator=(T* target) {
    store(&target_, target);
    return *this;
  }

  GREYHOUND_INLINE T* get() const { return reinterpret_cast<T*>(load_word(&target_)); }
  GREYHOUND_INLINE T* operator->() const { return get(); }
  GREYHOUND_INLINE T& operator*() const { return *get(); }
  GREYHOUND_INLINE operator T*() const { return get(); }

 private:
  GREYHOUND_INLINE void store(const uintptr_t* old, T* target) {
    if (!gc::bug(gc::Bug::kNoBarrierInRef)) gc::write_barrier(old, target);
    store_word(&target_, reinterpret_cast<uintptr_t>(target));
  }

  uintptr_t target_;  // as Ref's
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

template <class T>
struct TypeTraits<InteriorRef<T>> {
  static constexpr Kind kKind = Kind::kPointer;
  static constexpr bool kPointerShaped = true;
  template <class Mask>
  static constexpr void add_pointers(Mask* mask, size_t offset) {
    mask->add(offset, false);
  }
};

}  // namespace greyhound
