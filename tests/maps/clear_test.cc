// SPDX-License-Identifier: MIT
// mapclear: what it leaves, and that a big one does not keep collections waiting.
#include <atomic>
#include <thread>

#include "maps/map.h"
#include "runtime/greyhound.h"
#include "tests/maps/fixture.h"

namespace greyhound::maps {
namespace {

class ClearTest : public IntMapTest {};

TEST_F(ClearTest, LeavesAnEmptyTableOfTheSameSize) {
  for (int64_t n : {5, 60, 5000, 5400}) {
    put_range(0, n);
    const unsigned B = h_->B;
    mapclear(t_, h_);
    EXPECT_EQ(maplen(h_), 0);
    EXPECT_EQ(h_->B, B);
    EXPECT_EQ(shape().overflow_buckets, 0u);
    EXPECT_EQ(verify_map(t_, h_), "");
    put_range(0, n);
    EXPECT_EQ(maplen(h_), n);
    EXPECT_EQ(verify_map(t_, h_), "");
  }
}

TEST_F(ClearTest, OfAnEmptyMapIsNothing) {
  put_range(0, 5000);
  for (int64_t i = 0; i < 5000; ++i) erase(i);
  const uint32_t seed = h_->hash0;
  const bmap* buckets = h_->buckets;
  mapclear(t_, h_);
  EXPECT_EQ(h_->hash0, seed) << "no walk over the table";
  EXPECT_EQ(h_->buckets, buckets);
}

// Another thread's collections, each of several handshakes, come to their end while one clear is
// going on: some attempts, since the other thread has to be scheduled meanwhile.
TEST_F(ClearTest, OneOfABigHeapLetsCollectionsHappen) {
  std::atomic<bool> stop{false};
  std::thread other([&] {
    runtime::Thread attached(runtime_, "collector");
    while (!stop) runtime_.collect();
  });
  auto m = Map<int64_t, Ref<hmap>>::make();
  keep(m.header());
  uint64_t cycles = 0;
  for (int attempt = 0; attempt < 100 && cycles == 0; ++attempt) {
    for (int64_t i = 0; i < 300000; ++i) m.insert_or_assign(i, h_);
    const uint64_t before = runtime_.stats().cycles;
    m.clear();
    cycles = runtime_.stats().cycles - before;
  }
  stop = true;
  thread_.blocking([&] { other.join(); });
  EXPECT_GT(cycles, 0u);
  EXPECT_EQ(verify_map(m.type(), m.header()), "");
}

}  // namespace
}  // namespace greyhound::maps
