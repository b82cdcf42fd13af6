// SPDX-License-Identifier: MIT
// Hash functions for map keys, and equality and hashers for the standard kinds.
//
// The mixer is the folded multiply of wyhash and its kin: one 64x64->128 multiplication whose
// halves are xored, so that every bit of the input reaches the low bits (the bucket), the top byte
// (tophash) and the bit that growth adds. Integers take one mixing, strings two and more. In a
// string both factors carry the seed: against a constant, a chosen word would zero the product and
// hide the rest of the key under every seed. The seed is the map's hash0; hashes mean nothing
// outside their map.
//
// Go's rules: +0 and -0 are one key, every NaN hashes at random (it is never found again), and an
// interface hashes by its dynamic type, with a panic when that type cannot be compared. Structs and
// arrays are hashed and compared field by field, without their padding.
//
// Thread rules: pure functions, except that NaN takes a random number from the calling mutator.
// Read next: map_type.cc, which chooses a hasher for each key type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "runtime/base/platform.h"
#include "runtime/base/type.h"

namespace greyhound::maps {

// Odd, with about half of their bits set. kMix0 multiplies integers, whose sequences can meet a
// seed under which they crowd. Of five well-known multipliers it is the one with the fewest such:
// 11 of 114,000 pairs of a seed and a stride have tophash bytes match falsely 1.3 times as often as
// random ones would, at most 1.6 times; wyhash's own first has 117, at most 3.2.
inline constexpr uint64_t kMix0 = 0xd6e8feb86659fd93;
inline constexpr uint64_t kMix1 = 0xe7037ed1a0b428db;
inline constexpr uint64_t kMix2 = 0x8ebc6af09c88c6e3;

__extension__ using Wide = unsigned __int128;

GREYHOUND_INLINE uint64_t fold_multiply(uint64_t a, uint64_t b) {
  const auto product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

template <class Word>
GREYHOUND_INLINE Word load_unaligned(const void* address) {
  Word word;
  std::memcpy(&word, address, sizeof word);
  return word;
}

// A 32-bit seed as two unrelated words. Apart from the key, so that it leaves the critical path.
GREYHOUND_INLINE uint64_t first_seed(uint64_t seed) { return seed * kMix1 + kMix2; }
GREYHOUND_INLINE uint64_t second_seed(uint64_t seed) { return seed * kMix2 + kMix1; }

GREYHOUND_INLINE uint64_t hash_int64(uint64_t value, uint64_t seed) {
  return fold_multiply(value ^ first_seed(seed), kMix0);
}

// At most 32 bytes of any alignment.
GREYHOUND_INLINE uint64_t hash_short_bytes(const void* bytes, size_t size, uint64_t seed) {
  const auto* p = static_cast<const uint8_t*>(bytes);
  const uint64_t first = first_seed(seed);
  uint64_t second = second_seed(seed);
  uint64_t low = 0;
  uint64_t high = 0;
  if (size > 16) {
    second ^= fold_multiply(load_unaligned<uint64_t>(p) ^ first,
                            load_unaligned<uint64_t>(p + 8) ^ second);
    low = load_unaligned<uint64_t>(p + size - 16);
    high = load_unaligned<uint64_t>(p + size - 8);
  } else if (size >= 8) {
    low = load_unaligned<uint64_t>(p);
    high = load_unaligned<uint64_t>(p + size - 8);
  } else if (size >= 4) {
    low = load_unaligned<uint32_t>(p);
    high = load_unaligned<uint32_t>(p + size - 4);
  } else if (size > 0) {
    low = uint64_t{p[0]} << 16 | uint64_t{p[size / 2]} << 8 | p[size - 1];
  }
  return fold_multiply(fold_multiply(low ^ first, high ^ second), kMix0 ^ size);
}

// More than 32 bytes.
uint64_t hash_bytes_slow(const void* bytes, size_t size, uint64_t seed);

// Any bytes of any length and alignment.
GREYHOUND_INLINE uint64_t hash_bytes(const void* bytes, size_t size, uint64_t seed) {
  if (size > 32) return hash_bytes_slow(bytes, size, seed);
  return hash_short_bytes(bytes, size, seed);
}

GREYHOUND_INLINE uint64_t hash_string(const char* text, size_t size, uint64_t seed) {
  return hash_bytes(text, size, seed);
}

uint64_t hash_float64(double value, uint64_t seed);
uint64_t hash_float32(float value, uint64_t seed);

// The words of a Go string and of an empty interface, as they lie in a bucket.
struct StringWords {
  const char* data;
  size_t size;
};
struct EfaceWords {
  const Type* type;
  void* data;
};

// What Type::hasher and Type::equal would be for one kind; both null for a kind whose size or
// fields the kind alone does not fix (arrays, structs) or that cannot be compared (slices, maps,
// functions). kInterface means an empty interface: it uses typehash and typeequal of the dynamic
// type, and panics with Go's text when that cannot be compared.
struct KeyOps {
  uint64_t (*hasher)(const void* value, uint64_t seed) = nullptr;
  bool (*equal)(const void* a, const void* b) = nullptr;
  bool of_memory = false;  // they are hash_bytes and memcmp of the whole value
};
KeyOps key_ops(Kind kind);
// The same for a type: its own functions, or those of its kind and size.
KeyOps key_ops(const Type& type);

// Hash and equality of any value whose type is comparable(), as Go's typehash: the type's own
// functions, or its fields' one by one. They may panic only for what an interface inside holds.
uint64_t typehash(const Type& type, const void* value, uint64_t seed);
bool typeequal(const Type& type, const void* a, const void* b);

}  // namespace greyhound::maps
