// SPDX-License-Identifier: MIT
// Type descriptors declared from C++. type_of<T>() is a constant made at compile time from the
// type's own fields, so an embedder writes a plain struct and nothing beside it:
//
//   struct Node { Ref<Node> left, right; int64_t value; };
//   Node* n = thread.make<Node>(l, r, 42);
//
// An aggregate's fields are enumerated with structured bindings, their offsets follow from the
// layout rules, and the sum must come out at sizeof(T): what the enumeration cannot see (C arrays,
// bit-fields, bases, most over-aligned members) is therefore a compile error, never a missed
// reference. An over-aligned member that leaves the size as it would be is a fatal error when the
// program that uses the type starts.
// A class with constructors or private fields lists all its fields: GREYHOUND_TYPE(Name, field,
// field, ...), next to its definition, at global scope; again the sum must come out.
//
// Equality and hash follow from the fields, as in Go: padding does not count, floats are compared
// by value, strings by what they hold. A struct that has both operator== and hash_value(const T&,
// uint64_t seed) is compared with these instead, as a key and inside an interface; operator== alone
// does not count, since it may be a defaulted one.
//
// Refused at compile time: alignment above 16, destructors that do something (nothing calls them),
// raw pointers, which the collector would not see (use Ref<T>, or Unmanaged<T> for foreign
// memory), and numbers that Go has not, but for long double and integers of 16 bytes.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "runtime/base/aggregate_fields.h"
#include "runtime/base/field_list.h"
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
    for (size_t i = kMaskWords; i-- > 0;) {
      if (bits[i] != 0) return (i * 64 + static_cast<size_t>(std::bit_width(bits[i]))) * 8;
    }
    return 0;
  }
};

// Customisation point: what a type that is not an aggregate of others is. Specialisations have
//   static constexpr Kind kKind;
//   template <class Mask> static constexpr void add_pointers(Mask* mask, size_t offset);
// and may have
//   static constexpr bool kPointerShaped;
//   static constexpr bool kZeroDefault;   a default-made value is all zero, as is every constant
//                                         one, and no constructor allocates
//   static constexpr auto fields();       an array of TypeField: of a struct or an array, its parts
template <class T>
struct TypeTraits;

namespace type_internal {

template <class Field, class Mask>
constexpr void place_field(Mask* mask, size_t* end) {
  const size_t offset = align_up(*end, alignof(Field));
  TypeTraits<Field>::add_pointers(mask, offset);
  *end = offset + sizeof(Field);
}

// Places the fields one after another from `offset`; returns where the last one ends.
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

template <class T>
struct Descriptor;

template <class T>
inline constexpr bool kIsArray = false;
template <class T, size_t N>
inline constexpr bool kIsArray<std::array<T, N>> = true;

// The fields placed as place_fields does.
template <class... F>
constexpr std::array<TypeField, sizeof...(F)> describe_fields(FieldTypes<F...>) {
  std::array<TypeField, sizeof...(F)> fields{};
  [[maybe_unused]] size_t end = 0;
  [[maybe_unused]] size_t i = 0;
  ((end = align_up(end, alignof(F)), fields[i++] = {&Descriptor<F>::kType, end, 1, true},
    end += sizeof(F)),
   ...);
  return fields;
}

// Whether the fields of T, and those of its fields, lie where the layout rules say. A member's own
// alignas shows in no type, and may leave the size of the whole as it is. Nothing is read.
template <class T>
bool fields_lie_as_reckoned() {
  if constexpr (kIsArray<T>) {
    return fields_lie_as_reckoned<typename T::value_type>();
  } else if constexpr (requires { typename TypeTraits<T>::Reckoned; }) {
    constexpr uintptr_t kAnywhere = 1 << 16;
    const auto& fields = Descriptor<T>::kFields;
    bool agree = true;
    size_t i = 0;
    with_fields(*reinterpret_cast<T*>(kAnywhere), [&](auto&... field) {
      ((agree =
            agree &&
            reinterpret_cast<uintptr_t>(std::addressof(field)) == kAnywhere + fields[i++].offset &&
            fields_lie_as_reckoned<std::remove_cvref_t<decltype(field)>>()),
       ...);
    });
    return agree;
  } else {
    return true;
  }
}

// Fatal for a type whose fields lie elsewhere.
template <class T>
bool require_reckoned_fields() {
  if (fields_lie_as_reckoned<T>()) return true;
  // Without the library: one that shares types and nothing else needs none.
  std::fprintf(stderr,
               "fatal error: %s has a member with an alignment of its own (alignas), or one that "
               "does: its fields do not lie where their types say; list them with GREYHOUND_TYPE, "
               "and for keys define operator== and hash_value\n",
               Descriptor<T>::kType.name);
  std::_Exit(2);
}

// Decided when the program or library that uses the type is loaded; by the compiler, as a rule.
// Each has its own: one that all share keeps a plugin from being unloaded.
template <class T>
[[gnu::visibility("hidden")]] inline const bool kFieldsAreReckoned = require_reckoned_fields<T>();

template <class T>
inline constexpr bool kWideInteger = std::is_integral_v<T> && sizeof(T) == 16;

}  // namespace type_internal

