// SPDX-License-Identifier: MIT
// Random interleavings of mutators and collector, played by one thread, against a model of the
// heap. A mutator allocates, loads, stores, drops, publishes, assists, attaches, detaches and is
// held back from answering; the collector takes a step now and then. The model knows what is
// reachable. Held to it:
//
//   - whatever is reachable is allocated and untouched, at every check (freed objects are
//   overwritten);
//   - when marking ends, whatever is reachable is marked;
//   - after a last full cycle, whatever is not reachable is free.
//
// GREYHOUND_TEST_SEED repeats one sequence.
#include <unordered_map>
#include <unordered_set>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

// What an object looks like: where its number and its two pointers are. Pointers of an inexact type
// may point anywhere into their object.
struct Shape {
  const Type* type;
  size_t number_word;
  size_t slots[2];
};

struct Exact {
  Ref<Exact> first, second;
  uint64_t number;
};
constexpr uint64_t kInteriorMask[] = {0b1001};
constexpr Type kInteriorType = [] {
  Type type;
  type.size = 48;
  type.align = 8;
  type.ptrdata = 32;
  type.ptrmask = kInteriorMask;
  return type;
}();
// More than one oblet: its last pointer lies in the second.
constexpr size_t kLargeWords = 17000;
constexpr auto kLargeMask = [] {
  std::array<uint64_t, kLargeWords / 64 + 1> mask{};
  mask[0] = 2;
  mask[(kLargeWords - 1) / 64] |= uint64_t{1} << ((kLargeWords - 1) % 64);
  return mask;
}();
constexpr Type kLargeType = [] {
  Type type;
  type.size = kLargeWords * 8;
  type.align = 8;
  type.ptrdata = kLargeWords * 8;
  type.ptrmask = kLargeMask.data();
  type.flags = kTypeExactPointers;
  return type;
}();
const Shape kShapes[] = {
    {type_of<Exact>(), 2, {0, 1}},
    {&kInteriorType, 5, {0, 3}},
    {&kLargeType, 0, {1, kLargeWords - 1}},
};

struct Shadow {
  const Shape* shape = nullptr;
  uint64_t number = 0;
  uintptr_t children[2] = {};
};

constexpr size_t kRootsEach = 3;
constexpr size_t kGlobals = 2;
constexpr size_t kWeakSlots = 4;

struct Player {
  Player(Collector* collector, const char* name)
      : mutator(std::make_unique<Mutator>(collector, name)) {
    for (auto& root : roots) root = std::make_unique<TestRoot>(*mutator);
  }
  std::unique_ptr<Mutator> mutator;
  std::unique_ptr<TestRoot> roots[kRootsEach];
  uintptr_t values[kRootsEach] = {};
};

class Game {
 public:
  Game(uint64_t seed, Barrier barrier) : random_(seed), collector_(options(barrier)) {
    EXPECT_TRUE(collector_.start());
    for (const char* name : {"a", "b", "c"})
      players_.push_back(std::make_unique<Player>(&collector_, name));
    for (auto& global : globals_) collector_.persistents.add(&global);
    for (auto& slot : weak_) collector_.persistents.add(&slot.global);
  }
  ~Game() {
    let_go_of_all();
    for (auto& global : globals_) collector_.persistents.remove(&global);
    for (auto& slot : weak_) collector_.persistents.remove(&slot.global);
  }

  void play(int moves) {
    for (int i = 0; i < moves && !::testing::Test::HasFailure(); ++i) {
      move();
      if (i % 32 == 0) check(false);
    }
  }

  // A whole cycle with nobody held back: everything unreachable dies.
  void settle() {
    let_go_of_all();
    while (collector_.step(1) != Progress::kIdle) {
    }
    collector_.collect();
    check(false);
    const auto reachable = reachable_objects();
    for (const auto& [base, shadow] : objects_) {
      if (reachable.count(base) != 0) continue;
      EXPECT_FALSE(is_allocated(collector_, reinterpret_cast<void*>(base)) &&
                   number_of(base, shadow) == shadow.number)
          << "object " << shadow.number << " is garbage and not freed";
    }
    verify_heap(&collector_, "the end of a game");
  }
  uint64_t cycles() { return collector_.completed_cycles(); }

 private:
  static Options options(Barrier barrier) {
    Options options = quiet_options(Mode::kStepping);
    options.barrier = barrier;
    options.debug.clobberfree = 1;
    return options;
  }

  void let_go_of_all() {
    for (auto& player : players_) MutatorTesting::hold_back(*player->mutator, false);
  }
  uint64_t roll(uint64_t sides) { return random_() % sides; }
  Player& any_player() { return *players_[roll(players_.size())]; }

