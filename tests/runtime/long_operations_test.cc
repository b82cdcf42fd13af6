// SPDX-License-Identifier: MIT
// That what the runtime does over input of any size keeps no handshake waiting for all of it.
#include <sys/mman.h>

#include <array>
#include <memory>

#include "maps/map.h"
#include "runtime/iface.h"
#include "runtime/string.h"
#include "runtime/type_builder.h"
#include "tests/gc/tripwires.h"
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

using maps::Map;

constexpr size_t kBytes = 16 << 20;
constexpr size_t kMost = (256 + 32) << 10;

Options stepping() {
  Options options;
  options.mode = Mode::kStepping;
  options.reserve = uint64_t{1} << 30;
  options.use_environment = false;
  return options;
}

class LongOperationsTest : public RuntimeTest {
 protected:
  LongOperationsTest() : RuntimeTest(stepping()) {}
  const char* last_safepoint() { return thread.mutator().last_safepoint(); }
};

TEST_F(LongOperationsTest, CopyingAStringAnswersInBetween) {
  const std::string source(kBytes, 'x');
  String copy;
  {
    const gc::Tripwires wires(&rt.collector(), source.data(), kBytes);
    copy = String::copy(source);
    EXPECT_GE(wires.touched(), kBytes / 2);
    EXPECT_LE(wires.longest(), kMost);
  }
  EXPECT_EQ(copy.view(), source);
}

TEST_F(LongOperationsTest, CopyingAManagedStringKeepsItMeanwhile) {
  const String first = String::copy(std::string(kBytes, 'x'));
  const String second = String::copy(first);
  EXPECT_EQ(second.view(), std::string(kBytes, 'x'));
}

TEST_F(LongOperationsTest, ComparingStringsAnswersInBetween) {
  const String a = String::copy(std::string(kBytes, 'x'));
  const String b = String::copy(std::string(kBytes, 'x'));
  const gc::Tripwires wires(&rt.collector(), a.data(), kBytes);
  EXPECT_TRUE(a == b);
  EXPECT_GE(wires.touched(), kBytes / 2);
  EXPECT_LE(wires.longest(), kMost);
}

TEST_F(LongOperationsTest, LongStringsCompareAsShortOnes) {
  for (const size_t size : {size_t{1} << 18, (size_t{1} << 18) + 1, kBytes}) {
    std::string text(size, 'x');
    const String a = String::copy(text);
    EXPECT_TRUE(a == String::copy(text)) << size;
    text.back() = 'y';
    EXPECT_FALSE(a == String::copy(text)) << size;
    text.back() = 'x';
    text.front() = 'y';
    EXPECT_FALSE(a == String::copy(text)) << size;
    text.pop_back();
    EXPECT_FALSE(a == String::copy(text)) << size;
  }
}

// What only copies what the runtime knows does so in a blocking region.
TEST_F(LongOperationsTest, ReadingProfilesIsBlocked) {
  rt.heap_profile();
  EXPECT_STREQ(last_safepoint(), "heap_profile");
  rt.wait_profile();
  EXPECT_STREQ(last_safepoint(), "wait_profile");
}

TEST_F(LongOperationsTest, TracingIsBlocked) {
  ASSERT_TRUE(rt.trace_start());
  EXPECT_STREQ(last_safepoint(), "trace_start");
  rt.trace_stop();
  EXPECT_STREQ(last_safepoint(), "trace_stop");
}

TEST_F(LongOperationsTest, DescribingALongArrayIsBlocked) {
  TypeBuilder builder("long");
  builder.array(*type_of<Node>(), 1 << 18);
  EXPECT_STREQ(last_safepoint(), "describing a type");
}

TEST_F(LongOperationsTest, DescribingAValueOfALongTypeIsBlocked) {
  TypeBuilder inner("inner");
  inner.array(*type_of<Ref<Node>>(), 1 << 18);
  const auto built = inner.build();
  rt.heap_profile();
  ASSERT_STREQ(last_safepoint(), "heap_profile");
  TypeBuilder("outer").value(*built->type());
  EXPECT_STREQ(last_safepoint(), "describing a type");
}

// --- keys of maps, where stacks are roots

TEST_F(LongOperationsTest, AStringKeyIsHashedAndComparedInPieces) {
  const String a = String::copy(std::string(kBytes, 'x'));
  const String b = String::copy(std::string(kBytes, 'x'));
  auto map = Map<String, int64_t>::make();
  map.insert_or_assign(a, 1);
  const gc::Tripwires wires(&rt.collector(), b.data(), kBytes);
  ASSERT_NE(map.find(b), nullptr);
  EXPECT_GE(wires.touched(), kBytes / 2);
  EXPECT_LE(wires.longest(), kMost);
}

TEST_F(LongOperationsTest, KeysOfAnyLengthAreFoundWhateverThePieces) {
  auto map = Map<String, int64_t>::make();
  int64_t number = 0;
  for (const size_t size :
       {kMost / 2, size_t{1} << 18, (size_t{1} << 18) + 1, (size_t{1} << 18) + 33, kBytes}) {
    std::string text(size, 'x');
    map.insert_or_assign(String::copy(text), ++number);
    EXPECT_EQ(map.get(String::copy(text)), number) << size;
    text.back() = 'y';
    EXPECT_EQ(map.find(String::copy(text)), nullptr) << size;
  }
  EXPECT_EQ(map.size(), number);
}

TEST_F(LongOperationsTest, ABoxedArrayOfFloatsIsAKeyInPieces) {
  using Floats = std::array<double, kBytes / 8>;
  auto a = std::make_unique<Floats>();
  const eface first = to_eface(*a);
  const eface second = to_eface(*a);
  auto map = Map<eface, int64_t>::make();
  map.insert_or_assign(first, 1);
  const gc::Tripwires wires(&rt.collector(), second.data(), kBytes);
  ASSERT_NE(map.find(second), nullptr);
  EXPECT_GE(wires.touched(), kBytes / 2);
  EXPECT_LE(wires.longest(), kMost);
}

TEST(LongOperations, DescribingAnArrayWithoutPointersLooksAtNoElement) {
  TypeBuilder builder("bytes");
  builder.array(*type_of<uint8_t>(), size_t{1} << 40);  // minutes, otherwise
}

}  // namespace
}  // namespace greyhound::runtime
