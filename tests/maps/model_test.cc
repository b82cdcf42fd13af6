// SPDX-License-Identifier: MIT
// Random sequences of operations on a map and on std::unordered_map, for every kind of key and
// elem, with a collection forced every few allocations and freed objects overwritten, with stacks
// as roots and without. The map is reached through the generic functions and through those of its
// key's own path by turns; arguments lie in the map itself as often as not; and iterations are held
// across whatever happens meanwhile, growths and clears included.
#include <array>
#include <memory>
#include <set>
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

// An iteration and what it owes. An entry is known by its key and by how often it was inserted.
struct HeldIteration {
  using Entry = std::pair<uint64_t, uint64_t>;
  hiter it;
  std::set<Entry> owed;  // there since the beginning, and not visited yet
  std::set<Entry> visited;
  Entry current;
};

template <class Kinds>
class ModelTest : public MapsTest {
 protected:
  using K = typename Kinds::Key;
  using V = typename Kinds::Elem;
  using Key = typename K::Value;
  using Elem = typename V::Value;
  static constexpr unsigned kKeys = 700;

  ModelTest() : ModelTest(stressed(40)) {}
  explicit ModelTest(const gc::Options& options) : MapsTest(options) {}

  struct Modelled {
    uint64_t elem_id;
    uint64_t insertion;  // the number of this entry among all that there were
  };

  void note(uint64_t key_id, uint64_t elem_id) {
    const auto [at, inserted] = model_.try_emplace(key_id, Modelled{elem_id, insertions_});
    if (inserted) ++insertions_;
    at->second.elem_id = elem_id;
  }
  void forget(uint64_t key_id) {
    const auto at = model_.find(key_id);
    if (at == model_.end()) return;
    for (auto& held : held_)
      if (held != nullptr) held->owed.erase({key_id, at->second.insertion});
    model_.erase(at);
  }

  void assign(uint64_t key_id, uint64_t elem_id) {
    const Key key = K::make(key_id);
    const RootScope key_rooted(&key, sizeof key);
    const Elem elem = V::make(elem_id);
    const RootScope elem_rooted(&elem, sizeof elem);
    store(&key, random_() % 2 != 0, &elem);
    note(key_id, elem_id);
  }

  void store(const Key* key, bool own_path, const Elem* elem) {
    void* slot = own_path ? Path<K>::assign(t_, h_, *key) : mapassign(t_, h_, key);
    ASSERT_NE(slot, nullptr);
    gc::typedmemmove(t_->elem, slot, elem);
  }

  // Key and elem as they lie in the map; null when `key_id` is not there.
  KeyElem stored(uint64_t key_id) {
    const Key key = K::make(key_id);
    return mapaccessK(t_, h_, &key);
  }

  // The elem of one entry for another, or for itself under its own key, from where they lie.
  void assign_aliased(uint64_t key_id, uint64_t from_id) {
    const bool itself = random_() % 3 == 0;
    const Key key = K::make(key_id);
    const RootScope rooted(&key, sizeof key);
    const KeyElem from = stored(from_id);
    if (from.key == nullptr) return;
    store(itself ? static_cast<const Key*>(from.key) : &key, random_() % 2 != 0,
          static_cast<const Elem*>(from.elem));
    note(itself ? from_id : key_id, model_.at(from_id).elem_id);
  }

  void erase(uint64_t key_id) {
    const Key key = K::make(key_id);
    const RootScope rooted(&key, sizeof key);
    const KeyElem from = stored(key_id);
    const bool aliased = from.key != nullptr && random_() % 2 != 0;
    erase_key(aliased ? static_cast<const Key*>(from.key) : &key);
    forget(key_id);
  }
  void erase_key(const Key* key) {
    if (random_() % 2) {
      Path<K>::erase(t_, h_, *key);
    } else {
      mapdelete(t_, h_, key);
    }
  }

  void clear() {
    mapclear(t_, h_);
    model_.clear();
    for (auto& held : held_)
      if (held != nullptr) held->owed.clear();
  }

  void look_up(uint64_t key_id) {
    const Key key = K::make(key_id);
    const ElemOk entry = random_() % 2 ? Path<K>::access(t_, h_, key) : mapaccess2(t_, h_, &key);
    const auto expected = model_.find(key_id);
    ASSERT_EQ(entry.ok, expected != model_.end());
    if (!entry.ok) {
      EXPECT_EQ(std::memcmp(entry.elem, std::string(t_->elem->size, '\0').data(), t_->elem->size),
                0);
      return;
    }
    ASSERT_EQ(V::id(*static_cast<const Elem*>(entry.elem)), expected->second.elem_id);
  }

  // --- iterations that are held

  void begin_iteration(std::unique_ptr<HeldIteration>* held) {
    *held = std::make_unique<HeldIteration>();
    for (const auto& [id, entry] : model_) (*held)->owed.insert({id, entry.insertion});
    mapiterinit(t_, h_, &(*held)->it);
    check_step(held);
  }

