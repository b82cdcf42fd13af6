// SPDX-License-Identifier: MIT
// Long strings, floats, and the table of hashers and equalities by kind. See hash.h.
#include "maps/hash.h"

#include <cstdio>

#include "gc/mutator/mutator.h"
#include "runtime/base/check.h"
#include "runtime/base/panic.h"

namespace greyhound::maps {
namespace {

template <class Word>
uint64_t hash_word(const void* value, uint64_t seed) {
  return hash_int64(load_unaligned<Word>(value), seed);
}

template <class Word>
bool equal_word(const void* a, const void* b) {
  return load_unaligned<Word>(a) == load_unaligned<Word>(b);
}

template <class Float>
uint64_t hash_float(const void* value, uint64_t seed) {
  if constexpr (sizeof(Float) == 8) return hash_float64(load_unaligned<Float>(value), seed);
  return hash_float32(load_unaligned<Float>(value), seed);
}

template <class Float>
uint64_t hash_complex(const void* value, uint64_t seed) {
  const auto* parts = static_cast<const Float*>(value);
  return hash_float<Float>(parts + 1, hash_float<Float>(parts, seed));
}

template <class Float>
bool equal_complex(const void* a, const void* b) {
  const auto* x = static_cast<const Float*>(a);
  const auto* y = static_cast<const Float*>(b);
  return x[0] == y[0] && x[1] == y[1];
}

uint64_t hash_string_words(const void* value, uint64_t seed) {
  const auto* string = static_cast<const StringWords*>(value);
  return hash_string(string->data, string->size, seed);
}

bool equal_string_words(const void* a, const void* b) {
  const auto* x = static_cast<const StringWords*>(a);
  const auto* y = static_cast<const StringWords*>(b);
  if (x->size != y->size) return false;
  return x->data == y->data || std::memcmp(x->data, y->data, x->size) == 0;
}

// The 80 bits that count, of 16 bytes.
uint64_t hash_long_double(const void* value, uint64_t seed) {
  const auto number = load_unaligned<long double>(value);
  if (number == 0) return hash_int64(0, seed);
  if (number != number) return hash_int64(gc::fastrand(), seed);
  return hash_bytes(value, 10, seed);
}

bool equal_long_double(const void* a, const void* b) {
  return load_unaligned<long double>(a) == load_unaligned<long double>(b);
}

void require_comparable(const Type& type, const char* complaint) {
  if (comparable(type)) return;
  char message[256];
  std::snprintf(message, sizeof message, "runtime error: %s type %s", complaint, type.name);
  panic(message);
}

uint64_t hash_eface(const void* value, uint64_t seed) {
  const auto* eface = static_cast<const EfaceWords*>(value);
  const Type* type = eface->type;
  if (type == nullptr) return seed;
  require_comparable(*type, "hash of unhashable");
  return typehash(*type, type->pointer_shaped() ? &eface->data : eface->data, seed);
}

bool equal_eface(const void* a, const void* b) {
  const auto* x = static_cast<const EfaceWords*>(a);
  const auto* y = static_cast<const EfaceWords*>(b);
  const Type* type = x->type;
  if (!same_type(type, y->type)) return false;
  if (type == nullptr) return true;
  require_comparable(*type, "comparing uncomparable");
  if (type->pointer_shaped()) return typeequal(*type, &x->data, &y->data);
  return typeequal(*type, x->data, y->data);
}

// visit(part of value a, part of value b, its type) until one returns false. What is regular memory
// comes in one piece, with a null type and its size.
template <class Visit>
bool each_part(const Type& type, Visit visit) {
  for (size_t i = 0; i < type.field_count; ++i) {
    const TypeField& field = type.fields[i];
    const Type* of = field.type;
    if (of == nullptr || regular_memory(*of)) {
      if (!visit(field.offset, nullptr, field.count * (of == nullptr ? 1 : of->size))) return false;
      continue;
    }
    for (size_t j = 0; j < field.count; ++j)
      if (!visit(field.offset + j * of->size, of, of->size)) return false;
  }
  return true;
}

}  // namespace

uint64_t hash_bytes_slow(const void* bytes, size_t size, uint64_t seed) {
  const auto* p = static_cast<const uint8_t*>(bytes);
  const uint8_t* const end = p + size;
  const uint64_t first = first_seed(seed);
  const uint64_t second = second_seed(seed);
  // Two lanes: the multiplications of one overlap with those of the other.
  uint64_t lane0 = second;
  uint64_t lane1 = first;
  const auto absorb = [&](const uint8_t* block) {
    lane0 = fold_multiply(load_unaligned<uint64_t>(block) ^ first,
                          load_unaligned<uint64_t>(block + 8) ^ lane0);
    lane1 = fold_multiply(load_unaligned<uint64_t>(block + 16) ^ second,
                          load_unaligned<uint64_t>(block + 24) ^ lane1);
  };
  for (; end - p > 32; p += 32) absorb(p);
  absorb(end - 32);  // may overlap with what the loop has read
  return fold_multiply(lane0 ^ first, lane1 ^ second ^ size);
}

uint64_t hash_float64(double value, uint64_t seed) {
  if (value == 0) return hash_int64(0, seed);
  if (value != value) return hash_int64(gc::fastrand(), seed);
  return hash_int64(load_unaligned<uint64_t>(&value), seed);
}

uint64_t hash_float32(float value, uint64_t seed) {
  if (value == 0) return hash_int64(0, seed);
  if (value != value) return hash_int64(gc::fastrand(), seed);
  return hash_int64(load_unaligned<uint32_t>(&value), seed);
}

uint64_t typehash(const Type& type, const void* value, uint64_t seed) {
  if (const KeyOps ops = key_ops(type); ops.hasher != nullptr) return ops.hasher(value, seed);
  GREYHOUND_DCHECK(comparable(type));
  if (regular_memory(type)) return hash_bytes(value, type.size, seed);
  const auto* bytes = static_cast<const uint8_t*>(value);
  each_part(type, [&](size_t offset, const Type* of, size_t size) {
    seed = of == nullptr ? hash_bytes(bytes + offset, size, seed)
                         : typehash(*of, bytes + offset, seed);
    return true;
  });
  return seed;
}

bool typeequal(const Type& type, const void* a, const void* b) {
  if (const KeyOps ops = key_ops(type); ops.equal != nullptr) return ops.equal(a, b);
  GREYHOUND_DCHECK(comparable(type));
  if (regular_memory(type)) return std::memcmp(a, b, type.size) == 0;
  const auto* x = static_cast<const uint8_t*>(a);
  const auto* y = static_cast<const uint8_t*>(b);
  return each_part(type, [&](size_t offset, const Type* of, size_t size) {
    return of == nullptr ? std::memcmp(x + offset, y + offset, size) == 0
                         : typeequal(*of, x + offset, y + offset);
  });
}

KeyOps key_ops(const Type& type) {
  if (own_equality(type)) return {type.hasher, type.equal};
  if (type.kind == Kind::kFloat64 && type.size == sizeof(long double))
    return {hash_long_double, equal_long_double};
  return key_ops(type.kind);
}

KeyOps key_ops(Kind kind) {
  switch (kind) {
    case Kind::kBool:
    case Kind::kInt8:
    case Kind::kUint8:
      return {hash_word<uint8_t>, equal_word<uint8_t>};
    case Kind::kInt16:
    case Kind::kUint16:
      return {hash_word<uint16_t>, equal_word<uint16_t>};
    case Kind::kInt32:
    case Kind::kUint32:
      return {hash_word<uint32_t>, equal_word<uint32_t>};
    case Kind::kInt:
    case Kind::kInt64:
    case Kind::kUint:
    case Kind::kUint64:
    case Kind::kUintptr:
    case Kind::kChan:
    case Kind::kPointer:
    case Kind::kUnsafePointer:
      return {hash_word<uint64_t>, equal_word<uint64_t>};
    case Kind::kFloat32:
      return {hash_float<float>, [](const void* a, const void* b) {
                return load_unaligned<float>(a) == load_unaligned<float>(b);
              }};
    case Kind::kFloat64:
      return {hash_float<double>, [](const void* a, const void* b) {
                return load_unaligned<double>(a) == load_unaligned<double>(b);
              }};
    case Kind::kComplex64:
      return {hash_complex<float>, equal_complex<float>};
    case Kind::kComplex128:
      return {hash_complex<double>, equal_complex<double>};
    case Kind::kString:
      return {hash_string_words, equal_string_words};
    case Kind::kInterface:
      return {hash_eface, equal_eface};
    default:
      return {};
  }
}

}  // namespace greyhound::maps
