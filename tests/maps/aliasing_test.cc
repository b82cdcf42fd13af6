// SPDX-License-Identifier: MIT
// Arguments that lie in the map's own memory: elems and keys found there, the key that an iteration
// has in hand, what was found before the table grew. Maps small enough that every call may grow,
// evacuate or end a growth; with stacks as roots and without. model_test.cc does the same at
// random.
#include <string>

#include "maps/map.h"
#include "runtime/greyhound.h"
#include "tests/maps/fixture.h"

namespace greyhound::maps {
namespace aliasing_test {

struct Name {
  String text;
  int64_t number;
};
struct Wide {  // indirect
  String text;
  std::array<int64_t, 20> rest;
};

String text_of(int64_t i) { return String::copy("k" + std::to_string(i)); }

template <class T>
T make(int64_t i) {
  if constexpr (std::is_same_v<T, String>) {
    return text_of(i);
  } else if constexpr (std::is_same_v<T, Name>) {
    return {text_of(i), i};
  } else if constexpr (std::is_same_v<T, Wide>) {
    return {text_of(i), {i, i}};
  } else if constexpr (std::is_same_v<T, eface>) {
    const String text = text_of(i);
    const RootScope rooted(&text, sizeof text);
    return eface(runtime::to_eface(text));
  } else {
    return static_cast<T>(i);
  }
}
template <class T>
int64_t id(const T& value) {
  if constexpr (std::is_same_v<T, String>) {
    return value.size() < 2 ? -1 : std::stoll(std::string(value.view().substr(1)));
  } else if constexpr (std::is_same_v<T, Name>) {
    return id(value.text) == value.number ? value.number : -1;
  } else if constexpr (std::is_same_v<T, Wide>) {
    return id(value.text) == value.rest[1] ? value.rest[1] : -1;
  } else if constexpr (std::is_same_v<T, eface>) {
    return value.template as<String>() == nullptr ? -1 : id(*value.template as<String>());
  } else {
    return static_cast<int64_t>(value);
  }
}

template <class Key, class Elem>
struct Kinds {
  using K = Key;
  using V = Elem;
};

template <class Kinds, bool kPrecise>
class Aliasing : public MapsTest {
 protected:
  using K = typename Kinds::K;
  using V = typename Kinds::V;

  static gc::Options options() {
    gc::Options options = stressed(7);
    if (kPrecise) options.stack_roots = gc::StackRoots::kPrecise;
    return options;
  }
  Aliasing() : MapsTest(options()) {}

  void put(int64_t key_id, int64_t elem_id) {
    const K key = make<K>(key_id);
    const RootScope key_rooted(&key, sizeof key);
    const V elem = make<V>(elem_id);
    const RootScope elem_rooted(&elem, sizeof elem);
    ASSERT_TRUE(m_.insert_or_assign(key, elem));
  }
  V* find(int64_t key_id) {
    const K key = make<K>(key_id);
    return m_.find(key);
  }
  void expect(int64_t key_id, int64_t elem_id) {
    const V* elem = find(key_id);
    ASSERT_NE(elem, nullptr) << key_id;
    ASSERT_EQ(id(*elem), elem_id) << key_id;
  }
  void verify() { ASSERT_EQ(verify_map(m_.type(), m_.header()), ""); }

  void elem_of_another_entry() {
    put(0, 7);
    for (int64_t i = 1; i < 300; ++i) {
      const K key = make<K>(i);
      const RootScope rooted(&key, sizeof key);
      const V* elem = find(i / 2);
      if (i % 2) {
        m_.insert_or_assign(key, *elem);
      } else {
        m_.assign(key) = *elem;
      }
      expect(i, 7);
    }
    for (int64_t i = 0; i < 300; ++i) expect(i, 7);
    verify();
  }

