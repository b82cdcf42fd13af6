// SPDX-License-Identifier: MIT
// The kinds of root (rule 6): handles, registered ranges, stacks that a mutator parks, its own
// stack and registers, and the runtime's persistent slots. Each keeps what it points to, and
// nothing else does.
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class RootsTest : public SteppingTest {};

TEST_F(RootsTest, AnObjectWithoutARootDies) {
  Node* garbage = make(a);
  collect();
  EXPECT_FALSE(alive(garbage));
}

TEST_F(RootsTest, AHandleKeepsItsObjectWhileItLives) {
  Node* object = make(a);
  {
    TestRoot root(*a, object);
    collect();
    EXPECT_TRUE(alive(object));
  }
  collect();
  EXPECT_FALSE(alive(object));
}

TEST_F(RootsTest, AHandleMayPointInside) {
  auto* array = make<std::array<uint64_t, 64>>(a);
  TestRoot root(*a, &(*array)[63]);
  collect();
  EXPECT_TRUE(alive(array));
}

TEST_F(RootsTest, ManyHandlesComeAndGoInAnyOrder) {
  std::vector<std::unique_ptr<TestRoot>> roots;
  std::vector<Node*> objects;
  for (int i = 0; i < 100; ++i) {
    objects.push_back(make(a));
    roots.push_back(std::make_unique<TestRoot>(*a, objects.back()));
  }
  for (size_t i = 0; i < 100; i += 3) roots[i].reset();
  collect();
  for (size_t i = 0; i < 100; ++i) EXPECT_EQ(alive(objects[i]), i % 3 != 0) << i;
}

TEST_F(RootsTest, AHandleIsScannedInItsOwnersAcknowledgement) {
  Node* object = make(b);
  TestRoot root(*b, object);
  ASSERT_TRUE(step_to(Phase::kDrain));
  hold_back(b);
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  root = nullptr;  // before b answers: its value is b's business alone
  answer(b);
  finish();
  EXPECT_FALSE(alive(object));
}

TEST_F(RootsTest, ARangeKeepsWhatItsFirstWordsPointTo) {
  std::array<uintptr_t, 4> words{};
  RootRange range{words.data(), 3};
  Node* objects[4];
  for (size_t i = 0; i < 4; ++i) {
    objects[i] = make(a);
    words[i] = address_of(objects[i]) + 8;
  }
  a->add_root_range(&range);
  collect();
  EXPECT_TRUE(alive(objects[0]));
  EXPECT_TRUE(alive(objects[2]));
  EXPECT_FALSE(alive(objects[3])) << "beyond the count";
  range.count = 1;
  collect();
  EXPECT_TRUE(alive(objects[0]));
  EXPECT_FALSE(alive(objects[2]));
  a->remove_root_range(&range);
  collect();
  EXPECT_FALSE(alive(objects[0]));
}

TEST_F(RootsTest, ARangeMayHoldAnything) {
  std::array<uintptr_t, 6> words = {0,
                                    1,
                                    ~uintptr_t{0},
                                    address_of(&words),
                                    collector.heap.base() + (64 << 20),
                                    collector.heap.base() + collector.heap.size()};
  RootRange range{words.data(), words.size()};
  a->add_root_range(&range);
  collect();
  a->remove_root_range(&range);
  EXPECT_EQ(collector.heap.page_bytes(), 0u);
}

TEST_F(RootsTest, AParkedStackKeepsWhatIsAboveItsStackPointer) {
  std::array<uintptr_t, 16> memory{};
  const auto base = reinterpret_cast<uintptr_t>(memory.data() + memory.size());
  const size_t stack = a->add_stack(base);
  Node* deep = make(a);
  Node* dead = make(a);
  memory[10] = address_of(deep);
  memory[3] = address_of(dead);
  a->set_saved_sp(stack, reinterpret_cast<uintptr_t>(&memory[8]));
  collect();
  EXPECT_TRUE(alive(deep));
  EXPECT_FALSE(alive(dead)) << "below the stack pointer";
  a->set_saved_sp(stack, 0);
  collect();
  EXPECT_FALSE(alive(deep)) << "nothing on it is a root";
}

TEST_F(RootsTest, SwitchingStacksParksTheOneLeft) {
  std::array<uintptr_t, 8> first{};
  std::array<uintptr_t, 8> second{};
  const size_t one = a->add_stack(reinterpret_cast<uintptr_t>(first.data() + 8));
  const size_t two = a->add_stack(reinterpret_cast<uintptr_t>(second.data() + 8));
  Node* object = make(a);
  first[6] = address_of(object);
  a->switch_stack(one, 0);
  a->switch_stack(two, reinterpret_cast<uintptr_t>(&first[5]));
  collect();
  EXPECT_TRUE(alive(object));
  a->switch_stack(0, 0);
}

TEST_F(RootsTest, WhatADeepStackTookToCopyIsGivenBack) {
  constexpr size_t kWords = 1 << 20;
  const std::vector<uintptr_t> memory(kWords, address_of(make(a)));
  const auto base = reinterpret_cast<uintptr_t>(memory.data());
  const size_t stack = a->add_stack(base + kWords * kWordBytes);
  a->set_saved_sp(stack, base);
  collect();
  collect();
  EXPECT_GE(MutatorTesting::root_word_capacity(*a), kWords) << "needed at every scan";
  EXPECT_GE(CollectorTesting::root_word_capacity(collector), kWords);
  a->set_saved_sp(stack, base + (kWords - 100) * kWordBytes);
  collect();
  EXPECT_LE(MutatorTesting::root_word_capacity(*a), ScannedRoots::kKeptWords);
  EXPECT_LE(CollectorTesting::root_word_capacity(collector), 2 * ScannedRoots::kKeptWords);
  EXPECT_TRUE(collector.heap.allocs.test(memory.back()));
}

