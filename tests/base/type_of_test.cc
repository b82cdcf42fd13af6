// SPDX-License-Identifier: MIT
// The descriptors that type_of<T>() makes: which words of a T are pointers. What must not compile
// is in refused_test.cc.
#include "runtime/base/type_of.h"

#include <gtest/gtest.h>

#include <string>

#include "gc/mutator/ref.h"
#include "runtime/iface.h"
#include "runtime/string.h"

namespace greyhound {
namespace type_of_test {

struct Empty {};
struct Scalars {
  int8_t a;
  double b;
  uint16_t c;
};
struct Node {
  Ref<Node> left;
  int64_t value;
  Ref<Node> right;
};
struct Nested {
  int32_t id;
  Node node;
  bool flag;
  std::array<Node, 2> more;
};
struct Mixed {
  String name;
  eface value;
  Unmanaged<FILE> file;
  Ref<Node> node;
};
struct TrailingScalars {
  Ref<Node> only;
  std::array<uint64_t, 9> rest;
};
struct Wide {
  std::array<uint64_t, 70> before;
  Ref<Node> node;
  std::array<uint64_t, 3> after;
};
struct TwentyFour {
  char a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w;
  Ref<Node> x;
};
struct Packed {
  uint8_t a;
  alignas(1) uint8_t b;
  uint32_t c;
};
enum class Colour : uint8_t { kWhite };
struct WithEnum {
  Colour colour;
  Ref<Node> node;
};
struct alignas(16) Aligned {
  Ref<Node> node;
  std::array<uint64_t, 3> rest;
};

class Account {
 public:
  Account() : balance_(0) {}
  int64_t balance() const { return balance_; }

 private:
  friend greyhound::TypeTraits<Account>;
  int64_t balance_;
  Ref<Node> owner_;
  std::array<Ref<Node>, 2> witnesses_;
  String name_;
};

}  // namespace type_of_test
}  // namespace greyhound

GREYHOUND_TYPE(greyhound::type_of_test::Account, balance_, owner_, witnesses_, name_)

