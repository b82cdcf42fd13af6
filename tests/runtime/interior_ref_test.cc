// SPDX-License-Identifier: MIT
// Pointers into objects: InteriorRef keeps the whole of what it points into, and where a base is
// promised anything else is found by checkrefs.
#include <cstring>

#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

struct Element {
  Ref<Node> node;
  int64_t value;
  int64_t more;
};

struct Cursor {
  InteriorRef<Element> at;
  InteriorRef<int64_t> number;
};

class InteriorRefTest : public RuntimeTest {
 protected:
  explicit InteriorRefTest(Options options = precise_options()) : RuntimeTest(options) {}
  bool lives(const void* object) { return is_marked_live(rt, object); }
};

TEST_F(InteriorRefTest, AnElementKeepsTheWholeArrayAndWhatItRefersTo) {
  Handle<Cursor> cursor(thread.make<Cursor>());
  Element* array = thread.make_array<Element>(100);
  for (int64_t i = 0; i < 100; ++i) array[i].value = 1000 + i;
  cursor->at = &array[7];
  array[99].node = thread.make<Node>(nullptr, uint64_t{5});
  rt.collect();
  ASSERT_TRUE(lives(array));
  ASSERT_TRUE(lives(array[99].node));
  for (int i = 0; i < 50; ++i) std::memset(thread.make_array<int64_t>(300), 0xff, 2400);
  EXPECT_EQ(cursor->at->value, 1007);
  EXPECT_EQ(cursor->at.get()[92].node->value, 5u);
  cursor->at = nullptr;
  rt.collect();
  EXPECT_FALSE(lives(array));
}

TEST_F(InteriorRefTest, AFieldKeepsItsObject) {
  Handle<Cursor> cursor(thread.make<Cursor>());
  Element* object = thread.make<Element>(nullptr, int64_t{1}, int64_t{2});
  cursor->number = &object->more;
  rt.collect();
  EXPECT_TRUE(lives(object));
  EXPECT_EQ(*cursor->number, 2);
}

