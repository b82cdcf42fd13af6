// SPDX-License-Identifier: MIT
// Boxing: which conversions allocate, and how much; what docs/claims.md says of it in rows 30
// to 34.
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

struct TwoInts {
  int64_t a = 0, b = 0;
};
struct OnePointer {
  Ref<TwoInts> target;
};
struct Wide {
  std::array<int64_t, 16> words{};
};
struct Empty {};

using IfaceTest = RuntimeTest;

template <class T>
Allocated boxing(Runtime& rt, const T& value) {
  eface boxed;
  const Allocated result = allocated_by(rt, [&] { boxed = to_eface(value); });
  EXPECT_EQ(boxed.type(), type_of<T>());
  return result;
}

TEST_F(IfaceTest, IntegersBelow256AreSharedCells) {
  for (int64_t value : {0, 1, 7, 255}) EXPECT_EQ(boxing(rt, value).objects, 0u) << value;
  EXPECT_EQ(to_eface(int64_t{7}).data(), to_eface(int64_t{7}).data());
  EXPECT_EQ(boxing(rt, int32_t{255}).objects, 0u);
  EXPECT_EQ(boxing(rt, uint16_t{255}).objects, 0u);
}

TEST_F(IfaceTest, OtherIntegersAreOneObjectOfTheirSize) {
  for (int64_t value : {int64_t{256}, int64_t{-1}, INT64_MAX}) {
    const Allocated a = boxing(rt, value);
    EXPECT_EQ(a.objects, 1u) << value;
    EXPECT_EQ(a.bytes, 8u) << value;
  }
  EXPECT_EQ(boxing(rt, int32_t{256}).bytes, 4u);
  EXPECT_EQ(boxing(rt, uint16_t{256}).bytes, 2u);
}

TEST_F(IfaceTest, SingleBytesNeverAllocate) {
  for (int value = 0; value < 256; ++value)
    EXPECT_EQ(boxing(rt, static_cast<uint8_t>(value)).objects, 0u);
  EXPECT_EQ(boxing(rt, true).objects, 0u);
}

TEST_F(IfaceTest, ZeroFloatsAreSharedAndOthersAllocate) {
  EXPECT_EQ(boxing(rt, 0.0).objects, 0u);
  EXPECT_EQ(boxing(rt, 1.5).objects, 1u);
  EXPECT_EQ(boxing(rt, 1.5).bytes, 8u);
}

TEST_F(IfaceTest, StringsAllocateTheirHeaderUnlessEmpty) {
  EXPECT_EQ(boxing(rt, String()).objects, 0u);
  const Allocated a = boxing(rt, String::literal("greyhound"));
  EXPECT_EQ(a.objects, 1u);
  EXPECT_EQ(a.bytes, 16u);
}

TEST_F(IfaceTest, StructsAreCopiedWhole) {
  EXPECT_EQ(boxing(rt, TwoInts{1, 2}).bytes, 16u);
  Wide wide;
  wide.words[3] = 1;
  EXPECT_EQ(boxing(rt, wide).bytes, 128u);
  EXPECT_EQ(boxing(rt, Empty{}).objects, 0u);
}

TEST_F(IfaceTest, PointerShapedValuesAreTheDataWord) {
  auto* target = thread.make<TwoInts>(1, 2);
  Ref<TwoInts> reference(target);
  eface boxed;
  EXPECT_EQ(allocated_by(rt, [&] { boxed = to_eface(reference); }).objects, 0u);
  EXPECT_EQ(boxed.data(), target);
  ASSERT_NE(boxed.as<Ref<TwoInts>>(), nullptr);
  EXPECT_EQ(boxed.as<Ref<TwoInts>>()->get(), target);
  EXPECT_EQ(to_eface(reference).as<Ref<TwoInts>>()->get(), target);
}

TEST_F(IfaceTest, CopyingAnInterfaceAllocatesNothing) {
  const eface boxed = to_eface(int64_t{1000});
  eface copy;
  EXPECT_EQ(allocated_by(rt, [&] { copy = boxed; }).objects, 0u);
  EXPECT_EQ(copy.data(), boxed.data());
}

TEST_F(IfaceTest, AsGivesTheValueOfTheRightTypeOnly) {
  const eface boxed = to_eface(int64_t{1000});
  ASSERT_NE(boxed.as<int64_t>(), nullptr);
  EXPECT_EQ(*boxed.as<int64_t>(), 1000);
  EXPECT_EQ(boxed.as<uint64_t>(), nullptr);
  EXPECT_EQ(boxed.as<String>(), nullptr);
  EXPECT_TRUE(eface().is_nil());
  EXPECT_TRUE(BoxedValue(nullptr, nullptr).is_nil());
  EXPECT_EQ(eface().as<int64_t>(), nullptr);
}

TEST_F(IfaceTest, BoxKeepsWhatTheValueRefersTo) {
  struct Holder {
    eface value;
  };
  Persistent<Holder> root(rt, thread.make<Holder>());
  root->value = to_eface(String::copy("kept by a box by an interface"));
  for (int i = 0; i < 3; ++i) rt.collect();
  ASSERT_NE(root->value.as<String>(), nullptr);
  EXPECT_EQ(root->value.as<String>()->view(), "kept by a box by an interface");
}

TEST_F(IfaceTest, TinyBoxesShareBlocksOfSixteenBytes) {
  rt.collect();
  const auto first = reinterpret_cast<uintptr_t>(convT64(1000));
  const auto second = reinterpret_cast<uintptr_t>(convT64(1001));
  // Two 8-byte boxes fit a block; under gcstress a collection may come between them.
  if (second == first + 8) {
    EXPECT_EQ(first / 16, second / 16);
  }
  EXPECT_EQ(first % 8, 0u);
}

}  // namespace
}  // namespace greyhound::runtime
