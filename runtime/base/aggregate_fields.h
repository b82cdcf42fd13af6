// SPDX-License-Identifier: MIT
// The fields of an aggregate, in their order: how many there are, themselves, and their types.
// Counted by what braces take, and bound by structured bindings; at most kMaxFields.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace greyhound::type_internal {

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

// clang-format off
// visit(field, field, ...) of an aggregate.
template <class T, class Visit>
constexpr auto with_fields(T& t, Visit visit) {
  constexpr size_t n = count_fields<std::remove_const_t<T>>();
  if constexpr (n == 0) { return visit(); }
#define GREYHOUND_BIND(count, ...) else if constexpr (n == count) { auto& [__VA_ARGS__] = t; return visit(__VA_ARGS__); }
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

struct TypesOf {
  template <class... F>
  constexpr FieldTypes<std::remove_cvref_t<F>...> operator()(F&...) const {
    return {};
  }
};

template <class T>
using AggregateFields = decltype(with_fields(std::declval<T&>(), TypesOf{}));

}  // namespace greyhound::type_internal