  void move() {
    if (collector_.phase() == Phase::kIdle && roll(10) == 0) collector_.request_cycle();
    if (collector_.world.parked() || roll(4) == 0) return step();
    Player& p = any_player();
    switch (roll(18)) {
      case 0:
      case 1:
      case 2:
        return allocate(p, roll(3) == 0);
      case 3:
      case 4:
      case 5:
        return load(p);
      case 6:
      case 7:
      case 8:
        return store(p);
      case 9:
        return set_root(p, roll(kRootsEach), roll(2) == 0 ? 0 : p.values[roll(kRootsEach)]);
      case 10:
        return set_root(p, roll(kRootsEach), base_of(globals_[roll(kGlobals)].value));
      case 11:
        return publish(p);
      case 12:
        return answer(p);
      case 13:
        return MutatorTesting::hold_back(*p.mutator, roll(2) == 0);
      case 14:
        return help(p);
      case 15:
        return roll(8) == 0 ? replace(p) : answer(p);
      case 16:
        return make_weak(p);
      case 17:
        return load_weak(p);
    }
  }

  void step() {
    // The last round parks the world, and there is no other thread to answer meanwhile.
    if (Stepping::rounds(collector_) >= Cycle::kMaxRounds) let_go_of_all();
    const Phase before = collector_.phase();
    collector_.step(1 + roll(3));
    if (before != collector_.phase() && collector_.phase() == Phase::kBarrierOff) check(true);
  }

  void answer(Player& p) {
    ActAs act(*p.mutator);
    p.mutator->safepoint("game");
  }

  void allocate(Player& p, bool past_safepoint) {
    const uint64_t kind = roll(64);
    const Shape& shape = kShapes[kind == 0 ? 2 : kind % 2];
    void* memory = nullptr;
    {
      ActAs act(*p.mutator);
      if (past_safepoint) {
        PastSafepoint past(*p.mutator);
        memory = newobject(shape.type);
      } else {
        memory = newobject(shape.type);
      }
    }
    const uintptr_t base = address_of(memory);
    Shadow& shadow = objects_[base];
    shadow = {&shape, ++last_number_, {}};
    for (size_t slot : shape.slots) ASSERT_EQ(word(base, slot), 0u) << "not zeroed";
    store_word(reinterpret_cast<uintptr_t*>(base) + shape.number_word, shadow.number);
    set_root(p, roll(kRootsEach), base);
  }

  void set_root(Player& p, size_t i, uintptr_t base) {
    p.values[i] = base;
    const size_t offset = base == 0 || roll(2) == 0 ? 0 : roll(objects_[base].shape->type->size);
    *p.roots[i] = reinterpret_cast<void*>(base + offset);
  }

  void load(Player& p) {
    const uintptr_t from = p.values[roll(kRootsEach)];
    if (from == 0) return;
    set_root(p, roll(kRootsEach), objects_[from].children[roll(2)]);
  }

  void store(Player& p) {
    const uintptr_t into = p.values[roll(kRootsEach)];
    if (into == 0) return;
    const uintptr_t target = roll(3) == 0 ? 0 : p.values[roll(kRootsEach)];
    Shadow& shadow = objects_[into];
    const size_t which = roll(2);
    auto* slot = reinterpret_cast<uintptr_t*>(into) + shadow.shape->slots[which];
    ActAs act(*p.mutator);
    if (shadow.shape->type == type_of<Exact>()) {
      *reinterpret_cast<Ref<Exact>*>(slot) = reinterpret_cast<Exact*>(target);
    } else {
      const bool exact = shadow.shape->type->exact();
      const size_t offset = target == 0 || exact ? 0 : roll(objects_[target].shape->type->size);
      const uintptr_t source[1] = {target + offset};
      // By turns the two ways that are not Ref's.
      if (roll(2) == 0 && !exact) {
        write_pointer(reinterpret_cast<void**>(slot), reinterpret_cast<void*>(source[0]));
      } else {
        typedmemmove(&kWordType, slot, source);
      }
    }
    shadow.children[which] = target;
  }

  void publish(Player& p) {
    PersistentSlot& global = globals_[roll(kGlobals)];
    const uintptr_t target = roll(3) == 0 ? 0 : p.values[roll(kRootsEach)];
    ActAs act(*p.mutator);
    write_barrier(&global.value, reinterpret_cast<void*>(target));
    store_word(&global.value, target);
  }

  // The cell is kept by a root of the first player's; taking it is no safepoint.
  void make_weak(Player& p) {
    const uintptr_t target = p.values[roll(kRootsEach)];
    if (target == 0) return;
    WeakSlot& slot = weak_[roll(kWeakSlots)];
    slot.target = target;
    slot.number = objects_[target].number;
    slot.cell = nullptr;
    ActAs act(*p.mutator);
    WeakCell* cell = weak_cell(reinterpret_cast<void*>(target));
    // As a global variable would hold it: whatever was answered before, it is not lost.
    write_barrier(nullptr, cell);
    store_word(&slot.global.value, address_of(cell));
    slot.cell = cell;
  }

