// SPDX-License-Identifier: MIT
// A program with more layouts than there are ids for (65,535): what its later types refer to lives,
// in small slots, in slots of more than a mask's word, in large objects and in arrays.
#include <bit>
#include <deque>
#include <memory>
#include <vector>

#include "runtime/handle.h"
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

constexpr size_t kWords = 24;

// A type whose pointer words are the bits of `mask`.
std::unique_ptr<BuiltType> type_with(uint64_t mask) {
  TypeBuilder builder("type");
  for (size_t i = 0; i < kWords; ++i) {
    if ((mask >> i) & 1) {
      builder.reference();
    } else {
      builder.scalar(8, 8);
    }
  }
  return builder.build();
}

class ManyLayoutsTest : public RuntimeTest {
 protected:
  static Options options() {
    Options options = precise_options();
    options.debug.clobberfree = 1;
    return options;
  }
  ManyLayoutsTest() : RuntimeTest(options()) {}

  // Every id is given away, each to a mask of its own.
  void use_up_layouts() {
    gc::LayoutRegistry& layouts = rt.collector().heap.layouts();
    uint64_t mask = 1;
    Type type;
    type.size = kWords * 8;
    type.align = 8;
    type.ptrmask = &mask;
    while (layouts.count() <= gc::kMaxLayouts - gc::kNumSizeClasses) {
      type.ptrdata = static_cast<size_t>(std::bit_width(mask)) * 8;
      layouts.intern(&type, gc::size_to_class(type.size));
      ++mask;
    }
  }

  // An array of `count` values, with an object of its own in each pointer word, and numbers that
  // are no addresses in the others.
  uintptr_t* fill(const Type* type, size_t count, uint64_t mask) {
    auto* words = static_cast<uintptr_t*>(gc::newarray(type, count));
    const Handle<uintptr_t> kept(words);
    for (size_t i = 0; i < count * kWords; ++i) {
      if ((mask >> (i % kWords)) & 1) {
        gc::write_pointer(reinterpret_cast<void**>(words + i),
                          thread.make<Node>(nullptr, uint64_t{i}));
      } else {
        store_word(words + i, i);  // which the marker may read, too
      }
    }
    return words;
  }
  static void expect_whole(const uintptr_t* words, size_t count, uint64_t mask) {
    for (size_t i = 0; i < count * kWords; ++i) {
      const bool pointer = (mask >> (i % kWords)) & 1;
      ASSERT_EQ(pointer ? reinterpret_cast<const Node*>(words[i])->value : words[i], i);
    }
  }
};

TEST_F(ManyLayoutsTest, WhatLaterTypesReferToLives) {
  use_up_layouts();
  const uint32_t layouts = rt.collector().heap.layouts().count();
  std::deque<std::unique_ptr<BuiltType>> types;
  std::vector<uint64_t> masks;
  for (uint64_t i = 0; i < 300; ++i) {
    masks.push_back(0xfff000 | i);
    types.push_back(type_with(masks.back()));
  }
  const size_t counts[] = {1, 2, 3, 20, 300};
  for (size_t count : counts) {
    Handle<eface> roots(thread.make_array<eface>(types.size()));
    for (size_t i = 0; i < types.size(); i += count) {
      void* object = fill(types[i]->type(), count, masks[i]);
      roots.get()[i] = eface(types[i]->type(), object);
    }
    rt.collect();
    rt.collect();
    for (size_t i = 0; i < types.size(); i += count)
      expect_whole(static_cast<uintptr_t*>(roots.get()[i].data()), count, masks[i]);
    if (HasFatalFailure()) return;
  }
  EXPECT_LE(rt.collector().heap.layouts().count(), layouts + gc::kNumSizeClasses);
}

}  // namespace
}  // namespace greyhound::runtime
