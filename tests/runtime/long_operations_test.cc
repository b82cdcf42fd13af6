// SPDX-License-Identifier: MIT
// That what the runtime does over input of any size keeps no handshake waiting for all of it.
#include <sys/mman.h>

#include "runtime/string.h"
#include "runtime/type_builder.h"
#include "tests/gc/tripwires.h"
#include "tests/runtime/fixture.h"

namespace greyhound::runtime {
namespace {

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

TEST_F(LongOperationsTest, GivingMemoryBackIsBlocked) {
  rt.return_memory();
  EXPECT_STREQ(last_safepoint(), "return_memory");
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

TEST(LongOperations, DescribingAnArrayWithoutPointersLooksAtNoElement) {
  TypeBuilder builder("bytes");
  builder.array(*type_of<uint8_t>(), size_t{1} << 40);  // minutes, otherwise
}

}  // namespace
}  // namespace greyhound::runtime
