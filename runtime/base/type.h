// SPDX-License-Identifier: MIT
// Type descriptors: what the heap, the maps and the interfaces know of a type. Modelled on Go's
// `_type`. A descriptor is immutable once any runtime has seen it, belongs to no runtime, and must
// outlive every runtime that allocated with it; those declared from C++ (runtime/type_of.h) are
// constants, those built at run time (runtime/type_builder.h) live as long as their builder.
//
// Invariants (checked by verify_type):
//  1. size is a multiple of align; align is a power of two, at most 16.
//  2. ptrdata is 0 (noscan) or the end of the last pointer word; a multiple of 8; at most size.
//  3. bit i of ptrmask says that word i of the object holds a pointer into the heap or to memory
//     that is not the heap's; bits at and beyond ptrdata/8 are absent.
#pragma once

#include <cstddef>
#include <cstdint>

namespace greyhound {

enum class Kind : uint8_t {
  kInvalid,
  kBool,
  kInt,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUint,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kUintptr,
  kFloat32,
  kFloat64,
  kComplex64,
  kComplex128,
  kArray,
  kChan,
  kFunc,
  kInterface,
  kMap,
  kPointer,
  kSlice,
  kString,
  kStruct,
  kUnsafePointer,
};

enum TypeFlags : uint8_t {
  // The value is one pointer, so an eface holds it in its data word and boxing allocates nothing.
  kTypePointerShaped = 1,
  // Every pointer in it is null, outside the heap, or the *base* of an object (Ref<T>): the marker
  // may test the mark bit before it looks at the span.
  kTypeExactPointers = 2,
};

struct Type {
  size_t size = 0;
  size_t ptrdata = 0;
  const uint64_t* ptrmask = nullptr;
  // Null when values of the type cannot be compared (a map with such a key panics).
  bool (*equal)(const void* a, const void* b) = nullptr;
  uint64_t (*hasher)(const void* value, uint64_t seed) = nullptr;
  const char* name = "";
  uint32_t hash = 0;
  uint8_t align = 1;
  Kind kind = Kind::kInvalid;
  uint8_t flags = 0;

  constexpr bool noscan() const { return ptrdata == 0; }
  constexpr bool pointer_shaped() const { return (flags & kTypePointerShaped) != 0; }
  constexpr bool exact() const { return (flags & kTypeExactPointers) != 0; }
  constexpr bool is_pointer_word(size_t word) const {
    return word * 8 < ptrdata && ((ptrmask[word / 64] >> (word % 64)) & 1) != 0;
  }
};

// Null when the descriptor keeps the invariants above, else the sentence that says which it breaks.
const char* verify_type(const Type& type);

}  // namespace greyhound
