// SPDX-License-Identifier: MIT
// Parked stacks that change hands, one step at a time: what is in the collector's list all through
// marking is greyed from there, what is put into it while marking by who puts it there, and what is
// taken out by the scan of who took it.
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

class StacksTest : public SteppingTest {
 protected:
  // A stack with one word on it, whose stack pointer is that word.
  struct Parked {
    explicit Parked(const void* object) : word(address_of(object)) {
      range.low = reinterpret_cast<uintptr_t>(&word);
      range.base = range.low + sizeof word;
      range.saved_sp = range.low;
    }
    uintptr_t word;
    StackRange range;
  };
  void release(Mutator* mutator, Parked& parked) {
    ActAs act(*mutator);
    mutator->stacks().release(&parked.range);
  }
};

TEST_F(StacksTest, AStackInTheListKeepsWhatItHolds) {
  Node* object = make(a);
  Parked parked(object);
  collector.parked_stacks.add(&parked.range);
  collect();
  EXPECT_TRUE(alive(object));
  collector.parked_stacks.remove(&parked.range);
  collect();
  EXPECT_FALSE(alive(object));
}

TEST_F(StacksTest, AnInteriorWordOnAListedStackKeepsItsObject) {
  auto* array = make<std::array<uint64_t, 64>>(a);
  Parked parked(&(*array)[63]);
  collector.parked_stacks.add(&parked.range);
  collect();
  EXPECT_TRUE(alive(array));
  collector.parked_stacks.remove(&parked.range);
}

TEST_F(StacksTest, ManyListedStacksAreAllScanned) {
  std::vector<std::unique_ptr<Parked>> parked;
  for (int i = 0; i < 100; ++i) {
    parked.push_back(std::make_unique<Parked>(make(a)));
    collector.parked_stacks.add(&parked.back()->range);
  }
  collect();
  for (const auto& stack : parked) {
    EXPECT_TRUE(alive(reinterpret_cast<void*>(stack->word)));
    collector.parked_stacks.remove(&stack->range);
  }
}

// The list has been read when it comes, and its mutator will not scan it any more.
TEST_F(StacksTest, AStackReleasedWhileMarkingIsShaded) {
  Node* child = make(a);
  Node* object = make(a);
  store(a, object->next, child);
  Parked parked(object);
  a->stacks().own(&parked.range);
  ASSERT_TRUE(step_to(Phase::kDrain));
  EXPECT_FALSE(marked(object));
  release(a, parked);
  EXPECT_TRUE(marked(object));
  finish();
  EXPECT_TRUE(alive(object));
  EXPECT_TRUE(alive(child));
  collector.parked_stacks.remove(&parked.range);
}

TEST_F(StacksTest, WhatItsRegistersHeldIsShadedToo) {
  Node* object = make(a);
  Parked parked(nullptr);
  parked.range.registers[3] = address_of(object);
  a->stacks().own(&parked.range);
  ASSERT_TRUE(step_to(Phase::kDrain));
  release(a, parked);
  finish();
  EXPECT_TRUE(alive(object));
  collector.parked_stacks.remove(&parked.range);
}

// In every phase: from one mutator by the list to another, which hides it in its own object and
// forgets the stack.
TEST_F(StacksTest, AStackThatChangesHandsLosesNothingInAnyPhase) {
  for (const Phase phase :
       {Phase::kIdle, Phase::kBarrierOn, Phase::kAllocBlack, Phase::kDrain, Phase::kScanRoots,
        Phase::kBarrierOff, Phase::kAllocWhite, Phase::kSweep}) {
    SCOPED_TRACE(phase_name(phase));
    Node* object = make(a);
    TestRoot holder(*b, make(b));
    Parked parked(object);
    a->stacks().own(&parked.range);
    ASSERT_TRUE(step_to(phase));
    release(a, parked);
    {
      ActAs act(*b);
      b->stacks().adopt(&parked.range);
    }
    store(b, holder.as<Node>()->next, object);
    {
      ActAs act(*b);
      b->stacks().drop(&parked.range);
    }
    finish();
    EXPECT_TRUE(alive(object));
    collect();
    EXPECT_TRUE(alive(object));
  }
}

TEST_F(StacksTest, AnAdoptedStackIsScannedByWhoHasIt) {
  Node* object = make(a);
  Parked parked(object);
  collector.parked_stacks.add(&parked.range);
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  {
    ActAs act(*b);
    b->stacks().adopt(&parked.range);
  }
  finish();
  EXPECT_TRUE(alive(object));
  b->stacks().drop(&parked.range);
}

TEST_F(StacksTest, AMutatorThatGoesLeavesItsStacksToTheCollector) {
  Mutator* c = attach("c");
  Node* object = make(c);
  Parked parked(object);
  c->stacks().own(&parked.range);
  ASSERT_TRUE(step_to(Phase::kDrain));
  detach(c);
  EXPECT_EQ(parked.range.owner, nullptr);
  finish();
  EXPECT_TRUE(alive(object));
  collect();
  EXPECT_TRUE(alive(object));
  collector.parked_stacks.remove(&parked.range);
}

TEST_F(StacksTest, HandlesAndRangesOfAMutatorThatIsGoneAreNobodys) {
  Mutator* c = attach("c");
  HandleSlot slot;
  slot.value = address_of(make(c));
  const uintptr_t word = slot.value;
  RootRange range{&word, 1};
  c->add_handle(&slot);
  c->add_root_range(&range);
  detach(c);
  EXPECT_EQ(slot.value, 0u);
  EXPECT_EQ(slot.owner, nullptr);
  EXPECT_EQ(slot.next, &slot);
  EXPECT_EQ(range.owner, nullptr);
  Mutator::remove_handle(&slot);
  Mutator::remove_root_range(&range);
  collect();
}

}  // namespace
}  // namespace greyhound::gc
