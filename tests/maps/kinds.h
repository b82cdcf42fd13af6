// SPDX-License-Identifier: MIT
// Kinds of keys and elems for the tests. Each kind maps a number to a value of its own (make),
// which may allocate, and back (id), which reads everything the value refers to: an object that was
// freed or moved under it shows. type() is its descriptor, kName what tests are called after. What
// make() gives is the caller's to root where stacks are not scanned.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "gc/alloc/malloc.h"
#include "gc/mutator/write_barrier.h"
#include "maps/hash.h"
#include "maps/map.h"
#include "runtime/base/type.h"

namespace greyhound::maps {

inline constexpr uint64_t kOneWord = 1;
inline constexpr uint64_t kTwoWords = 3;
inline constexpr uint64_t kSecondOfThree = 2;

inline Type make_type(const char* name, Kind kind, size_t size, size_t align, size_t ptrdata = 0,
                      const uint64_t* mask = nullptr) {
  Type type;
  type.size = size;
  type.ptrdata = ptrdata;
  type.ptrmask = mask;
  type.name = name;
  type.align = static_cast<uint8_t>(align);
  type.kind = kind;
  const KeyOps ops = key_ops(kind);
  type.hasher = ops.hasher;
  type.equal = ops.equal;
  if (kind == Kind::kPointer) type.flags = kTypePointerShaped;
  return type;
}

template <class Number, Kind kKind>
struct NumberKind {
  using Value = Number;
  static constexpr const char* kName = kKind == Kind::kInt64    ? "Int64"
                                       : kKind == Kind::kInt32  ? "Int32"
                                       : kKind == Kind::kUint16 ? "Uint16"
                                                                : "Float64";
  static const Type& type() {
    static const Type type = make_type("number", kKind, sizeof(Number), alignof(Number));
    return type;
  }
  static Value make(uint64_t id) { return static_cast<Value>(id); }
  static uint64_t id(const Value& value) { return static_cast<uint64_t>(value); }
};
using Int64Kind = NumberKind<int64_t, Kind::kInt64>;
using Int32Kind = NumberKind<int32_t, Kind::kInt32>;
using Uint16Kind = NumberKind<uint16_t, Kind::kUint16>;
using Float64Kind = NumberKind<double, Kind::kFloat64>;

// Text on the heap; its length varies, to reach every branch of hash and comparison.
struct StringKind {
  using Value = StringWords;
  static constexpr const char* kName = "String";
  static const Type& type() {
    static const Type type = make_type("string", Kind::kString, 16, 8, 8, &kOneWord);
    return type;
  }
  static Value make(uint64_t id) {
    if (id == 0) return {nullptr, 0};
    char text[80];
    const int size = std::snprintf(text, sizeof text, "%0*lu", static_cast<int>(id % 70), id);
    auto* bytes = static_cast<char*>(gc::mallocgc(static_cast<size_t>(size), nullptr));
    std::memcpy(bytes, text, static_cast<size_t>(size));
    return {bytes, static_cast<size_t>(size)};
  }
  static uint64_t id(const Value& value) {
    char text[80] = {};
    if (value.size >= sizeof text) return ~uint64_t{0};
    std::memcpy(text, value.data == nullptr ? "" : value.data, value.size);
    return std::strtoull(text, nullptr, 10);
  }
};

// A pointer to a number of its own. Not for keys: each make() gives another pointer.
struct PointerKind {
  using Value = uint64_t*;
  static constexpr const char* kName = "Pointer";
  static const Type& type() {
    static const Type type = make_type("*uint64", Kind::kPointer, 8, 8, 8, &kOneWord);
    return type;
  }
  static Value make(uint64_t id) {
    auto* number = static_cast<uint64_t*>(gc::mallocgc(8, nullptr));
    *number = id;
    return number;
  }
  static uint64_t id(const Value& value) { return *value; }
};

// An empty interface that holds a number, a string or, as a pointer-shaped value, a pointer.
struct EfaceKind {
  using Value = EfaceWords;
  static constexpr const char* kName = "Eface";
  static const Type& type() {
    static const Type type = make_type("any", Kind::kInterface, 16, 8, 16, &kTwoWords);
    return type;
  }
  static Value make(uint64_t id) {
    if (id % 2 == 0) return {&Int64Kind::type(), PointerKind::make(id)};
    const StringWords words = StringKind::make(id);
    const RootScope rooted(&words, sizeof words);
    auto* string = static_cast<StringWords*>(gc::mallocgc(16, &StringKind::type()));
    gc::typedmemmove(&StringKind::type(), string, &words);
    return {&StringKind::type(), string};
  }
  static uint64_t id(const Value& value) {
    if (value.type == &Int64Kind::type()) return *static_cast<uint64_t*>(value.data);
    return StringKind::id(*static_cast<StringWords*>(value.data));
  }
};

// A struct with a pointer in its middle: {number, string of it, number}. Equal by the number.
struct StructKind {
  static constexpr const char* kName = "Struct";
  struct Value {
    uint64_t first;
    uint64_t* boxed;
    uint64_t last;
  };
  static const Type& type() {
    static const Type type = [] {
      Type made = make_type("struct", Kind::kStruct, sizeof(Value), 8, 16, &kSecondOfThree);
      made.hasher = [](const void* value, uint64_t seed) {
        return hash_int64(static_cast<const Value*>(value)->first, seed);
      };
      made.equal = [](const void* a, const void* b) {
        return static_cast<const Value*>(a)->first == static_cast<const Value*>(b)->first;
      };
      return made;
    }();
    return type;
  }
  static Value make(uint64_t id) { return {id, PointerKind::make(id), id}; }
  static uint64_t id(const Value& value) {
    const bool whole = value.first == value.last && *value.boxed == value.first;
    return whole ? value.first : ~uint64_t{0};
  }
};

// More than 128 bytes: indirect. One word of it is a pointer.
struct BigKind {
  static constexpr const char* kName = "Big";
  struct Value {
    uint64_t first;
    uint64_t* boxed;
    uint64_t rest[30];
  };
  static const Type& type() {
    static const Type type = [] {
      Type made = make_type("big", Kind::kStruct, sizeof(Value), 8, 16, &kSecondOfThree);
      made.hasher = StructKind::type().hasher;
      made.equal = StructKind::type().equal;
      return made;
    }();
    return type;
  }
  static Value make(uint64_t id) {
    Value value{id, PointerKind::make(id), {}};
    for (uint64_t& word : value.rest) word = id;
    return value;
  }
  static uint64_t id(const Value& value) {
    for (uint64_t word : value.rest) {
      if (word != value.first) return ~uint64_t{0};
    }
    return *value.boxed == value.first ? value.first : ~uint64_t{0};
  }
};

}  // namespace greyhound::maps