TEST_F(InteriorRefTest, OfALargeObjectAnyElementWillDo) {
  Handle<Cursor> cursor(thread.make<Cursor>());
  Element* array = thread.make_array<Element>(100'000);
  cursor->at = &array[99'999];
  rt.collect();
  EXPECT_TRUE(lives(array));
}

TEST_F(InteriorRefTest, ABaseIsInsideToo) {
  Handle<Cursor> cursor(thread.make<Cursor>());
  cursor->at = thread.make<Element>(nullptr, int64_t{1}, int64_t{2});
  rt.collect();
  EXPECT_TRUE(lives(cursor->at));
}

TEST_F(InteriorRefTest, OnePastTheEndIsOutside) {
  Handle<Cursor> cursor(thread.make<Cursor>());
  Handle<int64_t> keep(thread.make_array<int64_t>(8));
  int64_t* array = thread.make_array<int64_t>(8);  // 64 B, which fill a slot
  cursor->number = array + 8;
  rt.collect();
  EXPECT_FALSE(lives(array));
}

TEST_F(InteriorRefTest, ItsTypeIsInexactAndHasItsPointers) {
  const Type* type = type_of<Cursor>();
  EXPECT_EQ(type->ptrdata, 16u);
  EXPECT_EQ(type->ptrmask[0], 3u);
  EXPECT_FALSE(type->exact());
  EXPECT_TRUE(type_of<InteriorRef<Node>>()->pointer_shaped());
  const auto built = TypeBuilder("Cursors").reference().array(*type, 3).build();
  EXPECT_EQ(built->type()->ptrmask[0], 0x7fu);
  EXPECT_FALSE(built->type()->exact());
}

TEST_F(InteriorRefTest, IsAnElemOfAMapAndAValueInAnInterface) {
  auto map = maps::Map<int64_t, InteriorRef<int64_t>>::make();
  Handle<maps::hmap> rooted(map.header());
  Element* object = thread.make<Element>(nullptr, int64_t{1}, int64_t{3});
  for (int64_t i = 0; i < 100; ++i) map.insert_or_assign(i, &object->value);
  struct Holder {
    eface any;
  };
  Handle<Holder> holder(thread.make<Holder>());
  Element* boxed = thread.make<Element>(nullptr, int64_t{1}, int64_t{4});
  holder->any = to_eface(InteriorRef<int64_t>(&boxed->more));
  rt.collect();
  EXPECT_TRUE(lives(object));
  EXPECT_TRUE(lives(boxed));
  EXPECT_EQ(*holder->any.as<InteriorRef<int64_t>>()->get(), 4);
}

Options checking_refs() {
  Options options = precise_options();
  options.debug.checkrefs = 1;
  return options;
}

class CheckRefsTest : public InteriorRefTest {
 protected:
  CheckRefsTest() : InteriorRefTest(checking_refs()) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};
using CheckRefsDeathTest = CheckRefsTest;

TEST_F(CheckRefsDeathTest, AnElementsAddressInARefSaysWhatItIsAndWhatToUse) {
  Handle<Node> holder(thread.make<Node>());
  Handle<Node> array(thread.make_array<Node>(100));
  EXPECT_EXIT(holder->next = &array.get()[7], ::testing::ExitedWithCode(2),
              "a reference that is not the base of an object is stored: 0x.* is byte 112 of the "
              "object at 0x.* a Ref .* holds null or what make.. gave, InteriorRef .* anywhere");
}

TEST_F(CheckRefsDeathTest, SoDoesAFieldsAddressInAMove) {
  Handle<Element> element(thread.make<Element>());
  Handle<Node> node(thread.make<Node>());
  const uintptr_t source[3] = {reinterpret_cast<uintptr_t>(&node->value), 0, 0};
  EXPECT_EXIT(gc::typedmemmove(type_of<Element>(), element.get(), source),
              ::testing::ExitedWithCode(2), "is byte 8 of the object");
}

TEST_F(CheckRefsDeathTest, SoDoesAReferenceFieldOfABuiltType) {
  const auto type = TypeBuilder("Pair").reference().reference().build();
  Handle<void*> pair(static_cast<void**>(gc::newobject(type->type())));
  Handle<Node> node(thread.make<Node>());
  EXPECT_EXIT(gc::write_pointer(pair.get() + 1, &node->value), ::testing::ExitedWithCode(2),
              "is byte 8 of the object");
}

TEST_F(CheckRefsDeathTest, SoDoesAnElemOfAMap) {
  auto map = maps::Map<int64_t, Ref<Node>>::make();
  Handle<maps::hmap> rooted(map.header());
  Handle<Node> array(thread.make_array<Node>(100));
  EXPECT_EXIT(map.insert_or_assign(1, &array.get()[3]), ::testing::ExitedWithCode(2),
              "is byte 48 of the object");
}

TEST_F(CheckRefsTest, BasesTinyObjectsAndWhatIsNotTheHeapsAreTaken) {
  struct Holder {
    Ref<Node> node;
    Ref<int32_t> number;
  };
  Handle<Holder> holder(thread.make<Holder>());
  static Node outside;
  holder->node = &outside;
  holder->node = thread.make<Node>();
  holder->node = nullptr;
  for (int i = 0; i < 8; ++i) holder->number = thread.make<int32_t>(i);
  EXPECT_EQ(*holder->number, 7);
}

// The barrier's fast paths are open all the time; nothing is shaded but while marking.
TEST_F(CheckRefsTest, CollectionsGoOnAsEver) {
  Handle<Node> list(nullptr);
  for (uint64_t round = 0; round < 20; ++round) {
    list = nullptr;
    for (uint64_t i = 0; i < 5000; ++i) list = thread.make<Node>(list.get(), i);
    Node* garbage = thread.make<Node>(list.get(), uint64_t{0});
    rt.collect();
    ASSERT_TRUE(lives(list));
    ASSERT_FALSE(lives(garbage));
  }
  uint64_t length = 0;
  for (Node* node = list; node != nullptr; node = node->next) ++length;
  EXPECT_EQ(length, 5000u);
}

}  // namespace
}  // namespace greyhound::runtime
