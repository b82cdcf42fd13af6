// SPDX-License-Identifier: MIT
// Where things lie in a bucket, which words of it are pointers, and which keys are refused.
#include "maps/map_type.h"

#include <array>
#include <fstream>

#include "maps/map.h"
#include "tests/maps/fixture.h"
#include "tests/maps/kinds.h"

namespace greyhound::maps {
namespace {

class MapTypeTest : public MapsTest {
 protected:
  // The pointer words of a bucket, by number.
  static std::vector<size_t> pointer_words(const MapType& t) {
    std::vector<size_t> words;
    for (size_t i = 0; i < t.bucket.size / 8; ++i) {
      if (t.bucket.is_pointer_word(i)) words.push_back(i);
    }
    return words;
  }
  static std::vector<size_t> eight_from(size_t first, size_t stride, size_t overflow) {
    std::vector<size_t> words;
    for (size_t i = 0; i < 8; ++i) words.push_back(first + i * stride);
    words.push_back(overflow);
    return words;
  }
};

using MapTypeDeathTest = MapTypeTest;

TEST_F(MapTypeTest, HeaderHasGoLayout) {
  EXPECT_EQ(sizeof(hmap), 48u);
  EXPECT_EQ(offsetof(hmap, flags), 8u);
  EXPECT_EQ(offsetof(hmap, B), 9u);
  EXPECT_EQ(offsetof(hmap, noverflow), 10u);
  EXPECT_EQ(offsetof(hmap, hash0), 12u);
  EXPECT_EQ(offsetof(hmap, buckets), 16u);
  EXPECT_EQ(offsetof(hmap, oldbuckets), 24u);
  EXPECT_EQ(offsetof(hmap, nevacuate), 32u);
  EXPECT_EQ(offsetof(hmap, extra), 40u);
  for (const Type* type : {&kHmapType, &kMapextraType, &kOverflowListType}) {
    EXPECT_EQ(verify_type(*type), nullptr) << type->name;
  }
}

// A part that were somebody's neighbour would keep a whole table beside a live map's part: a list
// of overflow buckets does, as it points into one.
TEST_F(MapTypeTest, NoPartOfAMapIsANeighbour) {
  const MapType* with_pointers = map_type(StringKind::type(), PointerKind::type());
  const MapType* without = map_type(Int64Kind::type(), Int64Kind::type());
  for (const Type* part :
       {&kHmapType, &kMapextraType, &kOverflowListType, &with_pointers->bucket, &without->bucket}) {
    EXPECT_NE(part->flags & kTypeNeverWalked, 0) << part->name;
  }
}

TEST_F(MapTypeTest, BucketOfInt64ToInt64Has144BytesAndNoPointers) {
  const MapType& t = *map_type(Int64Kind::type(), Int64Kind::type());
  EXPECT_EQ(t.bucket.size, 144u);
  EXPECT_TRUE(t.bucket.noscan());
  EXPECT_TRUE(t.has(kNoscanBucket));
  EXPECT_EQ(t.elem_offset(), 72u);
  EXPECT_STREQ(t.type.name, "map[number]number");
}

TEST_F(MapTypeTest, PointerWordsAreThoseOfSlotsAndOverflow) {
  // tophash 0 | keys 1..8 | elems 9..16 | overflow 17
  EXPECT_EQ(pointer_words(*map_type(Int64Kind::type(), PointerKind::type())), eight_from(9, 1, 17));
  // tophash 0 | keys 1..16, pointer first | elems 17..24 | overflow 25
  EXPECT_EQ(pointer_words(*map_type(StringKind::type(), Int64Kind::type())), eight_from(1, 2, 25));
  // tophash 0 | keys 1..24, pointer in the middle | elems 25..32 | overflow 33
  EXPECT_EQ(pointer_words(*map_type(StructKind::type(), Int64Kind::type())), eight_from(2, 3, 33));
  // tophash 0 | keys 1..4 | pointers to elems 5..12 | overflow 13
  EXPECT_EQ(pointer_words(*map_type(Int32Kind::type(), BigKind::type())), eight_from(5, 1, 13));
  // tophash 0 | keys 1, 2 | elems 3, 4 | overflow 5, which is no pointer to the collector
  EXPECT_TRUE(pointer_words(*map_type(Uint16Kind::type(), Uint16Kind::type())).empty());
}

TEST_F(MapTypeTest, EveryMapAndBucketTypeIsValid) {
  const Type* types[] = {&Int64Kind::type(),  &Int32Kind::type(),  &Uint16Kind::type(),
                         &StringKind::type(), &EfaceKind::type(),  &StructKind::type(),
                         &BigKind::type(),    &PointerKind::type()};
  for (const Type* key : types) {
    for (const Type* elem : types) {
      const MapType& t = *map_type(*key, *elem);
      EXPECT_EQ(verify_type(t.bucket), nullptr) << t.type.name;
      EXPECT_EQ(verify_type(t.type), nullptr) << t.type.name;
      EXPECT_LE(t.bucket.size, kMaxBucketBytes);
      EXPECT_TRUE(t.type.pointer_shaped());
    }
  }
}

TEST_F(MapTypeTest, MoreThan128BytesOrAlignmentAbove8IsIndirect) {
  Type type = make_type("bytes", Kind::kArray, 128, 8);
  type.hasher = BigKind::type().hasher;
  type.equal = BigKind::type().equal;
  EXPECT_FALSE(map_type(type, type)->has(kIndirectKey));
  Type larger = type;
  larger.size = 136;
  EXPECT_TRUE(map_type(larger, larger)->has(kIndirectKey));
  EXPECT_TRUE(map_type(larger, larger)->has(kIndirectElem));
  EXPECT_EQ(map_type(larger, larger)->key_size, 8);
  EXPECT_FALSE(map_type(larger, larger)->has(kNoscanBucket));
  Type aligned = type;
  aligned.size = 16;
  aligned.align = 16;
  EXPECT_TRUE(map_type(aligned, type)->has(kIndirectKey));
}

TEST_F(MapTypeTest, PathFollowsFromTheKeysKind) {
  const auto path = [this](const Type& key) { return map_type(key, Int64Kind::type())->path; };
  EXPECT_EQ(path(Int64Kind::type()), FastPath::kFast64);
  EXPECT_EQ(path(Int32Kind::type()), FastPath::kFast32);
  EXPECT_EQ(path(PointerKind::type()), FastPath::kFast64Ptr);
  EXPECT_EQ(path(StringKind::type()), FastPath::kFastStr);
  EXPECT_EQ(path(Float64Kind::type()), FastPath::kGeneric);
  EXPECT_EQ(path(EfaceKind::type()), FastPath::kGeneric);
}

TEST_F(MapTypeTest, KeysThatCannotBeComparedAreRefused) {
  for (Kind kind : {Kind::kSlice, Kind::kMap, Kind::kFunc, Kind::kStruct, Kind::kArray}) {
    const Type key = make_type("thing", kind, 24, 8);
    EXPECT_STREQ(verify_map_key(key), "values of the type cannot be compared");
  }
  EXPECT_EQ(verify_map_key(StructKind::type()), nullptr);
}

TEST_F(MapTypeDeathTest, MapTypeOfARefusedKeyIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const Type slice = make_type("[]int", Kind::kSlice, 24, 8);
  EXPECT_EXIT(MapType(&slice, &slice), ::testing::ExitedWithCode(2),
              "invalid map key type \\[\\]int");
}

TEST_F(MapTypeTest, AMissOfAHugeElemReadsZeroAndTakesNoMemory) {
  constexpr size_t kBytes = size_t{64} << 20;
  const Type key = make_type("int", Kind::kInt64, 8, 8);
  const Type elem = make_type("huge", Kind::kStruct, kBytes, 8);
  const auto resident_pages = [] {
    std::ifstream file("/proc/self/statm");
    size_t total = 0, resident = 0;
    file >> total >> resident;
    return resident;
  };
  const size_t before = resident_pages();
  const MapType map(&key, &elem);
  const int64_t wanted = 7;
  const auto* zero = static_cast<const unsigned char*>(mapaccess1(&map, nullptr, &wanted));
  EXPECT_EQ(zero[0], 0);
  EXPECT_EQ(zero[kBytes - 1], 0);
  EXPECT_LT(resident_pages(), before + 1024) << "4 MiB of 64";
}

// So that an overwrite does not copy the key, nor growth compare it with itself.
TEST_F(MapTypeTest, KeysOfRegularMemoryAreReflexiveAlsoInTypedMaps) {
  using Pair = std::array<int64_t, 2>;
  EXPECT_TRUE((Map<Pair, int64_t>::type()->has(kReflexiveKey)));
  EXPECT_FALSE((Map<Pair, int64_t>::type()->has(kNeedKeyUpdate)));
  EXPECT_FALSE((Map<std::array<double, 2>, int64_t>::type()->has(kReflexiveKey)));
}

TEST_F(MapTypeTest, LongNamesAreCutShort) {
  const Type key =
      make_type("a_rather_long_name_of_a_type_that_somebody_has_thought_of", Kind::kInt64, 8, 8);
  EXPECT_EQ(std::string(map_type(key, key)->type.name).substr(0, 10), "map[a_rath");
}

}  // namespace
}  // namespace greyhound::maps
