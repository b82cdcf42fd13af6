// SPDX-License-Identifier: MIT
// That no operation over input of any size keeps a handshake waiting for more than a piece of it.
#include "gc/mutator/pieces.h"

#include <numeric>

#include "gc/mutator/write_barrier.h"
#include "tests/gc/fixture.h"
#include "tests/gc/tripwires.h"

namespace greyhound::gc {
namespace {

constexpr size_t kBytes = 16 << 20;
constexpr size_t kMost = kPieceBytes + (32 << 10);  // the handshake is raised within a piece

struct Pair {
  Ref<Node> first;
  Ref<Node> second;
};
constexpr size_t kPairs = kBytes / sizeof(Pair);

class PiecesTest : public ::testing::Test {
 protected:
  PiecesTest() : collector(quiet_options(Mode::kStepping)) {
    EXPECT_TRUE(collector.start());
    mutator = std::make_unique<Mutator>(&collector, "long");
    mutator->bind();
  }
  static void* make_bytes(size_t bytes) { return mallocgc(bytes, nullptr); }
  static void expect_pieces(const Tripwires& wires) {
    EXPECT_GE(wires.touched(), kBytes - 2 * kPageSize);
    EXPECT_LE(wires.longest(), kMost);
  }

  Collector collector;
  std::unique_ptr<Mutator> mutator;
};

TEST_F(PiecesTest, CopyingBytesAnswersInBetween) {
  TestRoot from(*mutator, make_bytes(kBytes)), to(*mutator, make_bytes(kBytes));
  std::iota(from.as<uint64_t>(), from.as<uint64_t>() + kBytes / 8, uint64_t{7});
  {
    const Tripwires wires(&collector, from.as<void>(), kBytes);
    copy_bytes(to.as<void>(), from.as<void>(), kBytes);
    expect_pieces(wires);
  }
  EXPECT_EQ(std::memcmp(to.as<void>(), from.as<void>(), kBytes), 0);
}

TEST_F(PiecesTest, ComparingBytesAnswersInBetween) {
  TestRoot a(*mutator, make_bytes(kBytes)), b(*mutator, make_bytes(kBytes));
  {
    const Tripwires wires(&collector, a.as<void>(), kBytes);
    EXPECT_TRUE(equal_bytes(a.as<void>(), b.as<void>(), kBytes));
    expect_pieces(wires);
  }
  a.as<char>()[kBytes - 1] = 1;
  EXPECT_FALSE(equal_bytes(a.as<void>(), b.as<void>(), kBytes));
  EXPECT_TRUE(equal_bytes(a.as<void>(), b.as<void>(), kBytes - 1));
}

TEST_F(PiecesTest, MovingAnArrayOfPointersAnswersInBetween) {
  TestRoot from(*mutator, newarray(type_of<Pair>(), kPairs));
  TestRoot to(*mutator, newarray(type_of<Pair>(), kPairs));
  TestRoot node(*mutator, newobject(type_of<Node>()));
  for (size_t i = 0; i < kPairs; i += 1000) from.as<Pair>()[i].second = node.as<Node>();
  {
    const Tripwires wires(&collector, to.as<void>(), kBytes);
    typedmemmove_array(type_of<Pair>(), to.as<void>(), from.as<void>(), kPairs);
    expect_pieces(wires);
  }
  EXPECT_EQ(std::memcmp(to.as<void>(), from.as<void>(), kBytes), 0);
}

TEST_F(PiecesTest, ClearingAnArrayOfPointersAnswersInBetween) {
  TestRoot array(*mutator, newarray(type_of<Pair>(), kPairs));
  {
    const Tripwires wires(&collector, array.as<void>(), kBytes);
    typedmemclr_array(type_of<Pair>(), array.as<void>(), kPairs);
    expect_pieces(wires);
  }
}

TEST_F(PiecesTest, MovingAndClearingOtherArraysAnswersInBetween) {
  constexpr size_t kCount = kBytes / sizeof(int64_t);
  TestRoot from(*mutator, newarray(type_of<int64_t>(), kCount));
  TestRoot to(*mutator, newarray(type_of<int64_t>(), kCount));
  {
    const Tripwires wires(&collector, from.as<void>(), kBytes);
    typedmemmove_array(type_of<int64_t>(), to.as<void>(), from.as<void>(), kCount);
    expect_pieces(wires);
  }
  {
    const Tripwires wires(&collector, to.as<void>(), kBytes);
    typedmemclr_array(type_of<int64_t>(), to.as<void>(), kCount);
    expect_pieces(wires);
  }
}

// A large object whose pages were another's is cleared while the mutator is answered for.
TEST_F(PiecesTest, MakingALargeArrayAnswersInBetween) {
  void* old = make_bytes(kBytes);
  std::memset(old, 1, kBytes);
  collector.collect();
  ASSERT_FALSE(is_allocated(collector, old));
  const Tripwires wires(&collector, old, kBytes);
  ASSERT_EQ(newarray(type_of<Pair>(), kPairs), old) << "the same pages";
  expect_pieces(wires);
}

// A collection in the middle: what is worked on is a root, though stacks are none here.
TEST_F(PiecesTest, WhatIsWorkedOnIsKeptMeanwhile) {
  void* from = make_bytes(kBytes);
  std::memset(from, 5, kBytes);
  void* to = make_bytes(kBytes);
  int pieces = 0;
  in_pieces("test", 4, 1, static_cast<char*>(to) + 100, from, [&](size_t, size_t) {
    collector.collect();
    EXPECT_TRUE(is_allocated(collector, from)) << pieces;
    EXPECT_TRUE(is_allocated(collector, to)) << pieces;
    ++pieces;
  });
  EXPECT_EQ(pieces, 4);
  collector.collect();
  EXPECT_FALSE(is_allocated(collector, from));
}

// Growing a list moves all that is in it, which a handshake does not wait for either.
class GrowthTest : public PiecesTest {
 protected:
  template <class Register>
  bool grows_blocked(const char* where, Register one_more) {
    bool seen = false;
    for (int i = 0; i < 100'000; ++i) {
      one_more();
      seen = seen || std::string_view(mutator->last_safepoint()) == where;
    }
    return seen;
  }
  TestRoot& fresh() {
    root_ = newobject(type_of<Node>());
    return root_;
  }
  static constexpr const char* kReferences = "growing the list of weak cells and finalizers";

