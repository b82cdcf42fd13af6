// SPDX-License-Identifier: MIT
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

using StringTest = RuntimeTest;

TEST_F(StringTest, LiteralsAllocateNothingAndNeedNoMutator) {
  EXPECT_EQ(allocated_by(rt, [] { EXPECT_EQ(String::literal("abc").view(), "abc"); }).objects, 0u);
}

TEST_F(StringTest, CopyIsOneNoscanObject) {
  const gc::GcStats before = rt.stats();
  const String text = String::copy("twenty characters...");
  EXPECT_EQ(rt.stats().mallocs - before.mallocs, 1u);
  EXPECT_EQ(text.view(), "twenty characters...");
  EXPECT_TRUE(String::copy("").empty());
}

struct Holder {
  String text;
};

TEST_F(StringTest, SubstringKeepsTheWholeString) {
  Persistent<Holder> holder(rt, thread.make<Holder>());
  holder->text = String::copy(std::string(1000, 'x') + "tail").substring(1000, 1004);
  for (int i = 0; i < 3; ++i) {
    rt.collect();
    String::copy(std::string(1004, 'y'));
  }
  EXPECT_EQ(holder->text.view(), "tail");
}

TEST_F(StringTest, EmptySubstringPointsNowhere) {
  const String text = String::copy("abc");
  EXPECT_EQ(text.substring(3, 3).data(), nullptr);
}

}  // namespace
}  // namespace greyhound::runtime