namespace greyhound {
namespace type_of_test {
namespace {

// One character a word: p for a pointer, . for none.
template <class T>
std::string mask() {
  const Type* type = type_of<T>();
  EXPECT_EQ(verify_type(*type), nullptr);
  EXPECT_EQ(type->size, sizeof(T));
  EXPECT_EQ(type->align, alignof(T));
  std::string words;
  for (size_t i = 0; i < sizeof(T) / 8; ++i) words += type->is_pointer_word(i) ? 'p' : '.';
  return words;
}

TEST(TypeOf, ScalarsHaveNoPointers) {
  EXPECT_TRUE(type_of<int>()->noscan());
  EXPECT_TRUE(type_of<Scalars>()->noscan());
  EXPECT_TRUE(type_of<Empty>()->noscan());
  EXPECT_EQ(mask<Scalars>(), "...");
  EXPECT_EQ((mask<std::array<double, 3>>()), "...");
}

TEST(TypeOf, KindsAreGos) {
  EXPECT_EQ(type_of<bool>()->kind, Kind::kBool);
  EXPECT_EQ(type_of<int8_t>()->kind, Kind::kInt8);
  EXPECT_EQ(type_of<uint16_t>()->kind, Kind::kUint16);
  EXPECT_EQ(type_of<int32_t>()->kind, Kind::kInt32);
  EXPECT_EQ(type_of<uint64_t>()->kind, Kind::kUint64);
  EXPECT_EQ(type_of<float>()->kind, Kind::kFloat32);
  EXPECT_EQ(type_of<double>()->kind, Kind::kFloat64);
  EXPECT_EQ(type_of<Ref<Node>>()->kind, Kind::kPointer);
  EXPECT_EQ(type_of<String>()->kind, Kind::kString);
  EXPECT_EQ(type_of<eface>()->kind, Kind::kInterface);
  EXPECT_EQ((type_of<std::array<int, 2>>()->kind), Kind::kArray);
  EXPECT_EQ(type_of<Node>()->kind, Kind::kStruct);
}

TEST(TypeOf, ReferencesAreFoundAtTheirOffsets) {
  EXPECT_EQ(mask<Node>(), "p.p");
  EXPECT_EQ(type_of<Node>()->ptrdata, 24u);
}

TEST(TypeOf, NestedAggregatesAndArraysAreLookedInto) {
  EXPECT_EQ(mask<Nested>(), ".p.p.p.pp.p");
  EXPECT_EQ((mask<std::array<Node, 3>>()), "p.pp.pp.p");
}

TEST(TypeOf, OfAStringThePointerAndOfAnInterfaceTheDataWordCounts) {
  EXPECT_EQ(mask<String>(), "p.");
  EXPECT_EQ(mask<eface>(), ".p");
  EXPECT_EQ(mask<Mixed>(), "p..p.p");
}

TEST(TypeOf, UnmanagedPointersAreNotFollowed) { EXPECT_TRUE(type_of<Unmanaged<int>>()->noscan()); }

TEST(TypeOf, PtrdataEndsAtTheLastPointer) {
  EXPECT_EQ(type_of<TrailingScalars>()->ptrdata, 8u);
  EXPECT_EQ(mask<TrailingScalars>(), "p.........");
}

TEST(TypeOf, MasksMayNeedSeveralWords) {
  EXPECT_EQ(mask<Wide>(), std::string(70, '.') + "p...");
  EXPECT_EQ(type_of<Wide>()->ptrdata, 71u * 8);
}

TEST(TypeOf, TwentyFourFieldsAreSeen) { EXPECT_EQ(mask<TwentyFour>(), "...p"); }

TEST(TypeOf, PaddingAndEnumsAreUnderstood) {
  EXPECT_TRUE(type_of<Packed>()->noscan());
  EXPECT_EQ(mask<WithEnum>(), ".p");
  EXPECT_EQ(mask<Aligned>(), "p...");
}

TEST(TypeOf, ReferencesAloneAreExactAndStringsAndInterfacesAreNot) {
  EXPECT_TRUE(type_of<Node>()->exact());
  EXPECT_TRUE(type_of<Nested>()->exact());
  EXPECT_FALSE(type_of<String>()->exact());
  EXPECT_FALSE(type_of<eface>()->exact());
  EXPECT_FALSE(type_of<Mixed>()->exact());
  EXPECT_FALSE(type_of<int>()->exact());
}

TEST(TypeOf, OneReferenceIsPointerShaped) {
  EXPECT_TRUE(type_of<Ref<Node>>()->pointer_shaped());
  EXPECT_FALSE(type_of<Node>()->pointer_shaped());
  EXPECT_FALSE(type_of<String>()->pointer_shaped());
  EXPECT_FALSE(type_of<int64_t>()->pointer_shaped());
}

TEST(TypeOf, WhetherAStructHoldsAnArrayIsKnown) {
  struct Pair {
    Ref<Node> first;
    int32_t second;
  };
  struct Outer {
    Pair pair;
    String text;
    eface any;
  };
  struct Inner {
    std::array<int8_t, 2> bytes;
  };
  struct Around {
    int64_t number;
    Inner inner;
  };
  const auto holds_none = [](const Type* type) { return (type->flags & kTypeHoldsNoArray) != 0; };
  EXPECT_TRUE(holds_none(type_of<Pair>()));
  EXPECT_TRUE(holds_none(type_of<Outer>()));
  EXPECT_FALSE(holds_none(type_of<Inner>()));
  EXPECT_FALSE(holds_none(type_of<Around>()));
  // The flag is of structs; of anything else the kind says it.
  EXPECT_TRUE(holds_no_array(*type_of<Pair>()));
  EXPECT_TRUE(holds_no_array(*type_of<Ref<Node>>()));
  EXPECT_TRUE(holds_no_array(*type_of<String>()));
  EXPECT_FALSE((holds_no_array(*type_of<std::array<Pair, 1>>())));
  EXPECT_FALSE(holds_no_array(*type_of<Around>()));
}

TEST(TypeOf, AClassListsItsFields) { EXPECT_EQ(mask<Account>(), ".pppp."); }

TEST(TypeOf, NamesAreTheCompilersAndDistinctTypesHaveDistinctHashes) {
  EXPECT_NE(std::string(type_of<Node>()->name).find("Node"), std::string::npos);
  EXPECT_NE(type_of<Node>()->hash, type_of<Nested>()->hash);
}

TEST(TypeOf, OneDescriptorStandsForAType) {
  EXPECT_EQ(type_of<Node>(), type_of<Node>());
  EXPECT_NE(static_cast<const void*>(type_of<Node>()), static_cast<const void*>(type_of<Nested>()));
  static_assert(type_of<Node>()->size == 24, "a constant expression");
}

}  // namespace
}  // namespace type_of_test
}  // namespace greyhound
