// SPDX-License-Identifier: MIT
// What make, try_make and make_array give is what T{...} would be: default member initialisers and
// constructors run, which may allocate, collect and throw; and a type whose default is all zero is
// left as the heap gives it.
#include <cmath>
#include <stdexcept>

#include "maps/map.h"
#include "runtime/handle.h"
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace make_test {

struct Initialised {
  Ref<Node> next;
  int64_t value = 42;
  double factor = -0.0;
};
struct Outer {
  int32_t id;
  Initialised inner;
  std::array<Initialised, 2> more;
};
class Account {
 public:
  Account() : balance(100) {}
  explicit Account(int64_t b) : balance(b) {}
  Ref<Node> owner;
  int64_t balance;
};
// Its constructor allocates, and collects.
class Tree {
 public:
  Tree() : Tree(0) {}
  explicit Tree(int depth) : name(String::copy("a tree's name, on the heap")), depth(depth) {
    if (collect_in != nullptr) collect_in->collect();
    if (depth > 0) left = Thread::make<Tree>(depth - 1);
    if (depth > 0) right = Thread::make<Tree>(depth - 1);
  }
  bool whole() const {
    if (name.view() != "a tree's name, on the heap") return false;
    return depth == 0 || (left->depth == depth - 1 && left->whole() && right->whole());
  }
  static thread_local Runtime* collect_in;
  Ref<Tree> left, right;
  String name;
  int64_t depth;
};
thread_local Runtime* Tree::collect_in = nullptr;
struct InitialisedByACall {
  Ref<Tree> tree = Thread::make<Tree>(1);
  int64_t number = 7;
};
class Throws {
 public:
  explicit Throws(bool really) {
    node = Thread::make<Node>();
    if (really) throw std::runtime_error("no");
  }
  Throws() : Throws(made++ == 3) {}
  static int made;
  Ref<Node> node;
};
int Throws::made = 0;

static_assert(kZeroDefault<Node> && kZeroDefault<String> && kZeroDefault<eface> &&
              kZeroDefault<std::array<Node, 3>>);
static_assert(!kZeroDefault<Initialised> && !kZeroDefault<Outer> && !kZeroDefault<Account> &&
              !kZeroDefault<InitialisedByACall>);
static_assert(kMadePlainly<Node> && kMadePlainly<Outer> && !kMadePlainly<Account> &&
              !kMadePlainly<InitialisedByACall>);

class MakeTest : public RuntimeTest {};

TEST_F(MakeTest, DefaultMemberInitialisersRun) {
  const auto expect = [](const Initialised& made) {
    EXPECT_EQ(made.next.get(), nullptr);
    EXPECT_EQ(made.value, 42);
    EXPECT_TRUE(std::signbit(made.factor));
  };
  expect(*thread.make<Initialised>());
  expect(*Thread::try_make<Initialised>());
  expect(*thread.make<Initialised>(nullptr));
  expect(thread.make<Outer>()->inner);
  expect(thread.make<Outer>()->more[1]);
  auto* array = thread.make_array<Initialised>(3000);
  for (size_t i = 0; i < 3000; ++i) expect(array[i]);
  EXPECT_EQ(thread.make<Initialised>(nullptr, 5, 1.0)->value, 5);
}

TEST_F(MakeTest, DefaultConstructorsRun) {
  EXPECT_EQ(thread.make<Account>()->balance, 100);
  EXPECT_EQ(thread.make<Account>(int64_t{5})->balance, 5);
  auto* array = thread.make_array<Account>(100);
  EXPECT_EQ(array[0].balance, 100);
  EXPECT_EQ(array[99].balance, 100);
  EXPECT_NE(thread.make_array<Account>(0), nullptr);
}

TEST_F(MakeTest, MapsMakeElemsByTheirDefault) {
  auto m = maps::Map<int64_t, Account>::make();
  (*m.assign(1)).owner = thread.make<Node>();
  EXPECT_EQ((*m.assign(1)).balance, 100);
  (*m.assign(1)).balance = 5;
  EXPECT_EQ((*m.assign(1)).balance, 5) << "only when the entry is new";
  EXPECT_EQ(m.get(2).balance, 100);
}

TEST_F(MakeTest, WhatAConstructorThrowsPassesThrough) {
  EXPECT_THROW(thread.make<Throws>(true), std::runtime_error);
  EXPECT_NE(thread.make<Throws>(false)->node.get(), nullptr);
  Throws::made = 0;
  EXPECT_THROW(thread.make_array<Throws>(10), std::runtime_error);
  rt.collect();
}

class PreciseMakeTest : public RuntimeTest {
 protected:
  static Options options() {
    Options options = precise_options();
    options.debug.clobberfree = 1;
    return options;
  }
  PreciseMakeTest() : RuntimeTest(options()) { Tree::collect_in = &rt; }
  ~PreciseMakeTest() override { Tree::collect_in = nullptr; }
};

// Where stacks are no roots, what is being constructed is one.
TEST_F(PreciseMakeTest, ConstructorsMayAllocateAndCollect) {
  Handle<Tree> tree(thread.make<Tree>(4));
  rt.collect();
  EXPECT_TRUE(tree->whole());
  Handle<InitialisedByACall> other(thread.make<InitialisedByACall>());
  rt.collect();
  EXPECT_TRUE(other->tree->whole());
  EXPECT_EQ(other->number, 7);
  Handle<Tree> array(thread.make_array<Tree>(20));
  rt.collect();
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(array.get()[i].whole());
}

TEST_F(PreciseMakeTest, WhatAConstructorHasThrownInIsGarbage) {
  EXPECT_THROW(thread.make<Throws>(true), std::runtime_error);
  rt.collect();
  const uint64_t before = rt.stats().last_cycle.mark.bytes_marked;
  for (int i = 0; i < 100; ++i) EXPECT_THROW(thread.make<Throws>(true), std::runtime_error);
  rt.collect();
  EXPECT_LE(rt.stats().last_cycle.mark.bytes_marked, before);
}

}  // namespace make_test
}  // namespace greyhound::runtime

GREYHOUND_TYPE(greyhound::runtime::make_test::Account, owner, balance)
GREYHOUND_TYPE(greyhound::runtime::make_test::Tree, left, right, name, depth)
GREYHOUND_TYPE(greyhound::runtime::make_test::Throws, node)