template <class T>
requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) struct TypeTraits<T> {
  static_assert(!std::is_floating_point_v<T> || std::same_as<T, float> || std::same_as<T, double> ||
                    std::same_as<T, long double>,
                "of floating-point types, a managed object can have float, double and long double");
  static constexpr Kind kind() {
    if constexpr (std::is_same_v<T, bool>) {
      return Kind::kBool;
    } else if constexpr (std::is_floating_point_v<T>) {
      return sizeof(T) == 4 ? Kind::kFloat32 : Kind::kFloat64;  // long double: by its size
    } else if constexpr (type_internal::kWideInteger<T>) {
      return Kind::kArray;  // of bytes
    } else {
      constexpr Kind kSigned[] = {Kind::kInt8, Kind::kInt16, Kind::kInt32, Kind::kInt64};
      constexpr Kind kUnsigned[] = {Kind::kUint8, Kind::kUint16, Kind::kUint32, Kind::kUint64};
      constexpr int log = sizeof(T) == 1 ? 0 : sizeof(T) == 2 ? 1 : sizeof(T) == 4 ? 2 : 3;
      return std::is_signed_v<T> ? kSigned[log] : kUnsigned[log];
    }
  }
  static constexpr Kind kKind = kind();
  static constexpr auto fields() requires type_internal::kWideInteger<T> {
    return std::array<TypeField, 1>{{{nullptr, 0, sizeof(T)}}};
  }
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
                "Unmanaged<T> for memory that is not the collector's");
};

template <class T, size_t N>
struct TypeTraits<std::array<T, N>> {
  static constexpr Kind kKind = Kind::kArray;
  static constexpr auto fields() {
    return std::array<TypeField, 1>{{{&type_internal::Descriptor<T>::kType, 0, N, true}}};
  }
  template <class Mask>
  static constexpr void add_pointers(Mask* mask, size_t offset) {
    // Compilers bound what a constant takes to make: many elements are for those without pointers.
    if constexpr (type_internal::Descriptor<T>::kMask.ptrdata() != 0) {
      for (size_t i = 0; i < N; ++i) TypeTraits<T>::add_pointers(mask, offset + i * sizeof(T));
    }
  }
};

