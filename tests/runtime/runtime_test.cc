// SPDX-License-Identifier: MIT
// Runtimes and threads: several in a process, options and environment, what is refused and how.
#include "tests/runtime/fixture.h"

#include <fstream>
#include <regex>
#include <thread>
#include <vector>

namespace greyhound::runtime {
namespace {

TEST(RuntimeLifeTest, TwoRuntimesOnOneThreadAreSeparate) {
  Runtime first(usual_options());
  Thread on_first(first);
  Node* a = on_first.make<Node>(nullptr, uint64_t{1});
  {
    Runtime second(usual_options());
    Thread on_second(second);
    Node* b = on_second.make<Node>(nullptr, uint64_t{2});
    second.collect();
    first.collect();  // its mutator is blocked, and answered for
    EXPECT_EQ(b->value, 2u);
    EXPECT_TRUE(second.collector().heap.contains(reinterpret_cast<uintptr_t>(b)));
    EXPECT_FALSE(first.collector().heap.contains(reinterpret_cast<uintptr_t>(b)));
  }
  on_first.make<Node>();
  EXPECT_EQ(a->value, 1u);
}

size_t resident_kib() {
  std::ifstream status("/proc/self/status");
  std::string line;
  while (std::getline(status, line)) {
    if (line.starts_with("VmRSS:")) return std::stoul(line.substr(6));
  }
  return 0;
}

TEST(RuntimeLifeTest, ManyRuntimesComeAndGoInFlatMemory) {
#if defined(GREYHOUND_ASAN) || defined(GREYHOUND_TSAN)
  GTEST_SKIP() << "the sanitizer keeps freed memory resident (quarantine, shadow)";
#endif
  const auto live_once = [] {
    Options options = usual_options();
    options.reserve = uint64_t{64} << 20;
    Runtime rt(options);
    Thread thread(rt);
    for (uint64_t i = 0; i < 100; ++i) thread.make<Node>(nullptr, i);
    rt.collect();
  };
#if defined(GREYHOUND_ASAN) || defined(GREYHOUND_TSAN)
  GTEST_SKIP() << "a sanitizer keeps freed memory back";
#endif
  for (int i = 0; i < 20; ++i) live_once();
  const size_t before = resident_kib();
  for (int i = 0; i < 200; ++i) live_once();
  EXPECT_LT(resident_kib(), before + 32 * 1024);
}

TEST(RuntimeLifeTest, AnyThreadMayDestroyARuntime) {
  auto rt = std::make_unique<Runtime>(usual_options());
  {
    Thread thread(*rt);
    thread.make<Node>();
  }
  std::thread([&] { rt.reset(); }).join();
  EXPECT_EQ(rt, nullptr);
}

TEST(RuntimeOptionsTest, GcOffStartsNoCycle) {
  Options options = usual_options();
  options.debug = {};
  options.gc_percent = gc::kGcOff;
  Runtime rt(options);
  Thread thread(rt);
  for (uint64_t i = 0; i < 1'000'000; ++i) thread.make<Node>(nullptr, i);
  EXPECT_EQ(rt.stats().cycles, 0u);
  rt.collect();
  EXPECT_EQ(rt.stats().cycles, 1u);
}

TEST(RuntimeOptionsTest, AllocationStartsCycles) {
  Options options = usual_options();
  options.debug = {};
  Runtime rt(options);
  Thread thread(rt);
  for (uint64_t i = 0; i < 4'000'000; ++i) thread.make<Node>(nullptr, i);
  EXPECT_GT(rt.stats().cycles, 2u);
}

TEST(RuntimeOptionsTest, MemoryLimitMakesCyclesWhereGcPercentWouldNot) {
  Options options = usual_options();
  options.debug = {};
  options.gc_percent = gc::kGcOff;
  options.memory_limit = uint64_t{16} << 20;
  Runtime rt(options);
  Thread thread(rt);
  for (uint64_t i = 0; i < 4'000'000; ++i) thread.make<Node>(nullptr, i);
  EXPECT_GT(rt.stats().cycles, 0u);
}

TEST(RuntimeOptionsTest, EnvironmentIsReadAndItsErrorsNamed) {
  ::setenv("GREYHOUND_GC", "250", 1);
  ::setenv("GREYHOUND_MEMLIMIT", "64MB", 1);
  const char* debug = std::getenv("GREYHOUND_DEBUG");
  const std::string saved = debug != nullptr ? debug : "";
  ::setenv("GREYHOUND_DEBUG", "gctrase=1,clobberfree=1", 1);
  Options options;
  const std::vector<std::string> errors = apply_environment(&options);
  ::unsetenv("GREYHOUND_GC");
  ::unsetenv("GREYHOUND_MEMLIMIT");
  if (debug != nullptr) {
    ::setenv("GREYHOUND_DEBUG", saved.c_str(), 1);
  } else {
    ::unsetenv("GREYHOUND_DEBUG");
  }
  EXPECT_EQ(options.gc_percent, 250);
  EXPECT_EQ(options.debug.clobberfree, 1);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_NE(errors[0].find("64MB"), std::string::npos);
  EXPECT_NE(errors[0].find("512MiB"), std::string::npos);
  EXPECT_NE(errors[1].find("gctrase"), std::string::npos);
  EXPECT_NE(errors[1].find("'gctrace'"), std::string::npos);
}

TEST(RuntimeTraceTest, TraceLineHasGosFormat) {
  Options options = usual_options();
  options.debug = {};
  options.debug.gctrace = 1;
  ::testing::internal::CaptureStderr();
  {
    Runtime rt(options);
    Thread thread(rt);
    rt.collect();
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  const std::regex line(
      R"(gc \d+ @\d+\.\d{3}s \d+%: [\d.]+\+[\d.]+\+[\d.]+ ms clock, [\d.]+\+[\d.]+/[\d.]+/[\d.]+\+[\d.]+ ms cpu, )"
      R"(\d+->\d+->\d+ MB, \d+ MB goal, \d+ MB stacks, \d+ MB globals, \d+ P \(forced\)\n)");
  EXPECT_TRUE(std::regex_match(text, line)) << text;
}

TEST(RuntimeTraceTest, WatchdogNamesTheThreadThatDoesNotAnswer) {
  Options options = usual_options();
  options.debug = {};
  Runtime rt(options);
  ::testing::internal::CaptureStderr();
  std::atomic<bool> attached{false};
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    Thread thread(rt, "busy one");
    attached = true;
    while (!stop) std::this_thread::yield();  // no safepoint
  });
  while (!attached) std::this_thread::yield();
  std::thread collector([&] { rt.collect(); });
  while (rt.stats().stalled_handshakes == 0) std::this_thread::yield();
  stop = true;
  busy.join();
  collector.join();
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("mutator 'busy one' has not answered the barrier-on (H1) handshake"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("call safepoint()"), std::string::npos);
}

using RuntimeDeathTest = ::testing::Test;

TEST(RuntimeDeathTest, AttachingAThreadTwiceSaysWhatToDo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Runtime rt(usual_options());
        Thread first(rt, "first");
        Thread second(rt, "second");
      },
      ::testing::ExitedWithCode(2),
      "already attached to this runtime as 'first'; use that mutator, or detach");
}

