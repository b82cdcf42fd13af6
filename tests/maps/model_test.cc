// SPDX-License-Identifier: MIT
// Random sequences of operations on a map and on std::unordered_map, for every kind of key and
// elem, with a collection forced every few allocations and freed objects overwritten. The map is
// reached through the generic functions and through those of its key's own path by turns.
#include <unordered_map>
#include <unordered_set>

#include "maps/fast32.h"
#include "maps/fast64.h"
#include "maps/faststr.h"
#include "tests/maps/fixture.h"
#include "tests/maps/kinds.h"

namespace greyhound::maps {
namespace {

// The path's own functions, by the key's kind.
template <class K>
struct Path {
  using Value = typename K::Value;
  static ElemOk access(const MapType* t, hmap* h, const Value& key) {
    return mapaccess2(t, h, &key);
  }
  static void* assign(const MapType* t, hmap* h, const Value& key) { return mapassign(t, h, &key); }
  static void erase(const MapType* t, hmap* h, const Value& key) { mapdelete(t, h, &key); }
};
template <>
struct Path<Int64Kind> {
  static constexpr auto access = [](auto t, auto h, int64_t key) {
    return mapaccess2_fast64(t, h, static_cast<uint64_t>(key));
  };
  static constexpr auto assign = [](auto t, auto h, int64_t key) {
    return mapassign_fast64(t, h, static_cast<uint64_t>(key));
  };
  static constexpr auto erase = [](auto t, auto h, int64_t key) {
    mapdelete_fast64(t, h, static_cast<uint64_t>(key));
  };
};
template <>
struct Path<Int32Kind> {
  static constexpr auto access = [](auto t, auto h, int32_t key) {
    return mapaccess2_fast32(t, h, static_cast<uint32_t>(key));
  };
  static constexpr auto assign = [](auto t, auto h, int32_t key) {
    return mapassign_fast32(t, h, static_cast<uint32_t>(key));
  };
  static constexpr auto erase = [](auto t, auto h, int32_t key) {
    mapdelete_fast32(t, h, static_cast<uint32_t>(key));
  };
};
template <>
struct Path<StringKind> {
  static std::string_view view(StringWords key) { return {key.data, key.size}; }
  static constexpr auto access = [](auto t, auto h, StringWords key) {
    return mapaccess2_faststr(t, h, view(key));
  };
  static constexpr auto assign = [](auto t, auto h, StringWords key) {
    return mapassign_faststr(t, h, view(key));
  };
  static constexpr auto erase = [](auto t, auto h, StringWords key) {
    mapdelete_faststr(t, h, view(key));
  };
};

template <class Kinds>
class ModelTest : public MapsTest {
 protected:
  using K = typename Kinds::Key;
  using V = typename Kinds::Elem;
  static constexpr unsigned kKeys = 700;

  ModelTest() : MapsTest(stressed(40)) {}

  void assign(uint64_t key_id, uint64_t elem_id) {
    const auto key = K::make(key_id);
    const auto elem = V::make(elem_id);
    void* slot = random_() % 2 ? Path<K>::assign(t_, h_, key) : mapassign(t_, h_, &key);
    ASSERT_NE(slot, nullptr);
    gc::typedmemmove(t_->elem, slot, &elem);
    model_[key_id] = elem_id;
  }

  void erase(uint64_t key_id) {
    const auto key = K::make(key_id);
    if (random_() % 2) {
      Path<K>::erase(t_, h_, key);
    } else {
      mapdelete(t_, h_, &key);
    }
    model_.erase(key_id);
  }

  void look_up(uint64_t key_id) {
    const auto key = K::make(key_id);
    const ElemOk entry = random_() % 2 ? Path<K>::access(t_, h_, key) : mapaccess2(t_, h_, &key);
    const auto expected = model_.find(key_id);
    ASSERT_EQ(entry.ok, expected != model_.end());
    if (!entry.ok) {
      EXPECT_EQ(std::memcmp(entry.elem, std::string(t_->elem->size, '\0').data(), t_->elem->size),
                0);
      return;
    }
    ASSERT_EQ(V::id(*static_cast<const typename V::Value*>(entry.elem)), expected->second);
  }

  void compare_all() {
    ASSERT_EQ(verify_map(t_, h_), "");
    ASSERT_EQ(maplen(h_), static_cast<int64_t>(model_.size()));
    std::unordered_set<uint64_t> seen;
    hiter it;
    for (mapiterinit(t_, h_, &it); it.key != nullptr; mapiternext(&it)) {
      const uint64_t key_id = K::id(*static_cast<const typename K::Value*>(it.key));
      ASSERT_TRUE(seen.insert(key_id).second) << "visited twice: " << key_id;
      ASSERT_TRUE(model_.count(key_id)) << key_id;
      ASSERT_EQ(V::id(*static_cast<const typename V::Value*>(it.elem)), model_[key_id]);
    }
    ASSERT_EQ(seen.size(), model_.size());
  }

  // Mostly insertions in even phases, mostly deletions in odd ones.
  void run(unsigned operations) {
    for (unsigned i = 0; i < operations; ++i) {
      const uint64_t key_id = random_() % kKeys;
      const unsigned growing = (i / 2000) % 2 == 0 ? 6 : 2;
      const unsigned dice = random_() % 10;
      if (dice < growing) {
        assign(key_id, random_() % 60000);
      } else if (dice < 8) {
        erase(key_id);
      } else {
        look_up(key_id);
      }
      if (random_() % 5000 == 0) {
        mapclear(t_, h_);
        model_.clear();
      }
      if (i % 500 == 0) compare_all();
      if (HasFatalFailure()) return;
    }
    compare_all();
  }

  const MapType* t_ = map_type(K::type(), V::type());
  hmap* h_ = keep(makemap(t_, 0));
  std::unordered_map<uint64_t, uint64_t> model_;
};

template <class K, class V>
struct Kinds {
  using Key = K;
  using Elem = V;
};
using AllKinds =
    ::testing::Types<Kinds<Int64Kind, Int64Kind>, Kinds<Int32Kind, Int64Kind>,
                     Kinds<Uint16Kind, Uint16Kind>, Kinds<Float64Kind, StringKind>,
                     Kinds<Int64Kind, PointerKind>, Kinds<Int64Kind, EfaceKind>,
                     Kinds<StringKind, Int64Kind>, Kinds<StringKind, EfaceKind>,
                     Kinds<EfaceKind, PointerKind>, Kinds<StructKind, StructKind>,
                     Kinds<Int64Kind, BigKind>, Kinds<BigKind, Int32Kind>, Kinds<BigKind, BigKind>>;
struct KindNames {
  template <class K>
  static std::string GetName(int) {
    return std::string(K::Key::kName) + "To" + K::Elem::kName;
  }
};
TYPED_TEST_SUITE(ModelTest, AllKinds, KindNames);

TYPED_TEST(ModelTest, AgreesWithUnorderedMapOnRandomOperations) { this->run(12000); }

}  // namespace
}  // namespace greyhound::maps
