// SPDX-License-Identifier: MIT
// Layouts: interning, the mask repeated to a slot's end, and who gets spans of its own.
#include "gc/heap/layout.h"

#include <deque>

#include "gc/heap/mcentral.h"
#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

// A type of `words` words whose pointers are the set bits of `mask`.
struct Made {
  Made(size_t words, uint64_t mask, uint8_t flags = kTypeExactPointers) : bits(mask) {
    type.size = words * 8;
    type.align = 8;
    type.ptrdata = (64 - static_cast<size_t>(__builtin_clzll(mask))) * 8;
    type.ptrmask = &bits;
    type.flags = flags;
  }
  Made(const Made&) = delete;
  uint64_t bits;
  Type type;
};

TEST(Layout, EqualMasksShareALayout) {
  LayoutRegistry layouts;
  const Made one(4, 0b101), two(4, 0b101), other(4, 0b11);
  const SizeClass c = size_to_class(32);
  Layout* layout = layouts.intern(&one.type, c);
  EXPECT_EQ(layouts.intern(&two.type, c), layout);
  EXPECT_NE(layouts.intern(&other.type, c), layout);
  EXPECT_NE(layouts.intern(&one.type, size_to_class(48)), layout) << "another size class";
  EXPECT_EQ(layouts.by_id(layout->id), layout);
}

TEST(Layout, TrailingScalarsDoNotTellTypesApart) {
  LayoutRegistry layouts;
  const Made three(3, 0b1), four(4, 0b1);
  // Both are one slot of 32 bytes with a pointer in front, but an array of either would differ.
  EXPECT_EQ(layouts.intern(&three.type, size_to_class(32))->slot_mask, 0b1u)
      << "no second element fits";
  EXPECT_EQ(layouts.intern(&four.type, size_to_class(32)),
            layouts.intern(&three.type, size_to_class(32)));
}

TEST(Layout, ExactAndInteriorPointersDiffer) {
  LayoutRegistry layouts;
  const Made exact(2, 0b1), interior(2, 0b1, 0);
  EXPECT_NE(layouts.intern(&exact.type, 1), layouts.intern(&interior.type, 1));
  EXPECT_TRUE(layouts.intern(&exact.type, 1)->exact);
  EXPECT_FALSE(layouts.intern(&interior.type, 1)->exact);
}

TEST(Layout, TheMaskRepeatsToTheSlotsEnd) {
  LayoutRegistry layouts;
  const Made pair(2, 0b1);
  EXPECT_EQ(layouts.intern(&pair.type, size_to_class(128))->slot_mask, 0x5555u);
  const Made triple(3, 0b11);
  // 128 bytes are five triples and one word: that word belongs to no element.
  EXPECT_EQ(layouts.intern(&triple.type, size_to_class(128))->slot_mask, 0b011'011'011'011'011u);
}

TEST(Layout, AnArrayOfPairsIsAStructOfFour) {
  LayoutRegistry layouts;
  const Made pair(2, 0b10), four(4, 0b1010);
  EXPECT_EQ(layouts.intern(&pair.type, size_to_class(64)),
            layouts.intern(&four.type, size_to_class(64)));
}

