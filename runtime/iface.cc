// SPDX-License-Identifier: MIT
#include "runtime/iface.h"

#include <array>
#include <cstring>

#include "gc/alloc/malloc_inl.h"
#include "gc/mutator/pieces.h"
#include "gc/mutator/write_barrier.h"
#include "runtime/base/probes.h"
#include "runtime/out_of_memory.h"

namespace greyhound {

String String::copy(std::string_view text) {
  if (text.empty()) return {};
  void* bytes = gc::mallocgc(text.size(), nullptr);
  if (bytes == nullptr) runtime::out_of_memory(runtime::kHeapExhausted);
  gc::copy_bytes(bytes, text.data(), text.size());
  return String(static_cast<const char*>(bytes), text.size());
}

bool String::equal_slow(const String& a, const String& b) {
  return gc::equal_bytes(a.data(), b.data(), a.size());
}

namespace runtime {
namespace {

// Cells for the integers below 256, shared by every box of one (Go's staticuint64s). Little-endian,
// so a cell serves each width.
constexpr auto kStaticCells = [] {
  std::array<uint64_t, 256> cells{};
  for (size_t i = 0; i < cells.size(); ++i) cells[i] = i;
  return cells;
}();
constexpr size_t kZeroBytes = 1024;
alignas(16) constexpr char kZeroValue[kZeroBytes] = {};

// Boxes are never written through, so handing out constants is safe.
void* static_cell(uint64_t value) { return const_cast<uint64_t*>(&kStaticCells[value]); }
void* zero_value() { return const_cast<char*>(kZeroValue); }

// Not a function that allocates: a profile is to show convT2E calling mallocgc.
void* checked(void* box, [[maybe_unused]] size_t size) {
  if (box == nullptr) [[unlikely]]
    out_of_memory(kHeapExhausted);
  GREYHOUND_PROBE2(box__alloc, size, box);
  return box;
}

bool all_zero(const void* value, size_t size) {
  return size <= kZeroBytes && std::memcmp(value, kZeroValue, size) == 0;
}

// Out of line, so that the fast path needs no registers saved for it.
template <class Word>
GREYHOUND_NOINLINE void* box_word_slow(Word value) {
  void* box = checked(gc::mallocgc(sizeof(Word), nullptr), sizeof(Word));
  *static_cast<Word*>(box) = value;
  return box;
}

template <class Word>
GREYHOUND_INLINE void* box_word(Word value) {
  if (value < 256) return static_cell(value);
  void* box = gc::malloc_noscan_inl<sizeof(Word)>();
  if (box == nullptr) [[unlikely]]
    return box_word_slow(value);
  GREYHOUND_PROBE2(box__alloc, sizeof(Word), box);
  *static_cast<Word*>(box) = value;
  return box;
}

}  // namespace

GREYHOUND_NOINLINE BoxedValue convT2E(const Type* type, const void* value) {
  if (type->pointer_shaped()) return BoxedValue(type, reinterpret_cast<void*>(load_word(value)));
  if (type->size == 1) return BoxedValue(type, static_cell(*static_cast<const uint8_t*>(value)));
  if (type->size == 0 || all_zero(value, type->size)) return BoxedValue(type, zero_value());
  void* box = checked(gc::mallocgc(type->size, type), type->size);
  gc::typedmemmove(type, box, value);
  return BoxedValue(type, box);
}

GREYHOUND_NOINLINE void* convT16(uint16_t value) { return box_word(value); }
GREYHOUND_NOINLINE void* convT32(uint32_t value) { return box_word(value); }
GREYHOUND_NOINLINE void* convT64(uint64_t value) { return box_word(value); }

GREYHOUND_NOINLINE void* convTstring(String value) {
  if (value.empty()) return zero_value();
  void* box = gc::newobject_inl<String>();
  if (box == nullptr) [[unlikely]]
    out_of_memory(kHeapExhausted);
  GREYHOUND_PROBE2(box__alloc, sizeof(String), box);
  return new (box) String(value);
}

}  // namespace runtime
}  // namespace greyhound