TEST(RuntimeDeathTest, AllocatingWithoutAMutatorSaysWhatToDo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(gc::mallocgc(16, nullptr), ::testing::ExitedWithCode(2),
              "this thread has no mutator: attach it");
}

TEST(RuntimeDeathTest, UsingADetachedMutatorIsFatal) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        Runtime rt(usual_options());
        { Thread thread(rt); }
        gc::mallocgc(16, nullptr);
      },
      ::testing::ExitedWithCode(2), "this thread has no mutator");
}

TEST(RuntimeDeathTest, AThreadThatHasLeftSaysNothingOfTheRuntime) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        {
          Runtime rt(usual_options());
          Thread thread(rt);
        }
        fatal("later");
      },
      ::testing::ExitedWithCode(2), "fatal error: later\n$");
}

TEST(RuntimeDeathTest, DestroyingARuntimeWithAttachedThreadsSaysWhatToDo) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        auto rt = std::make_unique<Runtime>(usual_options());
        auto* thread = new Thread(*rt);
        static_cast<void>(thread);
        rt.reset();
      },
      ::testing::ExitedWithCode(2), "destroyed with 1 mutator attached; detach every thread first");
}

TEST(BlockingTest, RegionsNest) {
  Runtime rt(usual_options());
  Thread thread(rt);
  Node* node = thread.make<Node>(nullptr, uint64_t{3});
  thread.blocking([&] { thread.blocking([&] { rt.collect(); }); });
  EXPECT_EQ(node->value, 3u);
}

TEST(BlockingTest, CrosswiseCollectionsOfTwoRuntimesEnd) {
  Runtime a(usual_options());
  Runtime b(usual_options());
  std::thread first([&] {
    Thread on_a(a);
    Thread on_b(b);
    for (int i = 0; i < 20; ++i) a.collect();
  });
  std::thread second([&] {
    Thread on_b(b);
    Thread on_a(a);
    for (int i = 0; i < 20; ++i) b.collect();
  });
  first.join();
  second.join();
  EXPECT_GE(a.stats().cycles, 20u);
}

}  // namespace
}  // namespace greyhound::runtime
