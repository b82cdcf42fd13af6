// SPDX-License-Identifier: MIT
// Go's empty interface and the conversions to it. An eface is two words: the type, and a pointer to
// the value, or the value itself when it is one pointer. Boxing is the conversion: what is not
// pointer-shaped, zero, or below 256 (for integers) is copied into a fresh object by one mallocgc.
//
// The names are Go's, of the releases before 1.20 and of the document that Greyhound examines:
// convT2E for any type, convT64 and its kin for the common ones. All are safepoints unless they
// return a shared value, and throw std::bad_alloc when the heap limit is reached.
#pragma once

#include <cstdint>

#include "runtime/base/type_of.h"
#include "runtime/string.h"

namespace greyhound {

// What a conversion returns: the two words of an eface on their way, in registers or on a stack,
// which is scanned. To an eface it is what a T* is to a Ref<T>: storing it is the barrier, holding
// it costs nothing. Never a field of an object.
class BoxedValue {
 public:
  constexpr BoxedValue(const Type* type, void* data) : type_(type), data_(data) {}

  const Type* type() const { return type_; }
  void* data() const { return data_; }
  bool is_nil() const { return type_ == nullptr; }

  // The value when the dynamic type is T, else null: Go's `v, ok := i.(T)`. Points into the box
  // (or, for pointer-shaped types, to the data word itself).
  template <class T>
  const T* as() const {
    if (!same_type(type_, type_of<T>())) return nullptr;
    if (type_of<T>()->pointer_shaped()) return reinterpret_cast<const T*>(&data_);
    return static_cast<const T*>(data_);
  }

 private:
  const Type* type_;
  void* data_;
};

// An empty interface as a field of a managed object or an element of a map. Assigning is the write
// barrier. One on the stack works, but pays for barriers that it does not need.
class eface {
 public:
  constexpr eface() : type_(0), data_(0) {}
  eface(BoxedValue value) { assign(nullptr, value.type(), value.data()); }
  eface(const Type* type, void* data) { assign(nullptr, type, data); }
  eface(const eface& other) { assign(nullptr, other.type(), other.data()); }
  eface& operator=(BoxedValue value) {
    assign(&data_, value.type(), value.data());
    return *this;
  }
  eface& operator=(const eface& other) {
    assign(&data_, other.type(), other.data());
    return *this;
  }

  const Type* type() const { return reinterpret_cast<const Type*>(load_word(&type_)); }
  void* data() const { return reinterpret_cast<void*>(load_word(&data_)); }
  bool is_nil() const { return type() == nullptr; }

  // As BoxedValue's.
  template <class T>
  const T* as() const {
    if (!same_type(type(), type_of<T>())) return nullptr;
    if (type_of<T>()->pointer_shaped()) return reinterpret_cast<const T*>(&data_);
    return static_cast<const T*>(data());
  }

 private:
  // The pair may tear under a race; the marker follows the data word whatever the type word says.
  // `old`: where the old data word lies; null when there is none.
  void assign(const uintptr_t* old, const Type* t, void* value) {
    gc::write_barrier(old, value);
    store_word(&type_, reinterpret_cast<uintptr_t>(t));
    store_word(&data_, reinterpret_cast<uintptr_t>(value));
  }

  // Left as they were until assign() stores them: the memory of an object begins as zeros, and a
  // plain store here would race with the marker's load.
  uintptr_t type_;
  uintptr_t data_;
};

template <>
struct TypeTraits<eface> {
  static constexpr Kind kKind = Kind::kInterface;
  static constexpr bool kZeroDefault = true;
  template <class Mask>
  static constexpr void add_pointers(Mask* mask, size_t offset) {
    mask->add(offset + 8, false);
  }
};

namespace runtime {

// Boxes the value of `type` at `value`. Allocation-free for pointer-shaped types (the data word is
// the pointer), for types of size 0 and for values whose bytes are all zero and few (up to 1024 B).
BoxedValue convT2E(const Type* type, const void* value);

// The data word for a value of 2, 4 or 8 bytes without pointers: a shared cell below 256.
void* convT16(uint16_t value);
void* convT32(uint32_t value);
void* convT64(uint64_t value);
// For a string and a slice header: a shared zero when empty or nil.
void* convTstring(String value);

// A C++ value as an empty interface, by the cheapest of the above.
template <class T>
BoxedValue to_eface(const T& value) {
  const Type* type = type_of<T>();
  if constexpr (std::is_same_v<T, String>) {
    return BoxedValue(type, convTstring(value));
  } else if constexpr (std::is_integral_v<T> && sizeof(T) == 8) {
    return BoxedValue(type, convT64(static_cast<uint64_t>(value)));
  } else if constexpr (std::is_integral_v<T> && sizeof(T) == 4) {
    return BoxedValue(type, convT32(static_cast<uint32_t>(value)));
  } else if constexpr (std::is_integral_v<T> && sizeof(T) == 2) {
    return BoxedValue(type, convT16(static_cast<uint16_t>(value)));
  } else {
    return convT2E(type, &value);
  }
}

}  // namespace runtime
}  // namespace greyhound