TEST_F(RootsTest, APersistentSlotKeepsItsObject) {
  Node* object = make(a);
  PersistentSlot global;
  global.value = address_of(object);
  collector.persistents.add(&global);
  collect();
  EXPECT_TRUE(alive(object));
  collector.persistents.remove(&global);
  collect();
  EXPECT_FALSE(alive(object));
}

TEST_F(RootsTest, APersistentSlotMayPointInside) {
  auto* array = make<std::array<Node, 3000>>(a);  // large
  PersistentSlot global;
  global.value = address_of(&(*array)[2999].value);
  collector.persistents.add(&global);
  collect();
  EXPECT_TRUE(alive(array));
  collector.persistents.remove(&global);
}

TEST_F(RootsTest, APersistentSlotIsReadOnceAndStoredThroughTheBarrier) {
  Node* first = make(a);
  Node* second = make(a);
  PersistentSlot global;
  global.value = address_of(first);
  collector.persistents.add(&global);
  TestRoot root(*b, second);
  ASSERT_TRUE(step_to(Phase::kDrain));
  EXPECT_TRUE(marked(first)) << "greyed when marking begins";
  {
    ActAs act(*b);
    write_barrier(&global.value, second);
    store_word(&global.value, address_of(second));
  }
  root = nullptr;
  finish();
  EXPECT_TRUE(alive(second));
  collector.persistents.remove(&global);
}

// An ambiguous word that points into a slot not handed out keeps nothing and harms nothing.
TEST_F(RootsTest, AWordThatPointsIntoAFreeSlotMarksNothing) {
  TestRoot kept(*a, make(a));
  Node* garbage = make(a);
  collect();
  ASSERT_FALSE(alive(garbage));
  TestRoot stale(*a, garbage);
  ASSERT_TRUE(step_to(Phase::kBarrierOff));
  EXPECT_FALSE(marked(garbage));
}

class ConservativeTest : public SteppingTest {
 protected:
  ConservativeTest() : SteppingTest(conservative()) {}
  static Options conservative() {
    Options options = quiet_options(Mode::kStepping);
    options.stack_roots = StackRoots::kConservative;
    return options;
  }
  // The address is kept as its complement, so that it is on no stack and in no register.
  GREYHOUND_NOINLINE uintptr_t hide(const void* object) { return ~address_of(object); }
  bool alive_hidden(uintptr_t hidden) { return collector.heap.allocs.test(~hidden); }
};

TEST_F(ConservativeTest, AStackWordKeepsItsObject) {
  Mutator c(&collector, "c");
  c.bind();
  Node* volatile object = static_cast<Node*>(newobject(type_of<Node>()));
  object->value = 42;
  collector.collect();
  EXPECT_TRUE(alive(object));
  EXPECT_EQ(object->value, 42u);
  c.unbind();
}

TEST_F(ConservativeTest, AnInteriorStackWordKeepsItsObject) {
  Mutator c(&collector, "c");
  c.bind();
  auto* array =
      static_cast<std::array<uint64_t, 512>*>(newobject(type_of<std::array<uint64_t, 512>>()));
  uint64_t* volatile inside = &(*array)[500];
  const uintptr_t hidden = hide(array);
  array = nullptr;
  clear_the_stack_below();
  collector.collect();
  EXPECT_TRUE(alive_hidden(hidden));
  EXPECT_EQ(*inside, 0u);
  c.unbind();
}

// Registers that the callee saves are roots too, whoever saved them by the time of the scan.
TEST_F(ConservativeTest, ACalleeSavedRegisterKeepsItsObject) {
  Mutator c(&collector, "c");
  c.bind();
  uintptr_t hidden[3];
  for (uintptr_t& h : hidden) h = hide(newobject(type_of<Node>()));
  clear_the_stack_below();
  Collector* volatile target = &collector;
  uintptr_t survived = 0;
  {
    uintptr_t in_rbx = ~hidden[0];
    uintptr_t in_r12 = ~hidden[1];
    uintptr_t in_r15 = ~hidden[2];
    asm volatile("" : "+b"(in_rbx));
    register uintptr_t r12 asm("r12") = in_r12;
    register uintptr_t r15 asm("r15") = in_r15;
    asm volatile("" : "+r"(r12), "+r"(r15));
    target->collect();
    asm volatile("" : "+b"(in_rbx), "+r"(r12), "+r"(r15));
    survived = in_rbx ^ r12 ^ r15;
  }
  for (uintptr_t h : hidden) EXPECT_TRUE(alive_hidden(h));
  EXPECT_EQ(survived, ~(hidden[0] ^ hidden[1] ^ hidden[2]));
  c.unbind();
}

TEST_F(ConservativeTest, AThreadThatUnbindsKeepsNothing) {
  Mutator c(&collector, "c");
  c.bind();
  uintptr_t hidden = hide(newobject(type_of<Node>()));
  c.unbind();
  collector.collect();
  EXPECT_FALSE(alive_hidden(hidden));
}

}  // namespace
}  // namespace greyhound::gc