// Any other aggregate: by its fields.
template <class T>
requires(std::is_aggregate_v<T> && !std::is_array_v<T>) struct TypeTraits<T> {
  using Reckoned = void;  // where its fields lie
  static constexpr Kind kKind = Kind::kStruct;
  static constexpr auto fields() {
    return type_internal::describe_fields(type_internal::AggregateFields<T>{});
  }
  template <class Mask>
  static constexpr void add_pointers(Mask* mask, size_t offset) {
    using Fields = type_internal::AggregateFields<T>;
    static_assert(
        std::is_empty_v<T> || type_internal::fields_cover<T, Fields>(),
        "the fields of this struct cannot all be seen: replace C arrays by std::array, avoid "
        "bases, bit-fields, alignas members and more than 24 fields, or list them with "
        "GREYHOUND_TYPE");
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
  constexpr size_t end = text.rfind(']');
  std::array<char, end - start + 1> name{};
  for (size_t i = start; i < end; ++i) name[i - start] = text[i];
  return name;
}

// Another type may be spelled the same in another translation unit or library: a type of an unnamed
// namespace, a lambda's, a local one (which Clang spells as if it were none: two such of one name
// and one structure are then one type). The text is the function's and not the descriptor's: with
// UBSan GCC compares no address within a template's static member to null, as a search does.
template <class T>
constexpr bool names_one_type() {
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr std::string_view name = text.substr(text.find("T = "));
  for (std::string_view part :
       {"{anonymous}", "<unnamed", "<lambda", "(unnamed", "(lambda", ")::", "]::", " const::"})
    if (name.find(part) != std::string_view::npos) return false;
  return true;
}

template <class T>
concept OwnEquality = std::equality_comparable<T> && requires(const T& value, uint64_t seed) {
  { hash_value(value, seed) } -> std::convertible_to<uint64_t>;
};

template <class T>
constexpr auto fields_of() {
  if constexpr (requires { TypeTraits<T>::fields(); }) {
    return TypeTraits<T>::fields();
  } else {
    return std::array<TypeField, 0>{};
  }
}

template <class T>
constexpr bool is_compound() {
  return TypeTraits<T>::kKind == Kind::kStruct || TypeTraits<T>::kKind == Kind::kArray;
}

// How values of a struct or an array are compared. `fields` outlive the descriptor.
template <class T, size_t N>
constexpr void describe_equality(Type* type, const std::array<TypeField, N>& fields) {
  if constexpr (OwnEquality<T>) {
    type->flags |= kTypeOwnEquality;
    type->equal = [](const void* a, const void* b) -> bool {
      return *static_cast<const T*>(a) == *static_cast<const T*>(b);
    };
    type->hasher = [](const void* value, uint64_t seed) -> uint64_t {
      return hash_value(*static_cast<const T*>(value), seed);
    };
  } else if constexpr (requires { TypeTraits<T>::fields(); }) {
    if constexpr (requires { TypeTraits<T>::fields_explained(); }) {
      if (!TypeTraits<T>::fields_explained()) return;
    }
    type->fields = fields.data();
    type->field_count = static_cast<uint32_t>(N);
    type->flags |= flags_of_fields(fields.data(), N, sizeof(T));
  }
}

template <class T>
struct Descriptor {
  static_assert(alignof(T) <= 16, "managed objects are aligned to at most 16 bytes");
  static_assert(std::is_trivially_destructible_v<T>,
                "nothing calls the destructor of a managed object");

  static constexpr auto kMask = mask_of<T>();
  static constexpr auto kName = spell<T>();
  static constexpr auto kFields = fields_of<T>();
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
    if (names_one_type<T>()) type.flags |= kTypeByName;
    if constexpr (is_compound<T>()) describe_equality<T>(&type, kFields);
    return type;
  }();
};

template <class T, int = (static_cast<void>(T{}), 0)>
constexpr bool default_is_constant(int) {
  return true;
}
template <class T>
constexpr bool default_is_constant(...) {
  return false;
}

template <class T>
constexpr bool has_zero_default() {
  if constexpr (std::is_pointer_v<T>) {
    return false;  // Unmanaged's, which may be initialised with any
  } else if constexpr (requires { TypeTraits<T>::kZeroDefault; }) {
    return TypeTraits<T>::kZeroDefault;
  } else {
    return false;
  }
}

