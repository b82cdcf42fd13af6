// SPDX-License-Identifier: MIT
#include "runtime/base/type.h"

#include <gtest/gtest.h>

#include <string>

namespace greyhound {
namespace {

constexpr uint64_t kFirstAndThird[] = {0b101};

Type pair_of_pointers() {
  Type type;
  type.size = 32;
  type.align = 8;
  type.ptrdata = 24;
  type.ptrmask = kFirstAndThird;
  return type;
}

TEST(Type, AWellFormedDescriptorPasses) {
  EXPECT_EQ(verify_type(pair_of_pointers()), nullptr);
  Type noscan;
  noscan.size = 3;
  EXPECT_EQ(verify_type(noscan), nullptr);
}

TEST(Type, PointerWordsAreThoseOfTheMaskBelowPtrdata) {
  const Type type = pair_of_pointers();
  EXPECT_TRUE(type.is_pointer_word(0));
  EXPECT_FALSE(type.is_pointer_word(1));
  EXPECT_TRUE(type.is_pointer_word(2));
  EXPECT_FALSE(type.is_pointer_word(3));
}

TEST(Type, EachBrokenInvariantIsNamed) {
  const auto broken = [](auto change) {
    Type type = pair_of_pointers();
    change(type);
    const char* sentence = verify_type(type);
    return sentence == nullptr ? std::string() : std::string(sentence);
  };
  EXPECT_NE(broken([](Type& t) { t.align = 0; }), "");
  EXPECT_NE(broken([](Type& t) { t.align = 12; }), "");
  EXPECT_NE(broken([](Type& t) { t.align = 32; }), "");
  EXPECT_NE(broken([](Type& t) { t.size = 33; }), "");
  EXPECT_NE(broken([](Type& t) { t.ptrdata = 20; }), "");
  EXPECT_NE(broken([](Type& t) { t.size = 16; }), "");
  EXPECT_NE(broken([](Type& t) { t.align = 4; }), "");
  EXPECT_NE(broken([](Type& t) { t.ptrmask = nullptr; }), "");
  EXPECT_NE(broken([](Type& t) { t.ptrdata = 16; }), "");  // word 1 is no pointer
  EXPECT_NE(broken([](Type& t) { t.size = kMaxPointerTypeBytes + 8; }), "");
  EXPECT_NE(broken([](Type& t) { t.hasher = [](const void*, uint64_t) { return uint64_t{0}; }; }),
            "");
}

}  // namespace
}  // namespace greyhound
