// SPDX-License-Identifier: MIT
// Finalizers and cleanups of tiny objects, which share blocks.
#include <array>

#include "tests/gc/references.h"

namespace greyhound::gc {
namespace {

// Objects without pointers and of less than 16 B share blocks, and a block has one mark.
class TinyReferencesTest : public ReferencesTest {
 protected:
  // Three that share a block with nobody else.
  std::array<uint32_t*, 3> make_block() {
    ActAs act(*a);
    std::array<uint32_t*, 3> tiny;
    do {
      for (uint32_t*& each : tiny)
        each = static_cast<uint32_t*>(mallocgc(sizeof(uint32_t), nullptr));
    } while (block_of(tiny[0]) != block_of(tiny[2]) || address_of(tiny[0]) % kGranule != 0);
    mallocgc(12, nullptr);  // the next tiny object is in another block
    for (uint32_t i = 0; i < 3; ++i) *tiny[i] = i + 1;
    return tiny;
  }
  static uintptr_t block_of(const void* object) { return address_of(object) / kGranule; }
  void finalize_tiny(uint32_t* object) {
    ActAs act(*a);
    collector.references.set_finalizer(object, [this](void* dead) {
      finalized.push_back(*static_cast<uint32_t*>(dead));
      if (keep != nullptr) *keep = dead;
    });
  }
};

TEST_F(TinyReferencesTest, EachOfABlockIsFinalizedWithItself) {
  const auto tiny = make_block();
  for (uint32_t* each : tiny) finalize_tiny(each);
  collect();
  run_due(a);
  std::sort(finalized.begin(), finalized.end());
  EXPECT_EQ(finalized, (std::vector<uint64_t>{1, 2, 3})) << "all in the cycle that found them dead";
  collect();
  EXPECT_FALSE(alive(tiny[0]));
}

TEST_F(TinyReferencesTest, ANeighbourThatLivesKeepsTheBlockFromBeingFinalized) {
  const auto tiny = make_block();
  TestRoot neighbour(*a, tiny[1]);
  finalize_tiny(tiny[0]);
  finalize_tiny(tiny[2]);
  collect();
  run_due(a);
  EXPECT_TRUE(finalized.empty());
  neighbour = nullptr;
  collect();
  run_due(a);
  EXPECT_EQ(finalized.size(), 2u);
}

TEST_F(TinyReferencesTest, AFinalizerMayBringItsObjectBack) {
  const auto tiny = make_block();
  TestRoot rescued(*a);
  keep = &rescued;
  finalize_tiny(tiny[1]);
  collect();
  run_due(a);
  EXPECT_EQ(rescued.as<uint32_t>(), tiny[1]);
  collect();
  EXPECT_TRUE(alive(tiny[0])) << "with all of its block";
  EXPECT_EQ(*tiny[1], 2u);
}

TEST_F(TinyReferencesTest, OneThatAnotherFinalizableRefersToWaitsForThat) {
  struct Holder {
    Ref<uint32_t> tiny;
  };
  const auto tiny = make_block();
  promote<Holder>();
  auto* holder = make<Holder>(a);
  store(a, holder->tiny, tiny[0]);  // the block's base
  finalize_tiny(tiny[2]);
  {
    ActAs act(*a);
    collector.references.set_finalizer(holder, [&](void*) { finalized.push_back(100); });
  }
  collect();
  run_due(a);
  EXPECT_EQ(finalized, (std::vector<uint64_t>{100}));
  collect();
  run_due(a);
  EXPECT_EQ(finalized, (std::vector<uint64_t>{100, 3}));
}

TEST_F(TinyReferencesTest, CleanupsRunWhenTheWholeBlockIsDead) {
  const auto tiny = make_block();
  TestRoot neighbour(*a, tiny[0]);
  int ran = 0;
  {
    ActAs act(*a);
    for (uint32_t* each : {tiny[1], tiny[2]})
      collector.references.add_cleanup(each, [&] { ++ran; });
  }
  collect();
  run_due(a);
  EXPECT_EQ(ran, 0);
  neighbour = nullptr;
  collect();
  run_due(a);
  EXPECT_EQ(ran, 2);
}

}  // namespace
}  // namespace greyhound::gc