  void elem_and_key_of_the_entry_itself() {
    for (int64_t i = 0; i < 300; ++i) {
      put(i, i);
      const K key = make<K>(i / 3);
      const KeyElem stored = mapaccessK(m_.type(), m_.header(), &key);
      m_.insert_or_assign(*static_cast<const K*>(stored.key), *static_cast<V*>(stored.elem));
      ASSERT_EQ(m_.size(), i + 1);
      expect(i / 3, i / 3);
    }
    verify();
  }

  void key_in_hand_is_erased_after_writes() {
    for (int64_t i = 0; i < 60; ++i) put(i, i);
    int64_t next = 1000;
    for (auto [key, value] : m_) {
      const int64_t key_id = id(key);
      for (int i = 0; i < 40 && next < 3000; ++i, ++next) put(next, next);
      ASSERT_EQ(id(key), key_id) << "the key in hand reads as it did";
      ASSERT_EQ(id(value), key_id);
      m_.erase(key);
      ASSERT_EQ(find(key_id), nullptr) << key_id;
    }
    verify();
    for (int64_t i = 0; i < 60; ++i) ASSERT_EQ(find(i), nullptr) << i;
  }

  void key_in_hand_is_assigned_to_after_writes() {
    for (int64_t i = 0; i < 60; ++i) put(i, i);
    int64_t next = 1000;
    for (auto [key, value] : m_) {
      const int64_t key_id = id(key);
      if (key_id >= 1000) continue;
      for (int i = 0; i < 40; ++i, ++next) put(next, next);
      const int64_t before = m_.size();
      m_.insert_or_assign(key, value);
      *m_.assign(key) = value;
      ASSERT_EQ(m_.size(), before) << key_id;
      expect(key_id, key_id);
    }
    verify();
  }

  Map<K, V> m_{keep(Map<K, V>::make().header())};
};

using AllKinds =
    ::testing::Types<Kinds<int64_t, int64_t>, Kinds<int32_t, String>, Kinds<int64_t, eface>,
                     Kinds<String, int64_t>, Kinds<String, eface>, Kinds<Name, String>,
                     Kinds<eface, Name>, Kinds<double, String>, Kinds<int64_t, Wide>,
                     Kinds<Wide, int64_t>, Kinds<Wide, Wide>>;

template <class Kinds>
class AliasingTest : public Aliasing<Kinds, false> {};
TYPED_TEST_SUITE(AliasingTest, AllKinds);
TYPED_TEST(AliasingTest, ElemOfAnotherEntry) { this->elem_of_another_entry(); }
TYPED_TEST(AliasingTest, ElemAndKeyOfTheEntryItself) { this->elem_and_key_of_the_entry_itself(); }
TYPED_TEST(AliasingTest, KeyInHandIsErasedAfterWrites) {
  this->key_in_hand_is_erased_after_writes();
}
TYPED_TEST(AliasingTest, KeyInHandIsAssignedToAfterWrites) {
  this->key_in_hand_is_assigned_to_after_writes();
}

template <class Kinds>
class PreciseAliasingTest : public Aliasing<Kinds, true> {};
TYPED_TEST_SUITE(PreciseAliasingTest, AllKinds);
TYPED_TEST(PreciseAliasingTest, ElemOfAnotherEntry) { this->elem_of_another_entry(); }
TYPED_TEST(PreciseAliasingTest, ElemAndKeyOfTheEntryItself) {
  this->elem_and_key_of_the_entry_itself();
}
TYPED_TEST(PreciseAliasingTest, KeyInHandIsErasedAfterWrites) {
  this->key_in_hand_is_erased_after_writes();
}
TYPED_TEST(PreciseAliasingTest, KeyInHandIsAssignedToAfterWrites) {
  this->key_in_hand_is_assigned_to_after_writes();
}

class DroppedTableTest : public MapsTest {
 protected:
  static gc::Options options() {
    gc::Options options = stressed(1);
    options.stack_roots = gc::StackRoots::kPrecise;
    options.mode = gc::Mode::kStepping;  // each allocation is a whole collection
    return options;
  }
  DroppedTableTest() : MapsTest(options()) {}

