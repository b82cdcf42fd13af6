// SPDX-License-Identifier: MIT
// Stacks that the collector was not told of, and registered ones that are used as they may not be:
// each is a fatal error before anything is lost.
#include <signal.h>
#include <ucontext.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/stack.h"
#include "tests/coroutine.h"
#include "tests/runtime/lists.h"

namespace greyhound::runtime {
namespace {

class StackDeathTest : public ::testing::Test {
 protected:
  StackDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
  // Runs `body` on a stack that nobody registered.
  static void on_unknown_stack(const std::function<void()>& body) {
    static ucontext_t own, caller;
    static const std::function<void()>* what;
    what = &body;
    static std::vector<char> memory(256 << 10);
    getcontext(&own);
    own.uc_stack.ss_sp = memory.data();
    own.uc_stack.ss_size = memory.size();
    own.uc_link = &caller;
    makecontext(
        &own, +[] { (*what)(); }, 0);
    swapcontext(&caller, &own);
  }
};

constexpr const char* kUnknown =
    "mutator 'mine' \\(thread [0-9]+\\): the stack pointer is at 0x[0-9a-f]+, on no stack that the "
    "collector was told of.*register .* greyhound::runtime::Stack";

TEST_F(StackDeathTest, AllocatingOnAnUnknownStackIsFatalBeforeAnythingIsLost) {
  const auto allocate = [] {
    Runtime rt(usual_options());
    Thread thread(rt, "mine");
    on_unknown_stack([] { make_list(1'000'000); });
  };
  EXPECT_EXIT(allocate(), ::testing::ExitedWithCode(2), kUnknown);
}

TEST_F(StackDeathTest, CollectingOnAnUnknownStackIsFatal) {
  const auto collect = [] {
    Runtime rt(usual_options());
    Thread thread(rt, "mine");
    on_unknown_stack([&] { rt.collect(); });
  };
  EXPECT_EXIT(collect(), ::testing::ExitedWithCode(2), kUnknown);
}

TEST_F(StackDeathTest, BlockingAndDetachingOnAnUnknownStackAreFatal) {
  const auto block = [] {
    Runtime rt(usual_options());
    Thread thread(rt, "mine");
    on_unknown_stack([&] { thread.blocking([] {}); });
  };
  EXPECT_EXIT(block(), ::testing::ExitedWithCode(2), kUnknown);
  const auto detach = [] {
    Runtime rt(usual_options());
    auto thread = std::make_unique<Thread>(rt, "mine");
    on_unknown_stack([&] { thread.reset(); });
  };
  EXPECT_EXIT(detach(), ::testing::ExitedWithCode(2), kUnknown);
}

TEST_F(StackDeathTest, AttachingOnAStackThatIsNotTheThreadsIsFatal) {
  const auto attach = [] {
    Runtime rt(usual_options());
    on_unknown_stack([&] { Thread thread(rt, "mine"); });
  };
  EXPECT_EXIT(attach(), ::testing::ExitedWithCode(2), kUnknown);
}

TEST_F(StackDeathTest, ASignalHandlerOnAnAlternateStackIsOnAnUnknownOne) {
#if defined(GREYHOUND_TSAN)
  GTEST_SKIP() << "ThreadSanitizer ends a handler that opens a file, as the fatal report does";
#endif
  const auto handle = [] {
    static Runtime* runtime = nullptr;
    Runtime rt(usual_options());
    runtime = &rt;
    Thread thread(rt, "mine");
    std::vector<char> memory(256 << 10);
    stack_t alternate = {};
    alternate.ss_sp = memory.data();
    alternate.ss_size = memory.size();
    sigaltstack(&alternate, nullptr);
    struct sigaction action = {};
    action.sa_handler = [](int) { runtime->collect(); };
    action.sa_flags = SA_ONSTACK;
    sigaction(SIGUSR1, &action, nullptr);
    raise(SIGUSR1);
  };
  EXPECT_EXIT(handle(), ::testing::ExitedWithCode(2), kUnknown);
}

TEST_F(StackDeathTest, ARegisteredStackThatWasEnteredWithoutResumeIsFatal) {
  const auto enter = [] {
    Runtime rt(usual_options());
    Thread thread(rt, "mine");
    std::vector<char> memory(256 << 10);
    ucontext_t own, caller;
    Stack stack(rt, memory.data(), memory.size());
    getcontext(&own);
    own.uc_stack.ss_sp = memory.data();
    own.uc_stack.ss_size = memory.size();
    own.uc_link = &caller;
    stack.resume([] {});  // it is this mutator's from now on
    makecontext(
        &own, +[] { make_list(1'000'000); }, 0);
    swapcontext(&caller, &own);
  };
  EXPECT_EXIT(enter(), ::testing::ExitedWithCode(2),
              "on a stack that was entered without Stack::resume");
}

TEST_F(StackDeathTest, ResumingAStackOfAnotherThreadThatDidNotReleaseItIsFatal) {
  const auto resume = [] {
    Runtime rt(usual_options());
    Thread thread(rt, "mine");
    Coroutine coroutine(rt, [](Coroutine& self) { self.suspend(); });
    coroutine.resume();
    std::thread([&] {
      Thread attached(rt, "other");
      coroutine.resume();
    }).join();
  };
  EXPECT_EXIT(resume(), ::testing::ExitedWithCode(2),
              "mutator 'other' resumes a Stack that 'mine' resumed before: call Stack::release");
}

TEST_F(StackDeathTest, DestroyingTheStackThatRunsIsFatal) {
  const auto destroy = [] {
    Runtime rt(usual_options());
    Thread thread(rt, "mine");
    std::unique_ptr<Coroutine> coroutine;
    coroutine = std::make_unique<Coroutine>(rt, [&](Coroutine&) { coroutine->stack().~Stack(); });
    coroutine->resume();
  };
  EXPECT_EXIT(destroy(), ::testing::ExitedWithCode(2), "the stack that it runs on is destroyed");
}

TEST_F(StackDeathTest, AStackThatCannotBeReadIsRefused) {
  const auto guard = [] {
    Runtime rt(usual_options());
    void* memory = mmap(nullptr, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(memory, 4096, PROT_NONE);
    Stack stack(rt, memory, 65536);
  };
  EXPECT_EXIT(guard(), ::testing::ExitedWithCode(2), "leave its guard page out");
}

TEST_F(StackDeathTest, SwitchingInsideABlockingRegionIsFatal) {
  const auto suspend = [] {
    Runtime rt(usual_options());
    Thread thread(rt, "mine");
    Coroutine coroutine(rt, [&](Coroutine& self) { thread.blocking([&] { self.suspend(); }); });
    coroutine.resume();
  };
  EXPECT_EXIT(suspend(), ::testing::ExitedWithCode(2),
              "inside a blocking region of mutator 'mine'");
}

}  // namespace
}  // namespace greyhound::runtime
