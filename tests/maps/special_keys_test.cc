// SPDX-License-Identifier: MIT
// Keys with rules of their own: NaN, the two zeros, interfaces, strings whose bytes are replaced.
#include <cmath>
#include <limits>
#include <set>

#include "maps/faststr.h"
#include "tests/maps/fixture.h"
#include "tests/maps/kinds.h"

namespace greyhound::maps {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

class FloatKeyTest : public MapsTest {
 protected:
  void put(double key, int64_t value) { *static_cast<int64_t*>(mapassign(t_, h_, &key)) = value; }
  std::multiset<int64_t> elems() {
    std::multiset<int64_t> found;
    hiter it;
    for (mapiterinit(t_, h_, &it); it.key != nullptr; mapiternext(&it)) {
      found.insert(*static_cast<int64_t*>(it.elem));
    }
    return found;
  }

  const MapType* t_ = map_type(Float64Kind::type(), Int64Kind::type());
  hmap* h_ = keep(makemap(t_, 0));
};

TEST_F(FloatKeyTest, NaNKeysAreNeverFoundNeverRemovedAndAlwaysIterated) {
  std::multiset<int64_t> expected;
  for (int64_t i = 0; i < 1000; ++i) {
    put(kNaN, i);
    expected.insert(i);
  }
  EXPECT_EQ(maplen(h_), 1000);
  EXPECT_FALSE(mapaccess2(t_, h_, &kNaN).ok);
  mapdelete(t_, h_, &kNaN);
  EXPECT_EQ(maplen(h_), 1000);
  EXPECT_EQ(elems(), expected);
  EXPECT_EQ(verify_map(t_, h_), "");
  mapclear(t_, h_);
  EXPECT_EQ(maplen(h_), 0);
}

TEST_F(FloatKeyTest, NaNKeysAreIteratedOnceThroughGrowth) {
  for (int trial = 0; trial < 50; ++trial) {
    h_ = keep_latest(makemap(t_, 0));
    const int64_t n = 300 + trial * 7;
    for (int64_t i = 0; i < n; ++i) put(kNaN, i);
    std::multiset<int64_t> seen;
    hiter it;
    double other = 1;
    for (mapiterinit(t_, h_, &it); it.key != nullptr; mapiternext(&it)) {
      seen.insert(*static_cast<int64_t*>(it.elem));
      for (int i = 0; i < 3 && other < 900; ++i) put(other++, -1);
    }
    for (int64_t i = 0; i < n; ++i) ASSERT_EQ(seen.count(i), 1u) << i << " of " << n;
  }
}

TEST_F(FloatKeyTest, NaNKeysSpreadOverBucketsAsTheyGrow) {
  for (int64_t i = 0; i < 100000; ++i) put(kNaN, i);
  EXPECT_LT(inspect(t_, h_).longest_chain, 5u);
}

TEST_F(FloatKeyTest, ZerosAreOneKeyAndTheLastOneIsStored) {
  put(0.0, 1);
  put(-0.0, 2);
  EXPECT_EQ(maplen(h_), 1);
  const double zero = 0.0;
  const KeyElem entry = mapaccessK(t_, h_, &zero);
  EXPECT_EQ(*static_cast<int64_t*>(entry.elem), 2);
  EXPECT_TRUE(std::signbit(*static_cast<const double*>(entry.key)));
}

class InterfaceKeyTest : public MapsTest {
 protected:
  EfaceWords number(int64_t value) {
    auto* box = static_cast<int64_t*>(gc::mallocgc(8, nullptr));
    *box = value;
    return {&Int64Kind::type(), box};
  }
  void put(EfaceWords key, int64_t value) {
    *static_cast<int64_t*>(mapassign(t_, h_, &key)) = value;
  }
  bool has(EfaceWords key) { return mapaccess2(t_, h_, &key).ok; }

