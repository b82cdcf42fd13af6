// SPDX-License-Identifier: MIT
// Go's string: a pointer to bytes that never change, and a length. A value; copying copies two
// words. The bytes may lie in the heap (anywhere inside an object) or outside it (a literal).
//
// As a field of a managed object its pointer word is read by the marker, so assignment goes through
// the barrier and stores words. A torn read (pointer of one value, length of another) is the
// program's race, as in Go; the marker looks at the pointer alone.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "gc/mutator/write_barrier.h"
#include "runtime/base/type_of.h"

namespace greyhound {

class String {
 public:
  constexpr String() = default;
  String(const char* bytes, size_t size) { assign(nullptr, bytes, size); }
  String(const String& other) { assign(nullptr, other.data(), other.size()); }
  String& operator=(const String& other) {
    assign(&data_, other.data(), other.size());
    return *this;
  }
  // Bytes that outlive every use and are not the collector's.
  template <size_t N>
  static String literal(const char (&text)[N]) {
    String result;
    result.data_ = reinterpret_cast<uintptr_t>(text);  // no barrier: not in the heap
    result.size_ = N - 1;
    return result;
  }
  // A copy in the current mutator's heap; a safepoint, several for a long text: bytes of a managed
  // object stay what they are meanwhile, as that is kept. Throws std::bad_alloc.
  static String copy(std::string_view text);

  const char* data() const { return reinterpret_cast<const char*>(load_word(&data_)); }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data(), size_}; }
  operator std::string_view() const { return view(); }
  // Bytes [from, to); shares the bytes. REQUIRES: from <= to <= size().
  String substring(size_t from, size_t to) const {
    // An empty one points nowhere: one past the end would be inside the next object.
    return from == to ? String() : String(data() + from, to - from);
  }
  // A safepoint for strings of equal length of more than 256 KiB, on a thread that is attached.
  friend bool operator==(const String& a, const String& b) {
    if (a.size() != b.size()) return false;
    if (a.size() > kLong) [[unlikely]]
      return equal_slow(a, b);
    return a.view() == b.view();
  }

 private:
  static constexpr size_t kLong = 256 << 10;  // gc::kPieceBytes
  static bool equal_slow(const String& a, const String& b);
  // `old`: where the old pointer lies; null when there is none.
  void assign(const uintptr_t* old, const char* bytes, size_t size) {
    gc::write_barrier(old, bytes);
    store_word(&data_, reinterpret_cast<uintptr_t>(bytes));
    size_ = size;
  }

  uintptr_t data_ = 0;
  size_t size_ = 0;
};

template <>
struct TypeTraits<String> {
  static constexpr Kind kKind = Kind::kString;
  static constexpr bool kZeroDefault = true;
  template <class Mask>
  static constexpr void add_pointers(Mask* mask, size_t offset) {
    mask->add(offset, false);
  }
};

}  // namespace greyhound
