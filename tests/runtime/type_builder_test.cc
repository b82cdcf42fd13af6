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
  EXPECT_EQ(error, "type 'Odd': alignment is above 16 bytes");
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