TEST(Layout, SlotsAboveSixtyFourWordsRepeatTheMaskWithinAWord) {
  LayoutRegistry layouts;
  const Made pair(2, 0b1), triple(3, 0b110), wide(33, 0b101);
  Layout* layout = layouts.intern(&pair.type, size_to_class(1024));
  EXPECT_EQ(layout->slot_mask, 0u);
  EXPECT_EQ(layout->elem_words, 64u);
  EXPECT_EQ(layout->ptr_words, 63u);
  EXPECT_EQ(layout->mask, std::vector<uint64_t>{0x5555'5555'5555'5555});
  layout = layouts.intern(&triple.type, kLargeClass);
  EXPECT_EQ(layout->elem_words, 63u) << "twenty-one triples";
  EXPECT_EQ(layout->ptr_words, 63u);
  EXPECT_EQ(layout->mask, std::vector<uint64_t>{0x6db6'db6d'b6db'6db6});
  layout = layouts.intern(&wide.type, kLargeClass);
  EXPECT_EQ(layout->elem_words, 33u) << "two do not fit";
  EXPECT_EQ(layout->mask, std::vector<uint64_t>{0b101});
}

TEST(Layout, ThereIsOneNoscanLayoutAClass) {
  LayoutRegistry layouts;
  Type noscan;
  noscan.size = 24;
  for (SizeClass c = 0; c < kNumSizeClasses; ++c) {
    EXPECT_EQ(layouts.intern(nullptr, c), layouts.noscan(c));
    EXPECT_EQ(layouts.intern(&noscan, c), layouts.noscan(c));
    EXPECT_TRUE(layouts.noscan(c)->noscan());
    EXPECT_NE(layouts.noscan(c)->central.load(), nullptr) << "it owns spans from the start";
  }
}

TEST(Layout, AtMostThirtyTwoOfAClassOwnSpans) {
  LayoutRegistry layouts;
  std::deque<Made> made;
  unsigned owners = 0;
  for (uint64_t mask = 1; mask <= 50; ++mask) {
    made.emplace_back(6, mask);
    Layout* layout = layouts.intern(&made.back().type, size_to_class(48));
    layouts.try_promote(layout);
    owners += layout->central.load() != nullptr;
  }
  EXPECT_EQ(owners, kMaxOwnLayoutsPerClass);
}

TEST(Layout, PromotingTwiceChangesNothing) {
  LayoutRegistry layouts;
  const Made pair(2, 0b1);
  Layout* layout = layouts.intern(&pair.type, 1);
  layouts.try_promote(layout);
  mcentral* central = layout->central.load();
  layouts.try_promote(layout);
  EXPECT_EQ(layout->central.load(), central);
}

class LayoutHeapTest : public SteppingTest {};

TEST_F(LayoutHeapTest, ALayoutGetsItsOwnSpansAfter32KiB) {
  const Made rare(6, 0b100001);
  Layout* layout = collector.heap.layouts().intern(&rare.type, size_to_class(48));
  ActAs act(*a);
  for (size_t bytes = 48; bytes < kPromoteBytes; bytes += 48) {
    auto* object = static_cast<char*>(newobject(&rare.type));
    ASSERT_EQ(collector.heap.span_of(address_of(object))->layout, nullptr)
        << "shared, after " << bytes;
  }
  newobject(&rare.type);
  EXPECT_NE(layout->central.load(), nullptr);
  EXPECT_EQ(collector.heap.span_of(address_of(newobject(&rare.type)))->layout, layout);
}

TEST_F(LayoutHeapTest, ObjectsOfASharedSpanKeepTheirOwnLayouts) {
  const Made front(4, 0b0001), back(4, 0b1000);
  Node* kept_by_front;
  Node* kept_by_back;
  Node* not_kept;
  {
    ActAs act(*a);
    kept_by_front = static_cast<Node*>(newobject(type_of<Node>()));
    kept_by_back = static_cast<Node*>(newobject(type_of<Node>()));
    not_kept = static_cast<Node*>(newobject(type_of<Node>()));
  }
  TestRoot one(*a), two(*a);
  {
    ActAs act(*a);
    one = newobject(&front.type);
    two = newobject(&back.type);
    ASSERT_EQ(collector.heap.span_of(address_of(one.as<void>())),
              collector.heap.span_of(address_of(two.as<void>())));
    auto* f = one.as<uintptr_t>();
    auto* g = two.as<uintptr_t>();
    f[0] = address_of(kept_by_front);
    f[3] = address_of(not_kept);
    g[3] = address_of(kept_by_back);
    g[0] = address_of(not_kept);
  }
  collect();
  EXPECT_TRUE(alive(kept_by_front));
  EXPECT_TRUE(alive(kept_by_back));
  EXPECT_FALSE(alive(not_kept));
}

TEST_F(LayoutHeapTest, AThousandTypesOfTenObjectsStaySmall) {
  std::deque<Made> made;
  size_t bytes = 0;
  {
    ActAs act(*a);
    for (uint64_t i = 0; i < 1000; ++i) {
      const size_t words = 2 + i % 30;
      made.emplace_back(words, 1 + i % ((uint64_t{1} << std::min<size_t>(words, 12)) - 1));
      for (int n = 0; n < 10; ++n) newobject(&made.back().type);
      bytes += 10 * kSizeClasses[size_to_class(words * 8)].size;
    }
  }
  // One partly filled span for each size class at most, not one for each type.
  EXPECT_LE(collector.heap.page_bytes(), bytes + 30 * kMinSpanPages * kPageSize);
}

// Of the types that come after the last id no word may be lost, whatever their masks: a number that
// looks like an address may keep an object.
TEST(Layout, TypesBeyondTheLastIdShareALayoutOfAnyWords) {
  LayoutRegistry layouts;
  const SizeClass c = size_to_class(256);
  for (uint64_t mask = 1; layouts.count() < kMaxLayouts - kNumSizeClasses + 1; ++mask) {
    const Made type(32, mask);
    ASSERT_EQ(layouts.intern(&type.type, c)->slot_mask, mask);
  }
  const Made late(32, 0b1001 | uint64_t{1} << 30), later(32, 0b11 | uint64_t{1} << 30);
  Layout* any = layouts.intern(&late.type, c);
  EXPECT_EQ(any->slot_mask, 0xffffffffu);
  EXPECT_FALSE(any->exact);
  EXPECT_EQ(layouts.intern(&later.type, c), any);
  EXPECT_EQ(layouts.by_id(any->id), any);
  const Made early(32, 0b101);
  EXPECT_EQ(layouts.intern(&early.type, c)->slot_mask, 0b101u) << "known ones keep theirs";
  for (size_t i = 0; i < kNumSizeClasses; ++i) {
    const auto each = static_cast<SizeClass>(i);
    const Layout* layout = layouts.intern(&late.type, each);
    EXPECT_LE(layout->id, kMaxLayouts);
    EXPECT_EQ(layout->size_class, each);
    if (i != kLargeClass && kSizeClasses[i].size <= 512) continue;
    EXPECT_EQ(layout->mask[0], ~uint64_t{0});
    EXPECT_EQ(layout->ptr_words, 64u);
    EXPECT_EQ(layout->elem_words, 64u);
  }
}

}  // namespace
}  // namespace greyhound::gc
