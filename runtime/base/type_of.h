// SPDX-License-Identifier: MIT
// Type descriptors declared from C++. type_of<T>() is a constant made at compile time from the
// type's own fields, so an embedder writes a plain struct and nothing beside it:
//
//   struct Node { Ref<Node> left, right; int64_t value; };
//   Node* n = thread.make<Node>(l, r, 42);
//
// An aggregate's fields are enumerated with structured bindings, their offsets follow from the
// layout rules, and the sum must come out at sizeof(T): what the enumeration cannot see (C arrays,
// bit-fields, bases, over-aligned members) is therefore a compile error, never a missed reference.
// A class with constructors or private fields lists all its fields: GREYHOUND_TYPE(Name, field,
// field, ...), next to its definition, at global scope; again the sum must come out.
//
// Refused at compile time: alignment above 16, destructors that do something (nothing calls them),
// and raw pointers, which the collector would not see (use Ref<T>, or Unmanaged<T> for foreign
// memory).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "runtime/base/platform.h"
#include "runtime/base/type.h"

namespace greyhound {

// A pointer to memory that is not the collector's, as a field: never followed.
template <class T>
struct Unmanaged {
  T* pointer = nullptr;
};

// The pointer words found so far in a type of Words words.
template <size_t Words>
struct PointerMask {
  static constexpr size_t kMaskWords = Words == 0 ? 1 : (Words + 63) / 64;
  std::array<uint64_t, kMaskWords> bits{};
  bool exact = true;

  constexpr void add(size_t offset, bool is_exact) {
    bits[offset / 8 / 64] |= uint64_t{1} << (offset / 8 % 64);
    exact = exact && is_exact;
  }
  constexpr size_t ptrdata() const {
    for (size_t word = Words; word-- > 0;) {
      if ((bits[word / 64] >> (word % 64)) & 1) return (word + 1) * 8;
    }
    return 0;
  }
};

// Customisation point: what a type that is not an aggregate of others is. Specialisations have
//   static constexpr Kind kKind;
//   template <class Mask> static constexpr void add_pointers(Mask* mask, size_t offset);
// and may have  static constexpr bool kPointerShaped.
template <class T>
struct TypeTraits;

namespace type_internal {

struct AnyField {
  template <class U>
  constexpr operator U() const;  // never defined: only counted with
};

template <class T, size_t... I>
constexpr bool braces_take(std::index_sequence<I...>) {
  return requires { T{(static_cast<void>(I), AnyField{})...}; };
}

inline constexpr size_t kMaxFields = 24;

template <class T, size_t N = kMaxFields>
constexpr size_t count_fields() {
  if constexpr (N == 0) {
    return 0;
  } else if constexpr (braces_take<T>(std::make_index_sequence<N>{})) {
    return N;
  } else {
    return count_fields<T, N - 1>();
  }
}

template <class... F>
struct FieldTypes {};
template <class... F>
constexpr FieldTypes<std::remove_cvref_t<F>...> types_of(F&...) {
  return {};
}

// clang-format off
template <class T>
constexpr auto field_types(T& t) {
  constexpr size_t n = count_fields<T>();
  if constexpr (n == 0) { return FieldTypes<>{}; }
#define GREYHOUND_BIND(count, ...) else if constexpr (n == count) { auto& [__VA_ARGS__] = t; return types_of(__VA_ARGS__); }
  GREYHOUND_BIND(1, a) GREYHOUND_BIND(2, a, b) GREYHOUND_BIND(3, a, b, c) GREYHOUND_BIND(4, a, b, c, d)
  GREYHOUND_BIND(5, a, b, c, d, e) GREYHOUND_BIND(6, a, b, c, d, e, f) GREYHOUND_BIND(7, a, b, c, d, e, f, g)
  GREYHOUND_BIND(8, a, b, c, d, e, f, g, h) GREYHOUND_BIND(9, a, b, c, d, e, f, g, h, i)
  GREYHOUND_BIND(10, a, b, c, d, e, f, g, h, i, j) GREYHOUND_BIND(11, a, b, c, d, e, f, g, h, i, j, k)
  GREYHOUND_BIND(12, a, b, c, d, e, f, g, h, i, j, k, l) GREYHOUND_BIND(13, a, b, c, d, e, f, g, h, i, j, k, l, m)
  GREYHOUND_BIND(14, a, b, c, d, e, f, g, h, i, j, k, l, m, o) GREYHOUND_BIND(15, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p)
  GREYHOUND_BIND(16, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q) GREYHOUND_BIND(17, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r)
  GREYHOUND_BIND(18, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, s) GREYHOUND_BIND(19, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, s, u)
  GREYHOUND_BIND(20, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, s, u, v)
  GREYHOUND_BIND(21, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, s, u, v, w)
  GREYHOUND_BIND(22, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, s, u, v, w, x)
  GREYHOUND_BIND(23, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, s, u, v, w, x, y)
  GREYHOUND_BIND(24, a, b, c, d, e, f, g, h, i, j, k, l, m, o, p, q, r, s, u, v, w, x, y, z)
#undef GREYHOUND_BIND
}
// clang-format on

template <class Field, class Mask>
constexpr void place_field(Mask* mask, size_t* end) {
  const size_t offset = align_up(*end, alignof(Field));
  TypeTraits<Field>::add_pointers(mask, offset);
  *end = offset + sizeof(Field);
}

// Places the fields one after another from `offset`; gives where the last one ends.
template <class Mask, class... F>
constexpr size_t place_fields([[maybe_unused]] Mask* mask, size_t offset, FieldTypes<F...>) {
  size_t end = offset;
  (place_field<F>(mask, &end), ...);
  return end;
}

struct NoMask {
  constexpr void add(size_t, bool) {}
};

template <class... F>
constexpr bool has_empty_field(FieldTypes<F...>) {
  return (std::is_empty_v<F> || ...);
}

// Less than a word of padding may follow the last field: a member that lies further on than its
// type says (alignas, an unseen one before it) would push a reference by a whole word, which then
// shows.
template <class T, class Fields>
constexpr bool fields_cover() {
  NoMask none;
  const size_t end = place_fields(&none, 0, Fields{});
  return align_up(end, alignof(T)) == sizeof(T) && sizeof(T) - end < kWordBytes &&
         !has_empty_field(Fields{});
}

// Fields listed by hand: where they lie.
struct FieldList {
  size_t offset[64] = {};
  size_t size[64] = {};
  size_t count = 0;