  // What it has come to is an entry of now, as it is now, and is visited for the first time.
  void check_step(std::unique_ptr<HeldIteration>* held) {
    HeldIteration& h = **held;
    if (h.it.key == nullptr) {
      EXPECT_TRUE(h.owed.empty()) << h.owed.size() << " entries were passed over";
      held->reset();
      return;
    }
    const uint64_t id = K::id(*static_cast<const Key*>(h.it.key));
    const auto expected = model_.find(id);
    ASSERT_TRUE(expected != model_.end()) << id << " is visited and not there";
    ASSERT_EQ(V::id(*static_cast<const Elem*>(h.it.elem)), expected->second.elem_id);
    h.current = {id, expected->second.insertion};
    ASSERT_TRUE(h.visited.insert(h.current).second) << "visited twice: " << id;
    h.owed.erase(h.current);
  }

  // The key in hand may have been moved from where it is shown, but reads as it did.
  void write_with_key_in_hand(HeldIteration* h) {
    const auto at = model_.find(h->current.first);
    if (at == model_.end() || at->second.insertion != h->current.second) return;
    const auto* key = static_cast<const Key*>(h->it.key);
    ASSERT_EQ(K::id(*key), h->current.first);
    if (random_() % 2) {
      erase_key(key);
      forget(h->current.first);
      return;
    }
    const uint64_t elem_id = random_() % 60000;
    const Elem elem = V::make(elem_id);
    const RootScope rooted(&elem, sizeof elem);
    store(key, random_() % 2 != 0, &elem);
    note(h->current.first, elem_id);
  }

  void iterate() {
    auto& held = held_[random_() % held_.size()];
    if (held == nullptr) return begin_iteration(&held);
    if (random_() % 4 == 0) write_with_key_in_hand(held.get());
    if (random_() % 20 == 0) held = std::make_unique<HeldIteration>(*held);  // at another place
    for (uint64_t steps = random_() % 20; steps > 0 && held != nullptr; --steps) {
      mapiternext(&held->it);
      check_step(&held);
      if (HasFatalFailure()) return;
    }
  }

  void compare_all() {
    ASSERT_EQ(verify_map(t_, h_), "");
    ASSERT_EQ(maplen(h_), static_cast<int64_t>(model_.size()));
    std::unordered_set<uint64_t> seen;
    hiter it;
    for (mapiterinit(t_, h_, &it); it.key != nullptr; mapiternext(&it)) {
      const uint64_t key_id = K::id(*static_cast<const Key*>(it.key));
      ASSERT_TRUE(seen.insert(key_id).second) << "visited twice: " << key_id;
      ASSERT_TRUE(model_.count(key_id)) << key_id;
      ASSERT_EQ(V::id(*static_cast<const Elem*>(it.elem)), model_.at(key_id).elem_id);
    }
    ASSERT_EQ(seen.size(), model_.size());
  }

  // Mostly insertions in even phases, mostly deletions in odd ones.
  void run(unsigned operations) {
    for (unsigned i = 0; i < operations && !HasFatalFailure(); ++i) {
      const uint64_t key_id = random_() % kKeys;
      const unsigned growing = (i / 2000) % 2 == 0 ? 6 : 2;
      const unsigned dice = random_() % 12;
      if (dice < growing) {
        if (random_() % 3) {
          assign(key_id, random_() % 60000);
        } else {
          assign_aliased(key_id, random_() % kKeys);
        }
      } else if (dice < 8) {
        erase(key_id);
      } else if (dice < 10) {
        look_up(key_id);
      } else {
        iterate();
      }
      if (random_() % 5000 == 0) clear();
      if (i % 500 == 0) compare_all();
    }
    for (auto& held : held_) held = nullptr;
    if (!HasFatalFailure()) compare_all();
  }

  const MapType* t_ = map_type(K::type(), V::type());
  hmap* h_ = keep(makemap(t_, 0));
  std::unordered_map<uint64_t, Modelled> model_;
  uint64_t insertions_ = 0;
  std::array<std::unique_ptr<HeldIteration>, 3> held_;
};

template <class Kinds>
class PreciseModelTest : public ModelTest<Kinds> {
 protected:
  PreciseModelTest() : ModelTest<Kinds>(precise()) {}
  static gc::Options precise() {
    gc::Options options = MapsTest::stressed(40);
    options.stack_roots = gc::StackRoots::kPrecise;
    return options;
  }
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
TYPED_TEST_SUITE(PreciseModelTest, AllKinds, KindNames);

TYPED_TEST(ModelTest, AgreesWithUnorderedMapOnRandomOperations) { this->run(12000); }
TYPED_TEST(PreciseModelTest, AgreesWithUnorderedMapOnRandomOperations) { this->run(12000); }

}  // namespace
}  // namespace greyhound::maps
