// SPDX-License-Identifier: MIT
// Type descriptors: what the heap, the maps and the interfaces know of a type. Modelled on Go's
// `_type`. A descriptor is immutable once any runtime has seen it, belongs to no runtime, and must
// outlive every runtime that allocated with it; those declared from C++ (runtime/base/type_of.h)
// are constants, those built at run time (runtime/type_builder.h) live as long as their builder.
//
// Invariants (checked by verify_type):
//  1. size is a multiple of align; align is a power of two, at most 16.
//  2. ptrdata is 0 (noscan) or the end of the last pointer word; a multiple of 8; at most size.
//  3. bit i of ptrmask says that word i of the object holds a pointer into the heap or to memory
//     that is not the heap's; bits at and beyond ptrdata/8 are absent.
//  4. a type with pointers has at most kMaxPointerTypeBytes: its mask and its layout are that big.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

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
  // Of a struct or an array: `fields` are all that there is, and values of each can be compared.
  kTypeComparable = 4,
  // Of a struct or an array: equal values have equal bytes (no padding, floats, strings or
  // interfaces), so that it is hashed and compared as memory.
  kTypeRegularMemory = 8,
  // Made by type_of from a type with linkage: a plugin may have a descriptor of its own for it.
  kTypeByName = 16,
  // type_of's, with an equality and a hash of its own: what own_equality() goes by when compiling.
  kTypeOwnEquality = 32,
  // A type of the runtime's own that no loop walks without a pointer to it or to what holds it, so
  // that no pointer past its end stands for it (gc/mark/root_resolver.h).
  kTypeNeverWalked = 64,
  // Of a struct: none of its fields is an array, nor holds one. So no loop walks a single value of
  // it, and a pointer past its end stands for none either.
  kTypeHoldsNoArray = 128,
};

struct Type;

// A part of a struct or an array: `count` values of `type`, one behind the other, from byte
// `offset`. A null type stands for bytes that are compared as they are.
struct TypeField {
  const Type* type = nullptr;
  size_t offset = 0;
  size_t count = 0;
  // type is not null. GCC's sanitizers do not let an address be compared with null when compiling.
  bool typed = false;
};

inline constexpr size_t kMaxPointerTypeBytes = size_t{1} << 30;

struct Type {
  size_t size = 0;
  size_t ptrdata = 0;
  const uint64_t* ptrmask = nullptr;
  // The type's own, both or neither. Without them the kind says how values are compared, and of
  // structs and arrays the fields (maps/hash.h).
  bool (*equal)(const void* a, const void* b) = nullptr;
  uint64_t (*hasher)(const void* value, uint64_t seed) = nullptr;
  const char* name = "";
  uint32_t hash = 0;
  uint8_t align = 1;
  Kind kind = Kind::kInvalid;
  uint8_t flags = 0;
  uint32_t field_count = 0;
  const TypeField* fields = nullptr;

  constexpr bool noscan() const { return ptrdata == 0; }
  constexpr bool pointer_shaped() const { return (flags & kTypePointerShaped) != 0; }
  constexpr bool exact() const { return (flags & kTypeExactPointers) != 0; }
  constexpr bool is_pointer_word(size_t word) const {
    return word * 8 < ptrdata && ((ptrmask[word / 64] >> (word % 64)) & 1) != 0;
  }
};

// Null when the descriptor keeps the invariants above, else the sentence that says which it breaks.
const char* verify_type(const Type& type);

// The type says itself how its values are compared. When compiling, the flag says so: GCC's
// sanitizers do not let the address of a template's function be compared with null there.
constexpr bool own_equality(const Type& type) {
  if (std::is_constant_evaluated()) return (type.flags & kTypeOwnEquality) != 0;
  return type.equal != nullptr && type.hasher != nullptr;
}

// Values of the type can be compared, so that it can be the key of a map. (An interface can; the
// type of what it holds may not be: that is a panic, as in Go.)
constexpr bool comparable(const Type& type) {
  if (own_equality(type)) return true;
  switch (type.kind) {
    case Kind::kInvalid:
    case Kind::kFunc:
    case Kind::kMap:
    case Kind::kSlice:
      return false;
    case Kind::kArray:
    case Kind::kStruct:
      return (type.flags & kTypeComparable) != 0;
    default:
      return true;
  }
}

// Equal values have equal bytes.
constexpr bool regular_memory(const Type& type) {
  if (own_equality(type)) return false;
  switch (type.kind) {
    case Kind::kFloat32:
    case Kind::kFloat64:
    case Kind::kComplex64:
    case Kind::kComplex128:
    case Kind::kString:
    case Kind::kInterface:
      return false;
    case Kind::kArray:
    case Kind::kStruct:
      return (type.flags & kTypeRegularMemory) != 0;
    default:
      return comparable(type);
  }
}

// What is no struct and no array is one value.
constexpr bool holds_no_array(const Type& type) {
  if (type.kind == Kind::kStruct) return (type.flags & kTypeHoldsNoArray) != 0;
  return type.kind != Kind::kArray && type.kind != Kind::kInvalid;
}

// The flags that follow from the fields: of `count` of them, which are all that the type has.
constexpr uint8_t flags_of_fields(const TypeField* fields, size_t count, size_t size) {
  size_t bytes = 0;
  bool compares = true;
  bool regular = true;
  bool no_array = true;
  for (size_t i = 0; i < count; ++i) {
    const TypeField& field = fields[i];
    no_array = no_array && field.typed && field.count == 1 && holds_no_array(*field.type);
    bytes += field.count * (field.typed ? field.type->size : 1);
    compares = compares && (!field.typed || comparable(*field.type));
    regular = regular && (!field.typed || regular_memory(*field.type));
  }
  uint8_t flags = no_array ? kTypeHoldsNoArray : 0;
  if (compares) flags |= kTypeComparable;
  if (compares && regular && bytes == size) flags |= kTypeRegularMemory;
  return flags;
}

constexpr bool same_type(const Type* a, const Type* b);

// As same_type, for two descriptors whose hashes agree. The structure is compared beside the name,
// so that two versions of a struct in two plugins are two types.
constexpr bool same_type_by_name(const Type& a, const Type& b) {
  if ((a.flags & b.flags & kTypeByName) == 0) return false;
  if (a.size != b.size || a.ptrdata != b.ptrdata || a.align != b.align || a.kind != b.kind ||
      a.flags != b.flags || a.field_count != b.field_count) {
    return false;
  }
  for (size_t word = 0; word < a.ptrdata / 8; ++word) {
    if (a.is_pointer_word(word) != b.is_pointer_word(word)) return false;
  }
  for (size_t i = 0; i < a.field_count; ++i) {
    const TypeField& x = a.fields[i];
    const TypeField& y = b.fields[i];
    if (x.offset != y.offset || x.count != y.count || !same_type(x.type, y.type)) return false;
  }
  return std::string_view(a.name) == b.name;
}

// Two descriptors are of one type: they are one, or the same C++ type has one in each of two
// libraries that were loaded apart (dlopen, RTLD_LOCAL). Types without linkage (of an unnamed
// namespace, local ones) and those built at run time are their descriptor and nothing else.
constexpr bool same_type(const Type* a, const Type* b) {
  if (a == b) return true;
  return a != nullptr && b != nullptr && a->hash == b->hash && same_type_by_name(*a, *b);
}

}  // namespace greyhound