  constexpr void add(size_t at, size_t bytes) {
    offset[count] = at;
    size[count++] = bytes;
  }
  // Every gap is smaller than a reference. Quadratic, at compile time, over few fields.
  constexpr bool covers(size_t total) const {
    size_t end = 0;
    while (end + 8 <= total) {
      size_t reach = end;
      for (size_t i = 0; i < count; ++i) {
        if (offset[i] < end + 8 && offset[i] + size[i] > reach) reach = offset[i] + size[i];
      }
      if (reach == end) return false;
      end = reach;
    }
    return true;
  }
};

template <class T>
using AggregateFields = decltype(field_types(std::declval<T&>()));

}  // namespace type_internal

template <class T>
requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) struct TypeTraits<T> {
  static constexpr Kind kind() {
    if constexpr (std::is_same_v<T, bool>) {
      return Kind::kBool;
    } else if constexpr (std::is_floating_point_v<T>) {
      return sizeof(T) == 4 ? Kind::kFloat32 : Kind::kFloat64;
    } else {
      constexpr Kind kSigned[] = {Kind::kInt8, Kind::kInt16, Kind::kInt32, Kind::kInt64};
      constexpr Kind kUnsigned[] = {Kind::kUint8, Kind::kUint16, Kind::kUint32, Kind::kUint64};
      constexpr int log = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
      return std::is_signed_v<T> ? kSigned[log] : kUnsigned[log];
    }
  }
  static constexpr Kind kKind = kind();
  template <class Mask>
  static constexpr void add_pointers(Mask*, size_t) {}
};

template <class T>
struct TypeTraits<Unmanaged<T>> {
  static constexpr Kind kKind = Kind::kUnsafePointer;
  template <class Mask>
  static constexpr void add_pointers(Mask*, size_t) {}
};

template <class T>
struct TypeTraits<T*> {
  static_assert(sizeof(T*) == 0,
                "a raw pointer in a managed object is invisible to the collector: use Ref<T>, or "
                "Unmanaged<T> for "
                "memory that is not the collector's");
};

template <class T, size_t N>
struct TypeTraits<std::array<T, N>> {
  static constexpr Kind kKind = Kind::kArray;
  template <class Mask>
  static constexpr void add_pointers(Mask* mask, size_t offset) {
    for (size_t i = 0; i < N; ++i) TypeTraits<T>::add_pointers(mask, offset + i * sizeof(T));
  }
};

// Any other aggregate: by its fields.
template <class T>
requires(std::is_aggregate_v<T> && !std::is_array_v<T>) struct TypeTraits<T> {
  static constexpr Kind kKind = Kind::kStruct;
  template <class Mask>
  static constexpr void add_pointers(Mask* mask, size_t offset) {
    using Fields = type_internal::AggregateFields<T>;
    static_assert(
        std::is_empty_v<T> || type_internal::fields_cover<T, Fields>(),
        "the fields of this struct cannot all be seen: replace C arrays by std::array, avoid "
        "bases, "
        "bit-fields, alignas members and more than 24 fields, or list them with GREYHOUND_TYPE");
    type_internal::place_fields(mask, offset, Fields{});
  }
};

