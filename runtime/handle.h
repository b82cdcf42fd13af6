// SPDX-License-Identifier: MIT
// Precise roots. Handle<T> belongs to the current mutator and costs no barrier; Persistent<T>
// belongs to a runtime, may be read and written by any attached thread, and stores through the
// barrier; RootArray registers a VM's value stack. They are needed with StackRoots::kPrecise and
// for pointers that live where the collector does not look (heap containers, globals).
#pragma once

#include "gc/mutator/root_slots.h"
#include "gc/mutator/write_barrier.h"
#include "runtime/base/check.h"
#include "runtime/runtime.h"

namespace greyhound::runtime {

// Thread rules: made, written to and destroyed by one thread while its mutator is current, which is
// checked. Once that mutator is detached the handle is null, and stays so.
template <class T>
class Handle {
 public:
  explicit Handle(T* target = nullptr) {
    slot_.value = reinterpret_cast<uintptr_t>(target);
    gc::add_root(&slot_);
  }
  ~Handle() { gc::remove_root(&slot_); }
  Handle(const Handle& other) : Handle(other.get()) {}
  Handle& operator=(const Handle& other) { return *this = other.get(); }
  Handle& operator=(T* target) {
    if (gc::may_change_roots_of(slot_.owner, "has a handle assigned to")) [[likely]]
      slot_.value = reinterpret_cast<uintptr_t>(target);
    return *this;
  }
  T* get() const { return reinterpret_cast<T*>(slot_.value); }
  T* operator->() const { return get(); }
  T& operator*() const { return *get(); }
  operator T*() const { return get(); }

 private:
  gc::HandleSlot slot_;
};

// Thread rules: constructed and destroyed by any thread while `runtime` lives; loads and stores by
// attached threads.
template <class T>
class Persistent {
 public:
  explicit Persistent(Runtime& runtime, T* target = nullptr) : roots_(runtime.persistents()) {
    gc::add_root(roots_, &slot_);
    if (target != nullptr) *this = target;
  }
  ~Persistent() { gc::remove_root(roots_, &slot_); }
  Persistent(const Persistent&) = delete;
  Persistent& operator=(const Persistent&) = delete;
  Persistent& operator=(T* target) {
    if (!gc::is_current(roots_)) {
      fatal(
          "a Persistent of one runtime is stored to while the thread works with another; make a "
          "mutator of its own runtime current first");
    }
    gc::write_barrier(&slot_.value, target);
    store_word(&slot_.value, reinterpret_cast<uintptr_t>(target));
    return *this;
  }
  T* get() const { return reinterpret_cast<T*>(load_word(&slot_.value)); }
  T* operator->() const { return get(); }
  operator T*() const { return get(); }

 private:
  gc::PersistentRoots* roots_;
  gc::PersistentSlot slot_;
};

// Keeps the object that `object` points into alive until here: as Go's KeepAlive, for loops whose
// pointers the compiler may keep where the collector does not look for them (docs/embedding.md,
// "Pointers on the stack"). Costs a register or a word of the stack.
template <class T>
GREYHOUND_INLINE void keep_alive(const T* object) {
  asm volatile("" : : "r"(object) : "memory");
}

// What the words of a RootArray are. kPointers: each keeps the object that it points into, if any,
// and no other. kAmbiguous: as on a stack of compiled code (gc/mark/root_resolver.h), where a
// pointer may also lie just outside of the object it belongs to; a word may then keep a neighbour
// too.
enum class RootWords : uint8_t { kPointers, kAmbiguous };

// An array of words that are roots while registered; words that point to no object are ignored.
// Thread rules: as Handle; the words and the count may be changed freely between safepoints. Once
// the mutator is detached the words are no roots.
class RootArray {
 public:
  RootArray(const void* words, size_t count, RootWords kind = RootWords::kPointers) {
    range_.begin = static_cast<const uintptr_t*>(words);
    range_.count = count;
    range_.ambiguous = kind == RootWords::kAmbiguous;
    gc::add_root(&range_);
  }
  ~RootArray() { gc::remove_root(&range_); }
  RootArray(const RootArray&) = delete;
  RootArray& operator=(const RootArray&) = delete;
  // The first `count` words are roots from now on (a stack's height).
  void resize(size_t count) {
    if (gc::may_change_roots_of(range_.owner, "has a range of roots resized")) [[likely]]
      range_.count = count;
  }

 private:
  gc::RootRange range_;
};

}  // namespace greyhound::runtime
