// SPDX-License-Identifier: MIT
// Weak references, to be kept anywhere: on the stack, in a field of a managed object, in a Handle's
// place they do not keep their target alive.
//
//   Weak<T>          as Go's weak.Pointer: get() returns the target, or null once it has died
//   Ephemeron<K, V>  a value that lives as long as its key does: the entry of a weak map
//
// What holds (tests/runtime/weak_test.cc has a test named after each):
//  - get() returns the target as long as anything else reaches it, and a target that it gave stays
//    alive as any object on the stack does. Once it gave null it always will.
//  - Weak pointers made from the same pointer are equal, also after their target died.
//  - An object that only a finalizer can still see counts as dead: get() returns null from before
//    the finalizer runs, and also when the finalizer brings the object back.
//  - A weak pointer into the middle of an object lives and dies with the object. Objects without
//    pointers and below 16 B share blocks: such a one may outlive its last use with its
//    neighbours.
//  - An ephemeron's value is kept by its key and the ephemeron together, also when the value refers
//    to the key, and through chains of ephemerons.
//
// Thread rules: as a Ref; everything on an attached thread of the target's runtime.
#pragma once

#include <cstdint>

#include "gc/alloc/weak_cells.h"
#include "gc/mutator/ref.h"
#include "gc/weak/weak_cell.h"
#include "runtime/base/check.h"
#include "runtime/out_of_memory.h"

namespace greyhound {
namespace weak_detail {

// Fatal when `target` does not point into an object of the current mutator's heap.
void require_object(const void* target, const char* what);

// What a weak cell's word leads to: null when it has died.
inline void* load(const uintptr_t* word) {
  const uintptr_t target = load_word(word);
  if (target == 0 || !gc::weak_load(target)) return nullptr;
  // A finalizer may have revived it in between; its cell was emptied before.
  return load_word(word) == target ? reinterpret_cast<void*>(target) : nullptr;
}

}  // namespace weak_detail

template <class T>
class Weak {
 public:
  constexpr Weak() = default;
  // A safepoint. Throws std::bad_alloc when the heap limit is reached. Null gives an empty one.
  explicit Weak(T* target) {
    if (target == nullptr) return;
    weak_detail::require_object(target, "a weak pointer");
    gc::WeakCell* cell = gc::weak_cell(target);
    if (cell == nullptr) runtime::out_of_memory(runtime::kHeapExhausted);
    cell_ = cell;
  }

  T* get() const {
    const gc::WeakCell* cell = cell_.get();
    return cell == nullptr ? nullptr : static_cast<T*>(weak_detail::load(&cell->target));
  }
  friend bool operator==(const Weak& a, const Weak& b) { return a.cell_.get() == b.cell_.get(); }

 private:
  friend struct TypeTraits<Weak<T>>;
  Ref<gc::WeakCell> cell_;
};

template <class K, class V>
class Ephemeron {
 public:
  constexpr Ephemeron() = default;
  // As Weak's. Neither may be null.
  Ephemeron(K* key, V* value) {
    weak_detail::require_object(key, "an ephemeron's key");
    weak_detail::require_object(value, "an ephemeron's value");
    gc::EphemeronCell* cell = gc::new_ephemeron(key, value);
    if (cell == nullptr) runtime::out_of_memory(runtime::kHeapExhausted);
    cell_ = cell;
  }

  // The value, if `key` is the ephemeron's key; else null.
  V* get(const K* key) const {
    const gc::EphemeronCell* cell = cell_.get();
    if (cell == nullptr || key == nullptr) return nullptr;
    if (load_word(&cell->key) != reinterpret_cast<uintptr_t>(key)) return nullptr;
    return static_cast<V*>(weak_detail::load(&cell->value));
  }
  // The key, or null once it has died.
  K* key() const {
    const gc::EphemeronCell* cell = cell_.get();
    return cell == nullptr ? nullptr : static_cast<K*>(weak_detail::load(&cell->key));
  }

 private:
  friend struct TypeTraits<Ephemeron<K, V>>;
  Ref<gc::EphemeronCell> cell_;
};

template <class T>
struct TypeTraits<Weak<T>> : TypeTraits<Ref<gc::WeakCell>> {};
template <class K, class V>
struct TypeTraits<Ephemeron<K, V>> : TypeTraits<Ref<gc::EphemeronCell>> {};

}  // namespace greyhound