  // An elem that lies in the table that `m` is growing out of; null when nothing is left there.
  template <class M>
  static const int64_t* elem_in_old_table(const M& m, int64_t keys) {
    const hmap& h = *m.header();
    if (!h.growing()) return nullptr;
    const auto first = reinterpret_cast<uintptr_t>(h.oldbuckets);
    const size_t bytes = (size_t{1} << h.old_B()) * m.type()->bucket.size;
    for (int64_t i = 0; i < keys; ++i) {
      const int64_t* elem = m.find(make<Wide>(i));
      if (reinterpret_cast<uintptr_t>(elem) - first < bytes) return elem;
    }
    return nullptr;
  }
};

// The write that ends a growth drops the old table, then allocates, as its key is indirect, and
// only then reads the elem that it was given.
TEST_F(DroppedTableTest, IsThereUntilTheWriteThatDropsItEnds) {
  const Map<Wide, int64_t> m(keep(Map<Wide, int64_t>::make().header()));
  int growths = 0;
  for (int64_t i = 0; i < 120; ++i) {
    const Wide key = make<Wide>(i);
    const RootScope rooted(&key, sizeof key);
    const int64_t* elem = elem_in_old_table(m, i);
    const bool in_old_table = elem != nullptr;
    if (!in_old_table) elem = i == 0 ? &i : m.find(make<Wide>(0));  // of a growth that begins now
    const int64_t expected = *elem;
    ASSERT_TRUE(m.insert_or_assign(key, *elem));
    ASSERT_EQ(m.get(key), expected) << i;
    growths += in_old_table && !m.header()->growing();
  }
  EXPECT_GE(growths, 2) << "ended by a write whose elem lay in the table that it dropped";
}

class AliasingOneMapTest : public MapsTest {};

// What was found before the growth stays as it was, in conservative mode for as long as it is held.
TEST_F(AliasingOneMapTest, WhatWasFoundReadsTheSameThroughGrowths) {
  auto m = Map<int64_t, String>::make();
  for (int64_t i = 0; i < 8; ++i) m.insert_or_assign(i, text_of(i));
  const String* found[8];
  for (int64_t i = 0; i < 8; ++i) found[i] = m.find(i);
  for (int64_t i = 8; i < 5000; ++i) m.insert_or_assign(i, *found[i % 8]);
  runtime_.collect();
  for (int64_t i = 0; i < 5000; ++i) ASSERT_EQ(id(*m.find(i)), i % 8);
}

TEST_F(AliasingOneMapTest, AnElemServesAsAKeyOfTheSameMap) {
  auto m = Map<String, String>::make();
  for (int64_t i = 0; i < 500; ++i) m.insert_or_assign(text_of(i), text_of(i + 500));
  for (int64_t i = 0; i < 500; ++i) {
    m.insert_or_assign(*m.find(text_of(i)), text_of(i));
    m.erase(*m.find(text_of(i + 500)));
    ASSERT_EQ(m.find(text_of(i)), nullptr);
  }
  EXPECT_EQ(m.size(), 500);
  EXPECT_EQ(verify_map(m.type(), m.header()), "");
}

// A map that holds itself, and others: writing to one while the other is read from.
TEST_F(AliasingOneMapTest, MapsInMaps) {
  auto outer = Map<int64_t, Ref<hmap>>::make();
  outer.insert_or_assign(0, outer.header());
  for (int64_t i = 1; i < 300; ++i) {
    outer.insert_or_assign(i, *outer.find(i - 1));
    Map<int64_t, Ref<hmap>>(outer.find(i)->get()).insert_or_assign(-i, *outer.find(0));
  }
  EXPECT_EQ(outer.size(), 599);
  for (auto [key, value] : outer) ASSERT_EQ(value.get(), outer.header());
}

}  // namespace aliasing_test
}  // namespace greyhound::maps