// Every byte of a constant that is not padding is zero; false where that is not known.
template <class F>
constexpr bool is_zero(const F& value) {
  if constexpr (has_zero_default<F>()) {
    return true;
  } else if constexpr (std::same_as<F, float>) {
    return std::bit_cast<uint32_t>(value) == 0;  // not so -0
  } else if constexpr (std::same_as<F, double>) {
    return std::bit_cast<uint64_t>(value) == 0;
  } else if constexpr (std::is_integral_v<F> || std::is_enum_v<F> || std::is_pointer_v<F>) {
    return value == F{};
  } else if constexpr (kIsArray<F>) {
    for (const auto& element : value)
      if (!is_zero(element)) return false;
    return true;
  } else if constexpr (std::is_aggregate_v<F> && !std::is_array_v<F>) {
    return with_fields(value, [](const auto&... field) { return (is_zero(field) && ...); });
  } else {
    return false;
  }
}

template <class T>
constexpr bool default_is_zero() {
  if constexpr (std::is_trivially_default_constructible_v<T> || has_zero_default<T>()) {
    return true;
  } else if constexpr (std::is_aggregate_v<T> && default_is_constant<T>(0)) {
    constexpr T value{};
    return is_zero(value);
  } else {
    return false;
  }
}

// Making a T from values for its fields runs no code that could allocate.
template <class T>
constexpr bool made_plainly() {
  if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_pointer_v<T> ||
                has_zero_default<T>()) {
    return true;
  } else if constexpr (kIsArray<T>) {
    return made_plainly<typename T::value_type>();
  } else if constexpr (std::is_aggregate_v<T> && !std::is_array_v<T> && default_is_constant<T>(0)) {
    return []<class... F>(FieldTypes<F...>) {
      return (made_plainly<F>() && ...);
    }(AggregateFields<T>{});
  } else {
    return false;
  }
}

}  // namespace type_internal

// A default-made T is all zero, as fresh memory is.
template <class T>
inline constexpr bool kZeroDefault = type_internal::default_is_zero<T>();
// No constructor of a T, or of a field of it, can allocate or collect.
template <class T>
inline constexpr bool kMadePlainly = type_internal::made_plainly<T>();

// The descriptor of T: one constant for the whole program. Any thread, also before main.
template <class T>
constexpr const Type* type_of() {
  static_cast<void>(&type_internal::kFieldsAreReckoned<T>);
  return &type_internal::Descriptor<T>::kType;
}

}  // namespace greyhound

// Lists every field of a class that is no aggregate. At global scope; the fields must be accessible
// (befriend greyhound::TypeTraits<T>). A gap of a word or more between the fields is a compile
// error.
#define GREYHOUND_TYPE(T, ...)                                                                  \
  template <>                                                                                   \
  struct greyhound::TypeTraits<T> {                                                             \
    static_assert(std::is_standard_layout_v<T>, #T " must have standard layout");               \
    static constexpr ::greyhound::Kind kKind = ::greyhound::Kind::kStruct;                      \
    static constexpr ::greyhound::type_internal::FieldList list() {                             \
      ::greyhound::type_internal::FieldList list;                                               \
      GREYHOUND_FOR_EACH(GREYHOUND_LIST_FIELD, T, __VA_ARGS__)                                  \
      return list;                                                                              \
    }                                                                                           \
    static constexpr bool fields_explained() { return list().explains(sizeof(T), alignof(T)); } \
    static constexpr auto fields() {                                                            \
      return ::greyhound::type_internal::fields_of_list<list().count>(list());                  \
    }                                                                                           \
    template <class Mask>                                                                       \
    static constexpr void add_pointers(Mask* mask, size_t at) {                                 \
      static_assert(list().covers(sizeof(T)),                                                   \
                    #T " has a field that GREYHOUND_TYPE does not list");                       \
      GREYHOUND_FOR_EACH(GREYHOUND_ADD_FIELD, T, __VA_ARGS__)                                   \
    }                                                                                           \
  };
#define GREYHOUND_LIST_FIELD(T, field)           \
  list.add(offsetof(T, field), sizeof(T::field), \
           &::greyhound::type_internal::Descriptor<decltype(T::field)>::kType);
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
