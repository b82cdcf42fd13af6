// SPDX-License-Identifier: MIT
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

struct Point {
  int64_t x;
  Ref<Point> next;
  int8_t flag;
  Ref<Point> other;
};

TEST(TypeBuilderTest, LaysFieldsOutAsCxxDoes) {
  TypeBuilder builder("Point");
  builder.scalar(8, 8).reference().scalar(1, 1).reference();
  const auto built = builder.build();
  ASSERT_NE(built, nullptr);
  const Type* expected = type_of<Point>();
  EXPECT_EQ(built->type()->size, expected->size);
  EXPECT_EQ(built->type()->ptrdata, expected->ptrdata);
  EXPECT_EQ(built->type()->ptrmask[0], expected->ptrmask[0]);
  EXPECT_EQ(built->offset(3), offsetof(Point, other));
  EXPECT_TRUE(built->type()->exact());
}

TEST(TypeBuilderTest, InteriorPointersMakeATypeInexact) {
  const auto built = TypeBuilder("Slice").interior().scalar(16, 8).build();
  ASSERT_NE(built, nullptr);
  EXPECT_FALSE(built->type()->exact());
  EXPECT_EQ(built->type()->ptrdata, 8u);
}

TEST(TypeBuilderTest, ArraysRepeatTheMask) {
  const auto built = TypeBuilder("Points").array(*type_of<Point>(), 30).build();
  ASSERT_NE(built, nullptr);
  EXPECT_EQ(built->type()->size, 30 * sizeof(Point));
  for (size_t i = 0; i < 30; ++i) {
    EXPECT_FALSE(built->type()->is_pointer_word(i * 4));
    EXPECT_TRUE(built->type()->is_pointer_word(i * 4 + 1));
    EXPECT_FALSE(built->type()->is_pointer_word(i * 4 + 2));
    EXPECT_TRUE(built->type()->is_pointer_word(i * 4 + 3));
  }
}

TEST(TypeBuilderTest, WrongAlignmentIsRefusedWithASentence) {
  std::string error;
  EXPECT_EQ(TypeBuilder("Odd").scalar(32, 32).build(&error), nullptr);
  EXPECT_EQ(error, "type 'Odd': field 0: alignment is above 16 bytes");
}

TEST(TypeBuilderTest, EachThingThatCannotBeIsRefusedWithASentence) {
  const auto refused = [](auto add) {
    TypeBuilder builder("T");
    builder.scalar(8, 8);
    add(builder);
    std::string error;
    EXPECT_EQ(builder.reference().build(&error), nullptr);
    EXPECT_EQ(TypeBuilder(builder).build(), nullptr) << "without a place for the sentence, too";
    return error;
  };
  const std::string prefix = "type 'T': field 1: ";
  const std::string power = prefix + "alignment is not a power of two";
  const std::string above = prefix + "alignment is above 16 bytes";
  const std::string larger = prefix + "the type would be larger than any heap";
  EXPECT_EQ(refused([](TypeBuilder& b) { b.scalar(24, 24); }), power);
  EXPECT_EQ(refused([](TypeBuilder& b) { b.scalar(8, 0); }), power);
  EXPECT_EQ(refused([](TypeBuilder& b) { b.scalar(8, 264); }), power);
  EXPECT_EQ(refused([](TypeBuilder& b) { b.scalar(8, 32); }), above);
  EXPECT_EQ(refused([](TypeBuilder& b) { b.scalar(8, 256); }), above);
  EXPECT_EQ(refused([](TypeBuilder& b) { b.scalar(SIZE_MAX - 3, 8); }), larger);
  EXPECT_EQ(refused([](TypeBuilder& b) { b.scalar(SIZE_MAX, 1); }), larger);
  EXPECT_EQ(refused([](TypeBuilder& b) { b.scalar(SIZE_MAX / 2, 1).scalar(SIZE_MAX / 2, 1); }),
            larger);
  EXPECT_EQ(refused([](TypeBuilder& b) { b.array(*type_of<int64_t>(), size_t{1} << 61); }), larger);
  EXPECT_EQ(refused([](TypeBuilder& b) { b.array(*type_of<Point>(), SIZE_MAX / 16); }), larger);
  EXPECT_EQ(
      refused([](TypeBuilder& b) { b.array(*type_of<Point>(), size_t{1} << 40); }),
      "type 'T': field 2: a type with pointers is above 1 GiB; allocate an array of a smaller "
      "one");
  Type broken;
  broken.size = 8;
  broken.align = 0;
  EXPECT_EQ(refused([&](TypeBuilder& b) { b.value(broken); }), power);
  EXPECT_EQ(
      refused([](TypeBuilder& b) { b.equality([](const void*, const void*) { return true; }); }),
      "type 'T': equality() and hashing() are given both or neither");
}

TEST(TypeBuilderTest, ATypeOfSeveralGigabytesWithoutPointersIsBuilt) {
  const auto built = TypeBuilder("Big").array(*type_of<int64_t>(), size_t{3} << 28).build();
  ASSERT_NE(built, nullptr);
  EXPECT_EQ(built->type()->size, size_t{3} << 31);
}

TEST(TypeBuilderTest, AScalarBehindALargeOneOfPointersIsRefusedAsAWhole) {
  std::string error;
  EXPECT_EQ(TypeBuilder("T").reference().scalar(size_t{1} << 30, 8).build(&error), nullptr);
  EXPECT_EQ(error, "type 'T': a type with pointers is above 1 GiB");
}

TEST(TypeBuilderTest, AReferenceBehindALargeScalarIsRefusedBeforeItsMaskIsMade) {
  for (const bool interior : {false, true}) {
    TypeBuilder builder("T");
    builder.scalar(size_t{1} << 46, 1);  // a mask of a terabyte
    interior ? builder.interior() : builder.reference();
    std::string error;
    EXPECT_EQ(builder.build(&error), nullptr);
    EXPECT_EQ(error,
              "type 'T': field 2: a type with pointers is above 1 GiB; allocate an array of a "
              "smaller one");
  }
}

TEST(TypeBuilderTest, BuiltTypesAreScanned) {
  const auto built = TypeBuilder("Pair").scalar(8, 8).reference().build();
  Runtime rt(usual_options());
  Thread thread(rt);
  struct Root {
    Ref<Point> object;
  };
  Persistent<Root> root(rt, thread.make<Root>());
  auto* object = static_cast<char*>(gc::newobject(built->type()));
  root->object = reinterpret_cast<Point*>(object);
  auto* field = reinterpret_cast<Ref<Point>*>(object + built->offset(1));
  *field = thread.make<Point>(int64_t{9}, nullptr, int8_t{0}, nullptr);
  for (int i = 0; i < 3; ++i) rt.collect();
  EXPECT_EQ((*field)->x, 9);
}

}  // namespace
}  // namespace greyhound::runtime
