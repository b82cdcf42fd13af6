// SPDX-License-Identifier: MIT
// Which keys are equal, and hash so: as Go has it, from a struct's fields, whether the struct is
// the key or is inside an interface, and whether it is a C++ type or one made at run time.
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <string>

#include "maps/map.h"
#include "runtime/greyhound.h"
#include "tests/maps/fixture.h"

namespace greyhound::maps {
namespace key_equality_test {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Padded {
  int8_t a;
  int64_t b;
  int16_t c;
};
struct Named {
  String name;
  int32_t number;
};
struct Real {
  double x;
  float y;
};
struct Nested {
  Padded padded;
  std::array<Named, 2> names;
  std::array<std::array<float, 2>, 2> reals;
  bool flag;
};
struct Holder {
  eface any;
  int64_t number;
};
struct Regular {
  int64_t a, b;
};
struct WithReference {
  Ref<Regular> to;
  int32_t number;
};
struct Nothing {};
class Listed {
 public:
  Listed() = default;
  Listed(String name, double x) : name(name), x(x) {}
  String name;
  double x = 0;
};
// Their sizes are what they would be without alignas, so no compiler's error tells.
struct MovedByTailPadding {
  int64_t x;
  int8_t a;
  alignas(4) int8_t b;
};
struct MovedWithin {
  int8_t a;
  alignas(4) int8_t b;
  int64_t c;
};
struct HoldsMoved {
  int64_t x;
  std::array<MovedWithin, 2> moved;
};
struct NotMoved {
  int8_t a;
  int64_t c;
  alignas(8) int8_t b;
};
struct MovedAndListed {
  int8_t a;
  alignas(4) int8_t b;
  int64_t c;
};
// Equal without regard to case: what it says goes.
struct Caseless {
  char letter;
  friend bool operator==(Caseless a, Caseless b) { return (a.letter | 32) == (b.letter | 32); }
  friend uint64_t hash_value(const Caseless& c, uint64_t seed) {
    return hash_int64(static_cast<uint64_t>(c.letter | 32), seed);
  }
};
// A defaulted operator== changes nothing.
struct Defaulted {
  String name;
  bool operator==(const Defaulted&) const = default;
};

String text(const char* words) { return String::copy(words); }

class KeyEquality : public MapsTest {
 protected:
  // One entry under two equal keys, two under unequal ones; as the key itself and in an interface.
  template <class K>
  void expect_equal(const K& a, const K& b) {
    count<K>(a, b, 1);
  }
  template <class K>
  void expect_unequal(const K& a, const K& b) {
    count<K>(a, b, 2);
  }
  template <class K>
  void count(const K& a, const K& b, int64_t expected) {
    auto direct = Map<K, int64_t>::make();
    auto boxed = Map<eface, int64_t>::make();
    direct.insert_or_assign(a, 1);
    direct.insert_or_assign(b, 2);
    boxed.insert_or_assign(runtime::to_eface(a), 1);
    boxed.insert_or_assign(runtime::to_eface(b), 2);
    EXPECT_EQ(direct.size(), expected) << type_of<K>()->name;
    EXPECT_EQ(boxed.size(), expected) << type_of<K>()->name;
    EXPECT_EQ(direct.get(a), expected == 1 ? 2 : 1);
    EXPECT_EQ(boxed.get(runtime::to_eface(a)), expected == 1 ? 2 : 1);
    direct.erase(b);
    boxed.erase(runtime::to_eface(b));
    EXPECT_EQ(direct.size(), expected - 1);
    EXPECT_EQ(boxed.size(), expected - 1);
    EXPECT_EQ(verify_map(direct.type(), direct.header()), "");
  }
};

TEST_F(KeyEquality, PaddingDoesNotCount) {
  alignas(Padded) unsigned char first[sizeof(Padded)], second[sizeof(Padded)];
  std::memset(first, 0x11, sizeof first);
  std::memset(second, 0xee, sizeof second);
  for (auto* p : {reinterpret_cast<Padded*>(first), reinterpret_cast<Padded*>(second)}) {
    p->a = 1;
    p->b = 2;
    p->c = 3;
  }
  expect_equal(*reinterpret_cast<Padded*>(first), *reinterpret_cast<Padded*>(second));
  expect_unequal(Padded{1, 2, 3}, Padded{1, 2, 4});
}

TEST(KeyFieldsDeathTest, AMemberWithAnAlignmentOfItsOwnIsRefusedAtStartUp) {
  using namespace type_internal;
  EXPECT_TRUE(fields_lie_as_reckoned<Padded>());
  EXPECT_TRUE(fields_lie_as_reckoned<NotMoved>());
  EXPECT_FALSE(fields_lie_as_reckoned<MovedByTailPadding>());
  EXPECT_FALSE(fields_lie_as_reckoned<MovedWithin>());
  EXPECT_FALSE(fields_lie_as_reckoned<HoldsMoved>());
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(require_reckoned_fields<MovedWithin>(), ::testing::ExitedWithCode(2),
              "MovedWithin has a member with an alignment of its own.*GREYHOUND_TYPE");
}

TEST_F(KeyEquality, StringsCountByWhatTheyHold) {
  expect_equal(Named{text("x"), 1}, Named{text("x"), 1});
  expect_unequal(Named{text("x"), 1}, Named{text("y"), 1});
  expect_unequal(Named{text("x"), 1}, Named{text("x"), 2});
  using Pair = std::array<String, 2>;
  expect_equal(Pair{text("a"), text("b")}, Pair{text("a"), text("b")});
  expect_unequal(Pair{text("a"), text("bc")}, Pair{text("ab"), text("c")});
}

TEST_F(KeyEquality, FloatsCountByValue) {
  expect_equal(Real{0.0, -0.0f}, Real{-0.0, 0.0f});
  expect_unequal(Real{1, 2}, Real{2, 1});
  expect_equal(std::array<double, 3>{0.0, 1, 2}, std::array<double, 3>{-0.0, 1, 2});
  for (int boxed : {0, 1}) {
    auto direct = Map<Real, int64_t>::make();
    auto any = Map<eface, int64_t>::make();
    for (int64_t i = 0; i < 100; ++i) {
      direct.insert_or_assign(Real{kNaN, 1}, i);
      any.insert_or_assign(runtime::to_eface(Real{1, NAN}), i);
    }
    EXPECT_EQ(boxed ? any.size() : direct.size(), 100) << "no NaN equals another";
    EXPECT_EQ(direct.find(Real{kNaN, 1}), nullptr);
    std::set<int64_t> seen;
    for (auto [key, value] : any) seen.insert(value);
    EXPECT_EQ(seen.size(), 100u);
  }
}

TEST_F(KeyEquality, NestedStructsAndArraysCountByTheirFields) {
  const auto make = [](const char* last, float zero) {
    return Nested{{1, 2, 3}, {{{text("a"), 1}, {text(last), 2}}}, {{{zero, 1}, {2, 3}}}, true};
  };
  expect_equal(make("b", 0.0f), make("b", -0.0f));
  expect_unequal(make("b", 0.0f), make("c", 0.0f));
  expect_unequal(make("b", 0.0f), make("b", 0.5f));
}

TEST_F(KeyEquality, ReferencesCountByIdentity) {
  auto* one = thread_.make<Regular>(1, 2);
  auto* other = thread_.make<Regular>(1, 2);
  expect_equal(WithReference{one, 1}, WithReference{one, 1});
  expect_unequal(WithReference{one, 1}, WithReference{other, 1});
  expect_equal(Regular{1, 2}, Regular{1, 2});
  expect_equal(std::array<int64_t, 2>{1, 2}, std::array<int64_t, 2>{1, 2});
  expect_unequal(std::array<int64_t, 2>{1, 2}, std::array<int64_t, 2>{2, 1});
  expect_equal(Nothing{}, Nothing{});
}

TEST_F(KeyEquality, ListedFieldsCount) {
  expect_equal(Listed{text("x"), 0.0}, Listed{text("x"), -0.0});
  expect_unequal(Listed{text("x"), 0.0}, Listed{text("y"), 0.0});
}

TEST_F(KeyEquality, InterfacesInsideCountByWhatTheyHold) {
  const auto holder = [](auto value) { return Holder{runtime::to_eface(value), 1}; };
  expect_equal(holder(text("x")), holder(text("x")));
  expect_unequal(holder(text("x")), holder(int64_t{1}));
  expect_equal(holder(Named{text("x"), 1}), holder(Named{text("x"), 1}));
  expect_equal(Holder{eface(BoxedValue(nullptr, nullptr)), 1},
               Holder{eface(BoxedValue(nullptr, nullptr)), 1});
}

TEST_F(KeyEquality, OwnFunctionsGoBeforeTheFields) {
  expect_equal(Caseless{'a'}, Caseless{'A'});
  expect_unequal(Caseless{'a'}, Caseless{'B'});
  expect_equal(std::array<Caseless, 2>{{{'a'}, {'b'}}}, std::array<Caseless, 2>{{{'A'}, {'B'}}});
  expect_equal(Defaulted{text("x")}, Defaulted{text("x")});
}

TEST_F(KeyEquality, WideNumbersCountWhole) {
  expect_unequal(1.0L, 2.0L);
  expect_unequal(1.0L, 4.0L);
  expect_unequal(1.0L, 1.0L + std::numeric_limits<long double>::epsilon());
  expect_equal(0.0L, -0.0L);
  long double dirty[2];
  std::memset(dirty, 0xff, sizeof dirty);
  dirty[0] = 3.0L;
  dirty[1] = 3.0L;
  std::memset(reinterpret_cast<char*>(dirty) + 10, 0, 6);
  expect_equal(dirty[0], dirty[1]);
  auto nan = Map<long double, int64_t>::make();
  nan.insert_or_assign(static_cast<long double>(kNaN), 1);
  nan.insert_or_assign(static_cast<long double>(kNaN), 2);
  EXPECT_EQ(nan.size(), 2);
#ifdef __SIZEOF_INT128__
  // An integer in the eyes of the library only with the compiler's extensions.
  [this]<class Wide>(Wide one) {
    if constexpr (std::is_integral_v<Wide>) expect_unequal(one, one << 64 | one);
  }(__int128{1});
#endif
}

// --- types made at run time

TEST_F(KeyEquality, BuiltTypesCountByTheirFields) {
  runtime::TypeBuilder builder("Point");
  builder.scalar(1, 1).value(*type_of<double>()).value(*type_of<String>()).interior();
  const auto type = builder.build();
  ASSERT_NE(type, nullptr);
  const auto make = [&](double x, const char* words) {
    auto* point = static_cast<char*>(gc::newobject(type->type()));
    std::memset(point + 1, static_cast<int>(random_()), 7);
    point[0] = 1;
    std::memcpy(point + type->offset(1), &x, 8);
    *reinterpret_cast<String*>(point + type->offset(2)) = text(words);
    return point;
  };
  const MapType* t = map_type(*type->type(), *type_of<int64_t>());
  hmap* h = keep(makemap(t, 0));
  auto any = Map<eface, int64_t>::make();
  for (auto* point : {make(0.0, "x"), make(-0.0, "x"), make(1.0, "x"), make(0.0, "y")}) {
    mapassign(t, h, point);
    any.insert_or_assign(runtime::convT2E(type->type(), point), 1);
  }
  EXPECT_EQ(maplen(h), 3);
  EXPECT_EQ(any.size(), 3);
  EXPECT_EQ(verify_map(t, h), "");
}

TEST_F(KeyEquality, BuiltTypesOfOneNameAreTwoTypes) {
  const auto one = runtime::TypeBuilder("Point").scalar(8, 8).build();
  const auto other = runtime::TypeBuilder("Point").scalar(8, 8).build();
  auto any = Map<eface, int64_t>::make();
  const int64_t value = 1000;
  any.insert_or_assign(runtime::convT2E(one->type(), &value), 1);
  any.insert_or_assign(runtime::convT2E(other->type(), &value), 2);
  EXPECT_EQ(any.size(), 2);
}

// --- what cannot be compared

TEST_F(KeyEquality, WhatCannotBeComparedPanicsWithGosText) {
  auto m = Map<int64_t, int64_t>::make();
  const eface map(&m.type()->type, m.header());
  const std::string name =
      m.type()->type.name;  // the compiler's: GCC says "long int", Clang "long"
  EXPECT_TRUE(name.starts_with("map[long")) << name;
  auto any = Map<eface, int64_t>::make();
  EXPECT_EQ(panic_of([&] { any.insert_or_assign(map, 1); }),
            "runtime error: hash of unhashable type " + name);
  EXPECT_EQ(panic_of([&] {
              (void)any.find(runtime::to_eface(Holder{map, 1}));
            }),
            "runtime error: hash of unhashable type " + name);
  const auto equal = key_ops(Kind::kInterface).equal;
  EXPECT_EQ(panic_of([&] { (void)equal(&map, &map); }),
            "runtime error: comparing uncomparable type " + name);
  const eface number(runtime::to_eface(int64_t{1000}));
  EXPECT_FALSE(equal(&map, &number)) << "different types are unequal before that";
  Type function;
  function.size = function.align = 8;
  function.kind = Kind::kFunc;
  function.name = "func()";
  EfaceWords words{&function, nullptr};
  EXPECT_EQ(panic_of([&] { (void)equal(&words, &words); }),
            "runtime error: comparing uncomparable type func()");
  const auto of_functions = runtime::TypeBuilder("S").value(function).build();
  const EfaceWords structs{of_functions->type(), &words};
  EXPECT_EQ(panic_of([&] { (void)equal(&structs, &structs); }),
            "runtime error: comparing uncomparable type S");
}

// --- what a lookup that finds nothing gives

TEST_F(KeyEquality, AMissGivesZerosOfTheElemsSize) {
  const auto check = []<size_t kBytes>(std::array<uint8_t, kBytes> zero) {
    using Elem = std::array<uint8_t, kBytes>;
    auto m = Map<int64_t, Elem>::make();
    const int64_t key = 1;
    const void* misses[] = {
        mapaccess1(m.type(), m.header(), &key),
        mapaccess1(m.type(), nullptr, &key),
        mapaccess1_fast64(m.type(), m.header(), 1),
        mapaccess2(m.type(), m.header(), &key).elem,
        mapaccess2_fast64(m.type(), m.header(), 1).elem,
    };
    for (const void* miss : misses) EXPECT_EQ(std::memcmp(miss, zero.data(), kBytes), 0);
    EXPECT_EQ(m.get(1), zero);
  };
  check(std::array<uint8_t, 1>{});
  check(std::array<uint8_t, 1024>{});
  check(std::array<uint8_t, 1025>{});
  check(std::array<uint8_t, 40000>{});
}

}  // namespace key_equality_test
}  // namespace greyhound::maps

GREYHOUND_TYPE(greyhound::maps::key_equality_test::Listed, name, x)
GREYHOUND_TYPE(greyhound::maps::key_equality_test::MovedAndListed, a, b, c)
// Its fields are known then, but not whether one between them is missing.
static_assert(!greyhound::comparable(
    *greyhound::type_of<greyhound::maps::key_equality_test::MovedAndListed>()));