 private:
  TestRoot root_{*mutator};
};

TEST_F(GrowthTest, OfTheWeakCellsIsBlocked) {
  EXPECT_TRUE(grows_blocked(kReferences, [&] { weak_cell(fresh().as<void>()); }));
}

TEST_F(GrowthTest, OfTheEphemeronsIsBlocked) {
  EXPECT_TRUE(grows_blocked(kReferences, [&] { new_ephemeron(fresh().as<void>(), nullptr); }));
}

TEST_F(GrowthTest, OfTheFinalizersIsBlocked) {
  EXPECT_TRUE(grows_blocked(
      kReferences, [&] { collector.references.set_finalizer(fresh().as<void>(), [](void*) {}); }));
}

TEST_F(GrowthTest, OfTheCleanupsIsBlocked) {
  EXPECT_TRUE(grows_blocked(kReferences,
                            [&] { collector.references.add_cleanup(fresh().as<void>(), [] {}); }));
}

TEST(HeapProfileGrowth, IsBlocked) {
  Options options = quiet_options(Mode::kStepping);
  options.mem_profile_rate = 1;
  Collector collector(options);
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "sampled");
  mutator.bind();
  bool seen = false;
  for (int i = 0; i < 150'000; ++i) {
    newobject(type_of<Node>());
    seen = seen || std::string_view(mutator.last_safepoint()) == "growing the heap profile";
  }
  EXPECT_TRUE(seen);
}

}  // namespace
}  // namespace greyhound::gc
