// SPDX-License-Identifier: MIT
// What a crash report and the allocation trace say.
#include "gc/cycle/crash_report.h"
#include "gc/heap/describe.h"

#include <cerrno>
#include <csignal>

#include "tests/gc/fixture.h"
#include "tests/system_faults.h"

namespace greyhound::gc {
namespace {

class ReportTest : public SteppingTest {
 protected:
  std::string describe(const void* address) {
    char line[1024];
    describe_address(collector.heap, address_of(address), line, sizeof line);
    return line;
  }
  static bool has(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  }
};

TEST_F(ReportTest, AnAddressIsDescribedBySlotTypeAndState) {
  TestRoot node(*a, make(a));
  const std::string line = describe(&node.as<Node>()->value);
  EXPECT_TRUE(has(line, "is byte 16 of the object at 0x")) << line;
  EXPECT_TRUE(has(line, "32 B each")) << line;
  EXPECT_TRUE(has(line, "Node, allocated, not marked")) << line;
  ASSERT_TRUE(step_to(Phase::kDrain));
  EXPECT_TRUE(has(describe(make(a)), "allocated, marked")) << "black";
}

TEST_F(ReportTest, WhatIsNoObjectIsSaidToBeNone) {
  EXPECT_TRUE(has(describe(this), "is not in this runtime's heap"));
  EXPECT_TRUE(
      has(describe(reinterpret_cast<void*>(collector.heap.base() + collector.heap.size() - 8)),
          "in no object's slot"));
}

TEST_F(ReportTest, LargeObjectsAreCalledThat) {
  TestRoot array(*a, make<std::array<Ref<Node>, 60'000>>(a));
  EXPECT_TRUE(has(describe(array.as<void>()), "a large object of 483328 B"))
      << describe(array.as<void>());
}

TEST_F(ReportTest, TheLastPhasesAreListedNewestFirst) {
  collect();
  char text[2048];
  PhaseLog::describe(&collector.phases, text, sizeof text);
  EXPECT_EQ(std::string(text).find("collector phase idle, 1 cycles completed\n"), 0u) << text;
  EXPECT_TRUE(has(text, "ms ago: idle, cycle 1; ")) << text;
  EXPECT_LT(std::string(text).find("sweep"), std::string(text).find("barrier on (H1)"));
}

#if !defined(GREYHOUND_ASAN) && !defined(GREYHOUND_TSAN)  // who handle these signals themselves
// Processes of their own: the handlers are installed once.
TEST(CrashReport, GoesOnAfterAnInterruptedWrite) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        install_crash_handler();
        const SystemFault fault(Call::kWrite, EINTR, 3);
        raise(SIGSEGV);
      },
      ::testing::KilledBySignal(SIGSEGV), "fatal error: signal 11 \\(SIGSEGV\\)");
}

TEST(CrashReport, EndsTheProcessThoughNobodyReadsIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        install_crash_handler();
        const SystemFault fault(Call::kWrite, EIO);
        raise(SIGSEGV);
      },
      ::testing::KilledBySignal(SIGSEGV), "");
}

TEST(CrashReport, SaysWhichSignalItCannotHandle) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const SystemFault fault(Call::kSigaction, EINVAL, 1);
        install_crash_handler();
        std::_Exit(0);
      },
      ::testing::ExitedWithCode(0), "crashreport: SIGSEGV cannot be handled: Invalid argument");
}
#endif

TEST_F(ReportTest, TheLogKeepsTheLastEvents) {
  PhaseLog log;
  PhaseLog::Entry entry;
  EXPECT_FALSE(log.recent(0, &entry));
  for (uint64_t i = 1; i <= 40; ++i) log.note(Phase::kDrain, i);
  for (size_t i = 0; i < PhaseLog::kEntries; ++i) {
    ASSERT_TRUE(log.recent(i, &entry));
    EXPECT_EQ(entry.cycle, 40 - i);
    EXPECT_EQ(entry.phase, Phase::kDrain);
  }
  EXPECT_FALSE(log.recent(PhaseLog::kEntries, &entry));
}

TEST_F(ReportTest, AShortBufferIsNotOverrun) {
  char line[16];
  describe_address(collector.heap, 1, line, sizeof line);
  EXPECT_EQ(std::string(line), "0x1 is not in t");
}

class ReportDeathTest : public ::testing::Test {
 protected:
  ReportDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  template <class Body>
  static void with_flags(const char* flags, Body body) {
    Options options = quiet_options();
    parse_debug_flags(flags, &options.debug);
    Collector collector(options);
    if (!collector.start()) return;
    Mutator mutator(&collector, "reporter");
    mutator.bind();
    body(&collector);
  }
};

#if !defined(GREYHOUND_ASAN) && !defined(GREYHOUND_TSAN)  // which have reports of their own
TEST_F(ReportDeathTest, ACrashNamesSignalMutatorAndPhase) {
  const auto crash = [] { with_flags("crashreport=1", [](Collector*) { raise(SIGSEGV); }); };
  EXPECT_EXIT(crash(), ::testing::KilledBySignal(SIGSEGV),
              "fatal error: signal 11 \\(SIGSEGV\\)(.|\n)*mutator 'reporter', last safepoint(.|\n)*"
              "collector phase idle");
}
#endif

TEST_F(ReportDeathTest, EveryAllocationAndEveryFreeIsTraced) {
  const auto trace = [] {
    with_flags("allocfreetrace=1", [](Collector* collector) {
      for (int i = 0; i < 2; ++i) newobject(type_of<Node>());
      for (int i = 0; i < 2; ++i) mallocgc(8, nullptr);
      collector->collect();
    });
    _exit(3);
  };
  EXPECT_EXIT(trace(), ::testing::ExitedWithCode(3),
              "tracealloc\\(0x[0-9a-f]*, 0x18, [^)]*Node\\)\n"
              "tracealloc\\(0x[0-9a-f]*, 0x18, [^)]*Node\\)\n"
              "tracealloc\\(0x[0-9a-f]*, 0x8, bytes\\)\n"
              "tracealloc\\(0x[0-9a-f]*, 0x8, bytes\\)\n"
              "(.|\n)*tracefree\\(0x[0-9a-f]*, 0x20\\)\n");
}

}  // namespace
}  // namespace greyhound::gc