namespace type_internal {

template <class T>
constexpr auto mask_of() {
  PointerMask<sizeof(T) / 8> mask;
  TypeTraits<T>::add_pointers(&mask, 0);
  return mask;
}

template <class T>
constexpr bool pointer_shaped() {
  if constexpr (requires { TypeTraits<T>::kPointerShaped; }) {
    return TypeTraits<T>::kPointerShaped;
  } else {
    return false;
  }
}

// The compiler's spelling of T, cut out of the function's.
template <class T>
constexpr auto spell() {
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr size_t start = text.find("T = ") + 4;
  constexpr size_t end = text.find_first_of(";]", start);
  std::array<char, end - start + 1> name{};
  for (size_t i = start; i < end; ++i) name[i - start] = text[i];
  return name;
}

template <class T>
struct Descriptor {
  static_assert(alignof(T) <= 16, "managed objects are aligned to at most 16 bytes");
  static_assert(std::is_trivially_destructible_v<T>,
                "nothing calls the destructor of a managed object");

  static constexpr auto kMask = mask_of<T>();
  static constexpr auto kName = spell<T>();
  static constexpr Type kType = [] {
    Type type;
    type.size = sizeof(T);
    type.ptrdata = kMask.ptrdata();
    type.ptrmask = type.ptrdata != 0 ? kMask.bits.data() : nullptr;
    type.align = alignof(T);
    type.kind = TypeTraits<T>::kKind;
    type.name = kName.data();
    for (char c : kName) type.hash = (type.hash ^ static_cast<uint8_t>(c)) * 16777619u;
    if (type.ptrdata != 0 && kMask.exact) type.flags |= kTypeExactPointers;
    if (pointer_shaped<T>()) type.flags |= kTypePointerShaped;
    return type;
  }();
};

}  // namespace type_internal

// The descriptor of T: one constant for the whole program. Any thread, also before main.
template <class T>
constexpr const Type* type_of() {
  return &type_internal::Descriptor<T>::kType;
}

}  // namespace greyhound

// Lists every field of a class that is no aggregate. At global scope; the fields must be accessible
// (befriend greyhound::TypeTraits<T>). A gap of a word or more between the fields is a compile
// error.
#define GREYHOUND_TYPE(T, ...)                                                    \
  template <>                                                                     \
  struct greyhound::TypeTraits<T> {                                               \
    static_assert(std::is_standard_layout_v<T>, #T " must have standard layout"); \
    static constexpr ::greyhound::Kind kKind = ::greyhound::Kind::kStruct;        \
    static constexpr ::greyhound::type_internal::FieldList list() {               \
      ::greyhound::type_internal::FieldList list;                                 \
      GREYHOUND_FOR_EACH(GREYHOUND_LIST_FIELD, T, __VA_ARGS__)                    \
      return list;                                                                \
    }                                                                             \
    template <class Mask>                                                         \
    static constexpr void add_pointers(Mask* mask, size_t at) {                   \
      static_assert(list().covers(sizeof(T)),                                     \
                    #T " has a field that GREYHOUND_TYPE does not list");         \
      GREYHOUND_FOR_EACH(GREYHOUND_ADD_FIELD, T, __VA_ARGS__)                     \
    }                                                                             \
  };
#define GREYHOUND_LIST_FIELD(T, field) list.add(offsetof(T, field), sizeof(T::field));
#define GREYHOUND_ADD_FIELD(T, field) \
  ::greyhound::TypeTraits<decltype(T::field)>::add_pointers(mask, at + offsetof(T, field));

// do(T, x) for each x: the preprocessor's idiom of a macro that defers its own expansion.
#define GREYHOUND_PARENS ()
#define GREYHOUND_EXPAND(...) GREYHOUND_EXPAND2(GREYHOUND_EXPAND2(GREYHOUND_EXPAND2(__VA_ARGS__)))
#define GREYHOUND_EXPAND2(...) GREYHOUND_EXPAND1(GREYHOUND_EXPAND1(GREYHOUND_EXPAND1(__VA_ARGS__)))
#define GREYHOUND_EXPAND1(...) __VA_ARGS__
#define GREYHOUND_FOR_EACH(do, T, ...) \
  __VA_OPT__(GREYHOUND_EXPAND(GREYHOUND_EACH(do, T, __VA_ARGS__)))
#define GREYHOUND_EACH(do, T, first, ...) \
  do (T, first) __VA_OPT__(GREYHOUND_EACH_AGAIN GREYHOUND_PARENS(do, T, __VA_ARGS__))
#define GREYHOUND_EACH_AGAIN() GREYHOUND_EACH
