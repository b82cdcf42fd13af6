// SPDX-License-Identifier: MIT
// Misuse is noticed: nil maps panic (recoverable), races that are caught end the process.
#include "maps/fast64.h"
#include "maps/faststr.h"
#include "tests/maps/fixture.h"

namespace greyhound::maps {
namespace {

class MisuseTest : public IntMapTest {
 protected:
  // As if another thread were in the middle of a write.
  void pretend_writer() {
    put(1, 1);
    h_->set(kHashWriting);
  }
};

TEST_F(MisuseTest, NilMapReadsAsEmpty) {
  const int64_t key = 1;
  EXPECT_EQ(mapaccess1(t_, nullptr, &key), zeroVal);
  EXPECT_FALSE(mapaccess2(t_, nullptr, &key).ok);
  EXPECT_FALSE(mapaccess2_fast64(t_, nullptr, 1).ok);
  EXPECT_EQ(maplen(nullptr), 0);
  mapdelete(t_, nullptr, &key);
  mapdelete_fast64(t_, nullptr, 1);
  mapclear(t_, nullptr);
}

TEST_F(MisuseTest, AssignmentToNilMapPanics) {
  const int64_t key = 1;
  EXPECT_EQ(panic_of([&] { mapassign(t_, nullptr, &key); }), "assignment to entry in nil map");
  EXPECT_EQ(panic_of([&] { mapassign_fast64(t_, nullptr, 1); }), "assignment to entry in nil map");
}

class MisuseDeathTest : public MisuseTest {
 protected:
  MisuseDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(MisuseDeathTest, ReadWhileWritingIsFatal) {
  pretend_writer();
  const auto dies = ::testing::ExitedWithCode(2);
  EXPECT_EXIT(has(1), dies, "fatal error: concurrent map read and map write");
  EXPECT_EXIT(mapaccess1_fast64(t_, h_, 1), dies, "fatal error: concurrent map read and map write");
}

TEST_F(MisuseDeathTest, TwoWritersAreFatal) {
  pretend_writer();
  const auto dies = ::testing::ExitedWithCode(2);
  EXPECT_EXIT(put(2, 2), dies, "fatal error: concurrent map writes");
  EXPECT_EXIT(erase(1), dies, "fatal error: concurrent map writes");
  EXPECT_EXIT(mapassign_fast64(t_, h_, 2), dies, "fatal error: concurrent map writes");
  EXPECT_EXIT(mapdelete_fast64(t_, h_, 1), dies, "fatal error: concurrent map writes");
  EXPECT_EXIT(mapclear(t_, h_), dies, "fatal error: concurrent map writes");
}

TEST_F(MisuseDeathTest, IterationWhileWritingIsFatal) {
  put_range(0, 10);
  hiter it;
  mapiterinit(t_, h_, &it);
  h_->set(kHashWriting);
  EXPECT_EXIT(mapiternext(&it), ::testing::ExitedWithCode(2),
              "fatal error: concurrent map iteration and map write");
  hiter other;
  EXPECT_EXIT(mapiterinit(t_, h_, &other), ::testing::ExitedWithCode(2),
              "fatal error: concurrent map iteration and map write");
}

}  // namespace
}  // namespace greyhound::maps
