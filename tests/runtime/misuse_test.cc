// SPDX-License-Identifier: MIT
// Bad input to the runtime ends in one sentence that says what to do, and exit status 2. The simple
// cases are in runtime_test.cc.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <thread>

#include "gc/memory/os_memory.h"
#include "runtime/base/panic.h"
#include "tests/runtime/fixture.h"
#include "tests/system_faults.h"

namespace greyhound::runtime {
namespace {

class MisuseDeathTest : public ::testing::Test {
 protected:
  MisuseDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(MisuseDeathTest, AHandleWithoutAMutator) {
  EXPECT_EXIT(Handle<Node>(), ::testing::ExitedWithCode(2),
              "this thread has no mutator: attach it");
}

TEST_F(MisuseDeathTest, AStoreIntoAPersistentWithoutAMutator) {
  const auto store = [] {
    Runtime rt(usual_options());
    Persistent<Node> root(rt);
    Node node;
    root = &node;
  };
  EXPECT_EXIT(store(), ::testing::ExitedWithCode(2), "this thread has no mutator: attach it");
}

TEST_F(MisuseDeathTest, AStoreIntoAPersistentOfAnotherRuntime) {
  const auto store = [] {
    Runtime first(usual_options());
    Runtime second(usual_options());
    Persistent<Node> root(first);
    Thread on_first(first);
    Thread on_second(second);
    root = on_second.make<Node>();
  };
  EXPECT_EXIT(store(), ::testing::ExitedWithCode(2), "a Persistent of one runtime is stored to");
}

TEST_F(MisuseDeathTest, DetachingOnAnotherThread) {
  const auto detach = [] {
    Runtime rt(usual_options());
    auto attached = std::make_unique<Thread>(rt, "mine");
    std::thread([&] { attached.reset(); }).join();
  };
  EXPECT_EXIT(detach(), ::testing::ExitedWithCode(2),
              "mutator 'mine' is destroyed on another thread .* detach it there");
}

TEST_F(MisuseDeathTest, DetachingInsideABlockingRegion) {
  const auto detach = [] {
    Runtime rt(usual_options());
    auto attached = std::make_unique<Thread>(rt, "mine");
    attached->blocking([&] { attached.reset(); });
  };
  EXPECT_EXIT(detach(), ::testing::ExitedWithCode(2),
              "mutator 'mine' is destroyed inside its own blocking region; leave the region first");
}

TEST_F(MisuseDeathTest, DestroyingARuntimeThatAnotherThreadIsAttachedTo) {
  const auto destroy = [] {
    auto rt = std::make_unique<Runtime>(usual_options());
    std::atomic<bool> attached{false};
    std::thread other([&] {
      Thread thread(*rt);
      attached = true;
      thread.blocking([] { pause(); });
    });
    while (!attached) std::this_thread::yield();
    rt.reset();
  };
  EXPECT_EXIT(destroy(), ::testing::ExitedWithCode(2),
              "destroyed with 1 mutator attached; detach every thread first");
}

TEST_F(MisuseDeathTest, APanicWithoutAnAttachedThreadIsFatalAndWithOneAnException) {
  EXPECT_EXIT(greyhound::panic("nobody attached"), ::testing::ExitedWithCode(2),
              "panic: nobody attached");
  Runtime rt(usual_options());
  {
    Thread thread(rt);
    EXPECT_THROW(greyhound::panic("caught"), Panic);
  }
  EXPECT_EXIT(greyhound::panic("detached"), ::testing::ExitedWithCode(2), "panic: detached");
}

TEST(EnvironmentTest, WhatTheEmbedderSetIsNotOverridden) {
  ::setenv("GREYHOUND_GC", "250", 1);
  ::setenv("GREYHOUND_MEMLIMIT", "64MiB", 1);
  Options options;
  options.gc_percent = 30;
  options.memory_limit = 12345;
  EXPECT_TRUE(apply_environment(&options).empty());
  EXPECT_EQ(options.gc_percent, 30);
  EXPECT_EQ(options.memory_limit, 12345u);
  Options defaults;
  EXPECT_TRUE(apply_environment(&defaults).empty());
  EXPECT_EQ(defaults.gc_percent, 250);
  EXPECT_EQ(defaults.memory_limit, uint64_t{64} << 20);
  ::setenv("GREYHOUND_GC", "off", 1);
  Options off;
  EXPECT_TRUE(apply_environment(&off).empty());
  EXPECT_EQ(off.gc_percent, gc::kGcOff);
  for (const char* negative : {"-1", "-100"}) {
    ::setenv("GREYHOUND_GC", negative, 1);
    Options negative_is_off;
    EXPECT_TRUE(apply_environment(&negative_is_off).empty());
    EXPECT_EQ(negative_is_off.gc_percent, gc::kGcOff) << negative;
  }
  ::setenv("GREYHOUND_GC", "2147483647", 1);
  EXPECT_TRUE(apply_environment(&defaults).empty());
  ::setenv("GREYHOUND_GC", "off", 1);
  ::setenv("GREYHOUND_MEMLIMIT", "off", 1);
  Options no_limit;
  no_limit.cgroup_memory_limit = true;
  EXPECT_TRUE(apply_environment(&no_limit).empty());
  EXPECT_EQ(no_limit.memory_limit, 0u);
  EXPECT_FALSE(no_limit.cgroup_memory_limit);
  ::setenv("GREYHOUND_MEMLIMIT", "64MiB", 1);
  for (const char* wrong : {"", "ten", "10%", "1e3", "+5", " 5", "2147483648", "-2147483649",
                            "99999999999999999999", "100000000000000000000"}) {
    ::setenv("GREYHOUND_GC", wrong, 1);
    Options options_left;
    const auto errors = apply_environment(&options_left);
    ASSERT_EQ(errors.size(), 1u) << wrong;
    EXPECT_NE(errors[0].find("GREYHOUND_GC"), std::string::npos);
    EXPECT_EQ(options_left.gc_percent, 100) << wrong;
  }
  ::unsetenv("GREYHOUND_GC");
  ::unsetenv("GREYHOUND_MEMLIMIT");
}

TEST(EnvironmentTest, ErrorsAreReportedOnStderrOnceARuntimeIsMade) {
  ::setenv("GREYHOUND_MEMLIMIT", "lots", 1);
  ::testing::internal::CaptureStderr();
  {
    Options options;
    options.reserve = uint64_t{64} << 20;
    Runtime rt(options);
  }
  ::unsetenv("GREYHOUND_MEMLIMIT");
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("greyhound: GREYHOUND_MEMLIMIT: 'lots' is neither a size"), std::string::npos)
      << said;
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1) << said;
}

TEST(ReserveTest, IsAQuarterLessUntilItCanBeHad) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  const bool from_system = std::string_view(gc::memory_source()) == "system";
  const SystemFault fault(from_system ? Call::kMmap : Call::kMiMallocAligned, ENOMEM, 3);
  Options options = usual_options();
  options.reserve = 256 * kMiB;
  Runtime rt(options);
  EXPECT_EQ(fault.failed(), 3);
  EXPECT_EQ(rt.collector().heap.size(), 108 * kMiB);  // after 256, 192 and 144
  Thread thread(rt);
  EXPECT_NE(thread.make<Node>(), nullptr);
}

}  // namespace
}  // namespace greyhound::runtime
