// SPDX-License-Identifier: MIT
// The typed handle Map<K, V>: every path is picked and agrees with the generic functions; structs
// as keys; references as keys and elems.
#include "maps/map.h"

#include <array>
#include <set>
#include <string>
#include <unordered_map>

#include "runtime/greyhound.h"
#include "tests/maps/fixture.h"

namespace greyhound::maps {

struct Point {
  int32_t x, y;
};
struct Name {
  String first;
  int64_t number;
  friend bool operator==(const Name& a, const Name& b) {
    return a.first == b.first && a.number == b.number;
  }
  friend uint64_t hash_value(const Name& name, uint64_t seed) {
    return hash_string(name.first.data(), name.first.size(),
                       hash_int64(static_cast<uint64_t>(name.number), seed));
  }
};
struct Node {
  Ref<Node> next;
  int64_t value;
};
enum class Color : int32_t { kRed, kGreen };

namespace {

class MapTest : public MapsTest {};

TEST_F(MapTest, DefaultHandleIsANilMap) {
  Map<int64_t, int64_t> map;
  EXPECT_FALSE(map);
  EXPECT_EQ(map.size(), 0);
  EXPECT_EQ(map.find(1), nullptr);
  EXPECT_EQ(map.get(1), 0);
  for (auto [key, value] : map) ADD_FAILURE() << key << value;
  EXPECT_EQ(panic_of([&] { map.insert_or_assign(1, 1); }), "assignment to entry in nil map");
}

TEST_F(MapTest, StoresFindsAndErases) {
  auto map = Map<int64_t, int64_t>::make();
  EXPECT_TRUE(map.insert_or_assign(1, 10));
  EXPECT_TRUE(map.insert_or_assign(2, 20));
  EXPECT_TRUE(map.insert_or_assign(1, 11));
  EXPECT_EQ(map.size(), 2);
  EXPECT_EQ(map.get(1), 11);
  EXPECT_TRUE(map.contains(2));
  map.erase(1);
  EXPECT_FALSE(map.contains(1));
  map.clear();
  EXPECT_TRUE(map.empty());
}

TEST_F(MapTest, AssignGivesAWriterToTheElem) {
  auto counts = Map<int32_t, int64_t>::make();
  for (int i = 0; i < 10; ++i) *counts.assign(i % 3) += 1;
  EXPECT_EQ(counts.get(0), 4);
  EXPECT_EQ(counts.get(2), 3);
  counts.assign(7) = 70;
  EXPECT_EQ(counts.get(7), 70);
}

TEST_F(MapTest, TypesPickTheirPath) {
  EXPECT_EQ((Map<int64_t, int64_t>::type()->path), FastPath::kFast64);
  EXPECT_EQ((Map<uint64_t, int64_t>::type()->path), FastPath::kFast64);
  EXPECT_EQ((Map<int32_t, int64_t>::type()->path), FastPath::kFast32);
  EXPECT_EQ((Map<Color, int64_t>::type()->path), FastPath::kFast32);
  EXPECT_EQ((Map<Ref<Node>, int64_t>::type()->path), FastPath::kFast64Ptr);
  EXPECT_EQ((Map<String, int64_t>::type()->path), FastPath::kFastStr);
  EXPECT_EQ((Map<double, int64_t>::type()->path), FastPath::kGeneric);
  EXPECT_EQ((Map<eface, int64_t>::type()->path), FastPath::kGeneric);
  EXPECT_EQ((Map<int8_t, int64_t>::type()->path), FastPath::kGeneric);
}

// One map reached through handle, generic functions and iteration.
template <class K, class V, class MakeKey, class MakeElem>
void agrees(MakeKey make_key, MakeElem make_elem) {
  auto map = Map<K, V>::make();
  const MapType* t = map.type();
  constexpr int kEntries = 500;
  for (int i = 0; i < kEntries; ++i) ASSERT_TRUE(map.insert_or_assign(make_key(i), make_elem(i)));
  ASSERT_EQ(map.size(), kEntries);
  ASSERT_EQ(verify_map(t, map.header()), "");
  for (int i = 0; i < kEntries; ++i) {
    const K key = make_key(i);
    V* elem = map.find(key);
    ASSERT_NE(elem, nullptr) << i;
    const ElemOk generic = mapaccess2(t, map.header(), &key);
    ASSERT_EQ(generic.elem, elem) << i;
  }
  const K missing = make_key(kEntries);
  ASSERT_EQ(map.find(missing), nullptr);
  std::set<const void*> visited;
  for (auto [key, value] : map) {
    ASSERT_EQ(map.find(key), &value);
    ASSERT_TRUE(visited.insert(&value).second);
  }
  ASSERT_EQ(visited.size(), static_cast<size_t>(kEntries));
  for (int i = 0; i < kEntries; i += 2) map.erase(make_key(i));
  for (int i = 0; i < kEntries; ++i) ASSERT_EQ(map.contains(make_key(i)), i % 2 == 1);
  ASSERT_EQ(verify_map(t, map.header()), "");
}

TEST_F(MapTest, EveryPathAgreesWithTheGenericFunctions) {
  const auto number = [](int i) { return int64_t{i} * 1000003; };
  const auto text = [](int i) { return String::copy("key " + std::to_string(i)); };
  agrees<int64_t, int64_t>(number, number);
  agrees<int32_t, int8_t>([](int i) { return i; }, [](int i) { return static_cast<int8_t>(i); });
  agrees<int16_t, float>([](int i) { return static_cast<int16_t>(i); },
                         [](int i) { return 1.0f * i; });
  agrees<double, int64_t>([](int i) { return i + 0.5; }, number);
  agrees<String, int64_t>(text, number);
  agrees<int64_t, String>(number, text);
  agrees<String, String>(text, text);
  agrees<eface, eface>([](int i) { return runtime::to_eface(int64_t{i}); },
                       [&](int i) { return runtime::to_eface(text(i)); });
  agrees<Point, Point>([](int i) { return Point{i, -i}; }, [](int i) { return Point{-i, i}; });
  agrees<Name, Name>(
      [&](int i) {
        return Name{text(i % 10), i};
      },
      [&](int i) {
        return Name{text(i), i};
      });
  agrees<std::array<int32_t, 3>, int64_t>(
      [](int i) {
        return std::array<int32_t, 3>{1, i, 2};
      },
      number);
}

TEST_F(MapTest, BigKeysAndElemsAreIndirect) {
  using Big = std::array<int64_t, 40>;
  EXPECT_TRUE((Map<Big, Big>::type()->has(kIndirectKey)));
  const auto big = [](int i) {
    Big value{};
    value[39] = i;
    return value;
  };
  agrees<Big, Big>(big, big);
  agrees<int64_t, Big>([](int i) { return int64_t{i}; }, big);
  auto map = Map<int64_t, Big>::make();
  *map.assign(1) = big(5);
  EXPECT_EQ(map.get(1)[39], 5);
  EXPECT_EQ(map.get(2)[39], 0);
}

TEST_F(MapTest, ReferencesAreKeysAndElems) {
  auto map = Map<Ref<Node>, Ref<Node>>::make();
  Node* a = thread_.make<Node>(nullptr, 1);
  Node* b = thread_.make<Node>(a, 2);
  map.insert_or_assign(a, b);
  EXPECT_EQ(map.get(a).get(), b);
  EXPECT_EQ(map.get(b).get(), nullptr);
  runtime_.collect();
  EXPECT_EQ(map.get(a)->next->value, 1);
}

TEST_F(MapTest, HandleCanBeMadeFromAHeaderInTheHeap) {
  struct Holder {
    Ref<hmap> map;
  };
  static_assert(sizeof(Holder) == 8);
  auto map = Map<int64_t, int64_t>::make();
  auto* header = thread_.make<Ref<hmap>>(map.header());
  map.insert_or_assign(1, 2);
  runtime_.collect();
  EXPECT_EQ((Map<int64_t, int64_t>(header->get()).get(1)), 2);
}

TEST_F(MapTest, RangeForSeesEveryEntryThroughGrowth) {
  auto map = Map<int64_t, int64_t>::make();
  for (int64_t i = 0; i < 1000; ++i) map.insert_or_assign(i, i);
  std::unordered_map<int64_t, int> visits;
  int64_t next = 1000000;
  for (auto [key, value] : map) {
    ++visits[key];
    for (int i = 0; i < 3 && next < 1004000; ++i, ++next) map.insert_or_assign(next, next);
  }
  for (int64_t i = 0; i < 1000; ++i) ASSERT_EQ(visits[i], 1) << i;
}

}  // namespace
}  // namespace greyhound::maps