  const Type slice_ = make_type("[]int", Kind::kSlice, 24, 8);
  const MapType* t_ = map_type(EfaceKind::type(), Int64Kind::type());
  hmap* h_ = keep(makemap(t_, 0));
};

TEST_F(InterfaceKeyTest, EqualMeansSameTypeAndEqualValue) {
  const int32_t small = 7;
  put(number(7), 1);
  put({&Int32Kind::type(), const_cast<int32_t*>(&small)}, 2);
  put({}, 3);  // the nil interface
  EXPECT_EQ(maplen(h_), 3);
  EXPECT_TRUE(has(number(7)));
  EXPECT_FALSE(has(number(8)));
  EXPECT_TRUE(has({}));
}

TEST_F(InterfaceKeyTest, PointerShapedValuesCompareByTheWord) {
  uint64_t a = 1, b = 1;
  put({&PointerKind::type(), &a}, 1);
  EXPECT_TRUE(has({&PointerKind::type(), &a}));
  EXPECT_FALSE(has({&PointerKind::type(), &b}));
}

TEST_F(InterfaceKeyTest, UnhashableKeysPanicWithGosText) {
  uint64_t words[3] = {};
  const EfaceWords key{&slice_, words};
  const std::string text = "runtime error: hash of unhashable type []int";
  EXPECT_EQ(panic_of([&] { has(key); }), text) << "on an empty map too";
  EXPECT_EQ(panic_of([&] { put(key, 1); }), text);
  EXPECT_EQ(panic_of([&] { mapdelete(t_, h_, &key); }), text);
  put(number(1), 1);
  EXPECT_EQ(panic_of([&] { has(key); }), text);
  EXPECT_EQ(panic_of([&] { put(key, 1); }), text);
  EXPECT_EQ(panic_of([&] { mapdelete(t_, h_, &key); }), text);
  EXPECT_EQ(verify_map(t_, h_), "") << "the writing flag is down after a panic";
  put(number(2), 2);
  EXPECT_EQ(maplen(h_), 2);
}

TEST_F(InterfaceKeyTest, UnhashableKeysPanicOnANilMapToo) {
  const EfaceWords key{&slice_, nullptr};
  EXPECT_EQ(panic_of([&] { mapaccess1(t_, nullptr, &key); }),
            "runtime error: hash of unhashable type []int");
}

class StringKeyTest : public MapsTest {
 protected:
  const MapType* t_ = map_type(StringKind::type(), Int64Kind::type());
  hmap* h_ = keep(makemap(t_, 0));
};

TEST_F(StringKeyTest, AssignmentReplacesTheStoredBytes) {
  const std::string first = "greyhound", second = "greyhound";
  mapassign_faststr(t_, h_, first);
  mapassign_faststr(t_, h_, second);
  EXPECT_EQ(maplen(h_), 1);
  const StringWords key{first.data(), first.size()};
  const auto* stored = static_cast<const StringWords*>(mapaccessK(t_, h_, &key).key);
  EXPECT_EQ(stored->data, second.data());
}

TEST_F(StringKeyTest, StringsThatShareBytesButNotLengthDiffer) {
  const std::string text(100, 'x');
  for (size_t i = 0; i <= 100; ++i) {
    *static_cast<int64_t*>(mapassign_faststr(t_, h_, {text.data(), i})) = static_cast<int64_t>(i);
  }
  EXPECT_EQ(maplen(h_), 101);
  for (size_t i = 0; i <= 100; ++i) {
    const std::string copy(i, 'x');
    const ElemOk entry = mapaccess2_faststr(t_, h_, copy);
    ASSERT_TRUE(entry.ok);
    ASSERT_EQ(*static_cast<const int64_t*>(entry.elem), static_cast<int64_t>(i));
  }
}

TEST_F(StringKeyTest, StringsThatDifferInOneByteDiffer) {
  for (size_t size = 1; size < 40; ++size) {
    const std::string text(size, 'x');
    mapassign_faststr(t_, h_, text);
    std::string other = text;
    for (size_t i = 0; i < size; ++i) {
      other[i] = 'y';
      ASSERT_FALSE(mapaccess2_faststr(t_, h_, other).ok);
      other[i] = 'x';
    }
    mapclear(t_, h_);
  }
}

}  // namespace
}  // namespace greyhound::maps