  // Brings back what may be reachable no more, as long as it is not freed; never anything else.
  void load_weak(Player& p) {
    WeakSlot& slot = weak_[roll(kWeakSlots)];
    if (slot.cell == nullptr) return;
    uintptr_t target = 0;
    {
      ActAs act(*p.mutator);
      target = load_word(&slot.cell->target);
      if (target == 0 || !weak_load(target)) {
        // The address may be another object's by now.
        ASSERT_TRUE(objects_[slot.target].number != slot.number ||
                    reachable_objects().count(slot.target) == 0)
            << "object " << slot.number << " is reachable, but not by its weak cell";
        slot.cell = nullptr;
        return;
      }
    }
    ASSERT_EQ(target, slot.target);
    ASSERT_EQ(objects_[target].number, slot.number) << "another object by now";
    ASSERT_EQ(number_of(target, objects_[target]), slot.number);
    set_root(p, roll(kRootsEach), target);
  }

  // An assist, or a buffer of shades that is given away because it is full.
  void help(Player& p) {
    if (roll(2) == 0) return MutatorTesting::donate_shades(*p.mutator);
    if (collector_.phase() != Phase::kDrain && collector_.phase() != Phase::kScanRoots) return;
    Marker assist(&collector_.heap, &collector_.pool, &collector_.pacer);
    assist.gcDrainN(static_cast<int64_t>(1 + roll(200)));
  }

  void replace(Player& p) {
    MutatorTesting::hold_back(*p.mutator, false);
    for (auto& player : players_) {
      if (player.get() != &p) continue;
      for (auto& root : player->roots) root.reset();
      player->mutator.reset();
      player = std::make_unique<Player>(&collector_, "another");
    }
  }

  // --- the model's side
  uintptr_t word(uintptr_t base, size_t index) const {
    return load_word(reinterpret_cast<uintptr_t*>(base) + index);
  }
  uint64_t number_of(uintptr_t base, const Shadow& shadow) const {
    return word(base, shadow.shape->number_word);
  }
  uintptr_t base_of(uintptr_t address) { return collector_.heap.findObject(address).base; }

  std::unordered_set<uintptr_t> reachable_objects() {
    std::unordered_set<uintptr_t> reached;
    std::vector<uintptr_t> todo;
    const auto reach = [&](uintptr_t base) {
      if (base != 0 && reached.insert(base).second) todo.push_back(base);
    };
    for (auto& player : players_) {
      for (uintptr_t base : player->values) reach(base);
    }
    for (auto& global : globals_) reach(base_of(global.value));
    while (!todo.empty()) {
      const uintptr_t base = todo.back();
      todo.pop_back();
      for (uintptr_t child : objects_[base].children) reach(child);
    }
    return reached;
  }

  void check(bool all_marked) {
    for (uintptr_t base : reachable_objects()) {
      const Shadow& shadow = objects_[base];
      ASSERT_TRUE(is_allocated(collector_, reinterpret_cast<void*>(base)))
          << "object " << shadow.number << " is reachable and was freed";
      ASSERT_EQ(number_of(base, shadow), shadow.number) << "a reachable object was overwritten";
      for (size_t i = 0; i < 2; ++i) {
        ASSERT_EQ(base_of(word(base, shadow.shape->slots[i])), shadow.children[i]);
      }
      if (all_marked) {
        ASSERT_TRUE(is_marked(collector_, reinterpret_cast<void*>(base)))
            << "object " << shadow.number << " is reachable and white when marking ends";
      }
    }
  }

  static constexpr uint64_t kOne = 1;
  static constexpr Type kWordType = [] {
    Type type;
    type.size = 8;
    type.align = 8;
    type.ptrdata = 8;
    type.ptrmask = &kOne;
    return type;
  }();

  std::mt19937_64 random_;
  Collector collector_;
  std::vector<std::unique_ptr<Player>> players_;
  PersistentSlot globals_[kGlobals];
  struct WeakSlot {
    WeakCell* cell = nullptr;
    uintptr_t target = 0;
    uint64_t number = 0;
    PersistentSlot global;
  };
  WeakSlot weak_[kWeakSlots];
  std::unordered_map<uintptr_t, Shadow> objects_;
  uint64_t last_number_ = 0;
};

class RandomSteps : public ::testing::TestWithParam<std::tuple<int, Barrier>> {};

TEST_P(RandomSteps, AgreeWithTheModel) {
  GREYHOUND_SEEDED(random);
  uint64_t cycles = 0;
  for (int game = 0; game < 12 && !HasFailure(); ++game) {
    Game g(random(), std::get<1>(GetParam()));
    g.play(4000);
    if (!HasFailure()) g.settle();
    cycles += g.cycles();
  }
  if (!HasFailure()) {
    EXPECT_GE(cycles, 60u) << "the games do reach the end of cycles";
  }
}

INSTANTIATE_TEST_SUITE_P(Batch, RandomSteps,
                         ::testing::Combine(::testing::Range(0, 4),
                                            ::testing::Values(Barrier::kDijkstra,
                                                              Barrier::kHybrid)),
                         [](const auto& batch) {
                           return (std::get<1>(batch.param) == Barrier::kHybrid ? "Hybrid"
                                                                                : "Dijkstra") +
                                  std::to_string(std::get<0>(batch.param));
                         });

}  // namespace
}  // namespace greyhound::gc
