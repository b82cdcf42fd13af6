// SPDX-License-Identifier: MIT
// Coroutines and what they hold: stacks of their own, on ucontext, that are registered;
// coroutines that move between threads; and C++20 coroutines, whose frames are no stacks.
#include "runtime/stack.h"

#include <cerrno>
#include <memory>
#include <thread>
#include <vector>

#include "tests/coroutine.h"
#include "tests/runtime/lists.h"
#include "tests/system_faults.h"
#if defined(__cpp_impl_coroutine)
#include <coroutine>
#endif

namespace greyhound::runtime {
namespace {

using StackTest = RuntimeTest;

TEST_F(StackTest, WhatACoroutineHoldsIsKeptWhileItRunsAndWhileItIsSuspended) {
  bool running = false;
  bool suspended = false;
  Coroutine coroutine(rt, [&](Coroutine& self) {
    Node* list = make_list(kLength);
    collect_and_reuse(rt);
    running = is_whole(list, kLength);
    self.suspend();
    suspended = is_whole(list, kLength);
  });
  Node* own = make_list(kLength);
  coroutine.resume();
  collect_and_reuse(rt);
  coroutine.resume();
  EXPECT_TRUE(running);
  EXPECT_TRUE(suspended);
  EXPECT_TRUE(coroutine.done());
  EXPECT_TRUE(is_whole(own, kLength));
}

TEST_F(StackTest, WhatTheThreadHoldsIsKeptWhileACoroutineRuns) {
  Coroutine coroutine(rt, [&](Coroutine&) { collect_and_reuse(rt); });
  Node* own = make_list(kLength);
  coroutine.resume();
  EXPECT_TRUE(is_whole(own, kLength));
}

// swapcontext saves rbx in the ucontext_t, which is in the coroutine's object and no root.
GREYHOUND_NOINLINE uintptr_t suspend_with_pointer_in_rbx(Coroutine* coroutine,
                                                         uintptr_t disguised) {
  uintptr_t result = 0;
  asm volatile(
      "movq %[disguised], %%rbx\n\t"
      "notq %%rbx\n\t"
      "movq %[coroutine], %%rdi\n\t"
      "call *%[suspend]\n\t"
      "movq %%rbx, %[result]\n\t"
      : [result] "=m"(result)
      : [disguised] "r"(disguised), [coroutine] "r"(coroutine), [suspend] "r"(+[](Coroutine* self) {
          self->suspend();
        })
      : "rbx", "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
  return result;
}

GREYHOUND_NOINLINE uintptr_t make_disguised() {
  return ~reinterpret_cast<uintptr_t>(Thread::make<Node>(nullptr, uint64_t{77}));
}

TEST_F(StackTest, APointerThatOnlyASuspendedRegisterHasKeepsItsObject) {
  for (int i = 0; i < 20; ++i) {
    uintptr_t expected = 0;
    uintptr_t got = 0;
    Coroutine coroutine(rt, [&](Coroutine& self) {
      const uintptr_t disguised = make_disguised();
      expected = disguised;  // on no stack but as its complement
      got = suspend_with_pointer_in_rbx(&self, disguised);
    });
    coroutine.resume();
    rt.collect();
    ASSERT_TRUE(is_marked_live(rt, reinterpret_cast<void*>(~expected)));
    coroutine.resume();
    ASSERT_EQ(got, ~expected);
    ASSERT_EQ(reinterpret_cast<Node*>(got)->value, 77u);
  }
}

TEST_F(StackTest, CoroutinesMayResumeCoroutines) {
  bool whole = true;
  Coroutine inner(rt, [&](Coroutine& self) {
    Node* list = make_list(kLength);
    self.suspend();
    collect_and_reuse(rt);
    whole &= is_whole(list, kLength);
  });
  Coroutine outer(rt, [&](Coroutine& self) {
    Node* list = make_list(kLength);
    inner.resume();
    self.suspend();
    inner.resume();
    whole &= is_whole(list, kLength);
  });
  outer.resume();
  collect_and_reuse(rt);
  outer.resume();
  EXPECT_TRUE(inner.done() && outer.done());
  EXPECT_TRUE(whole);
}

// As by a library's own yield, whose switch saves registers on the stack.
TEST_F(StackTest, ACoroutineThatLeavesWithoutAWordIsScannedWhole) {
  Node* volatile* where = nullptr;
  Coroutine coroutine(rt, [&](Coroutine& self) {
    Node* volatile list = make_list(kLength);
    where = &list;
    self.switch_back();
    where = is_whole(list, kLength) ? nullptr : &list;
  });
  coroutine.resume();
  collect_and_reuse(rt);
  EXPECT_NE(where, nullptr);
  coroutine.resume();
  EXPECT_EQ(where, nullptr) << "the list was overwritten";
}

TEST_F(StackTest, ADestroyedStackIsNoRoot) {
  uintptr_t hidden = 0;
  {
    Coroutine coroutine(rt, [&](Coroutine& self) {
      Node* volatile object = Thread::make<Node>();
      hidden = ~reinterpret_cast<uintptr_t>(static_cast<Node*>(object));
      self.suspend();
    });
    coroutine.resume();
    rt.collect();
    EXPECT_TRUE(is_marked_live(rt, reinterpret_cast<void*>(~hidden)));
  }
  rt.collect();
  EXPECT_FALSE(is_marked_live(rt, reinterpret_cast<void*>(~hidden)));
}

TEST_F(StackTest, AnExceptionOutOfTheSwitchIsBackOnTheStackThatWasLeft) {
  Coroutine coroutine(rt, [](Coroutine&) {});
  EXPECT_THROW(coroutine.stack().resume([] { throw 1; }), int);
  Node* list = make_list(kLength);
  collect_and_reuse(rt);
  EXPECT_TRUE(is_whole(list, kLength));
}

TEST_F(StackTest, ACoroutineMovesToAnotherThreadWhenItIsReleased) {
  bool whole = false;
  Coroutine coroutine(rt, [&](Coroutine& self) {
    Node* list = make_list(kLength);
    self.suspend();
    for (int i = 0; i < 2; ++i) {  // on the other thread
      collect_and_reuse(rt);
      self.suspend();
    }
    whole = is_whole(list, kLength);
  });
  coroutine.resume();
  coroutine.stack().release();
  collect_and_reuse(rt);
  std::thread other([&] {
    Thread attached(rt, "other");
    coroutine.resume();
    collect_and_reuse(rt);
    coroutine.resume();
    // The end of the thread releases it.
  });
  thread.blocking([&] { other.join(); });
  collect_and_reuse(rt);
  coroutine.resume();
  EXPECT_TRUE(coroutine.done());
  EXPECT_TRUE(whole);
}

TEST_F(StackTest, ACoroutineMayBeDestroyedWhereNobodyIsAttached) {
  auto coroutine = std::make_unique<Coroutine>(rt, [](Coroutine& self) {
    Node* volatile kept = Thread::make<Node>();
    self.suspend();
    static_cast<void>(kept);
  });
  coroutine->resume();
  coroutine->stack().release();
  thread.blocking([&] { std::thread([&] { coroutine.reset(); }).join(); });
  collect_and_reuse(rt);
}

TEST_F(StackTest, ManyCoroutinesTakeTurns) {
  constexpr size_t kCoroutines = 64;
  std::vector<std::unique_ptr<Coroutine>> coroutines;
  size_t whole = 0;
  for (size_t i = 0; i < kCoroutines; ++i) {
    coroutines.push_back(std::make_unique<Coroutine>(rt, [&whole, i](Coroutine& self) {
      Node* list = nullptr;
      for (uint64_t k = 0; k < 100 + i; ++k) {
        list = Thread::make<Node>(list, k);
        self.suspend();
      }
      whole += is_whole(list, 100 + i) ? 1 : 0;
    }));
  }
  for (size_t turn = 0; whole < kCoroutines && turn < 1000; ++turn) {
    for (const auto& coroutine : coroutines) {
      if (!coroutine->done()) coroutine->resume();
    }
    if (turn % 20 == 0) collect_and_reuse(rt);
  }
  EXPECT_EQ(whole, kCoroutines);
}

TEST_F(StackTest, WhereMemoryCannotBeProbedAStackIsTaken) {
  const SystemFault fault(Call::kProcessVmReadv, EPERM);
  Coroutine coroutine(rt, [](Coroutine&) { make_list(kLength); });
  coroutine.resume();
  EXPECT_TRUE(coroutine.done());
  EXPECT_GE(fault.failed(), 1);
}

TEST(PreciseStackTest, WithPreciseRootsNoStackIsScannedAndHandlesKeepWhatACoroutineHolds) {
  Runtime rt(precise_options());
  Thread thread(rt);
  Node* raw = nullptr;
  Node* held = nullptr;
  Coroutine coroutine(rt, [&](Coroutine& self) {
    raw = Thread::make<Node>();
    Handle<Node> handle(Thread::make<Node>());
    held = handle.get();
    self.suspend();
  });
  coroutine.resume();
  rt.collect();
  EXPECT_FALSE(is_marked_live(rt, raw));
  EXPECT_TRUE(is_marked_live(rt, held));
  coroutine.resume();
}

#if defined(__cpp_impl_coroutine)

// A generator whose frames are scanned: its promise inherits RootedFrame, and no more is needed.
class Lists {
 public:
  struct promise_type : RootedFrame {
    Lists get_return_object() {
      return Lists(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(bool whole) noexcept {
      last = whole;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
    bool last = false;
  };

  explicit Lists(std::coroutine_handle<promise_type> handle) : handle_(handle) {}
  Lists(Lists&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Lists& operator=(Lists&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Lists() {
    if (handle_) handle_.destroy();
  }
  // Whether what it holds was whole when it got there.
  bool next() {
    handle_.resume();
    return handle_.promise().last;
  }

 private:
  std::coroutine_handle<promise_type> handle_;
};

Lists hold_a_list(Node* argument) {
  Node* list = make_list(kLength);
  while (true) co_yield is_whole(list, kLength) && is_whole(argument, kLength);
}

TEST_F(StackTest, AFrameOfACoroutineIsScannedWhenItsPromiseIsARootedFrame) {
  Lists lists = hold_a_list(make_list(kLength));
  EXPECT_TRUE(lists.next());
  for (int i = 0; i < 3; ++i) {
    collect_and_reuse(rt);
    EXPECT_TRUE(lists.next());
  }
}

TEST_F(StackTest, FramesMayGoInAnyOrderAndOutliveTheThread) {
  std::vector<Lists> lists;
  for (int i = 0; i < 10; ++i) lists.push_back(hold_a_list(make_list(kLength)));
  for (Lists& list : lists) EXPECT_TRUE(list.next());
  lists.erase(lists.begin() + 3, lists.begin() + 6);
  collect_and_reuse(rt);
  for (Lists& list : lists) EXPECT_TRUE(list.next());
  std::unique_ptr<Lists> left;
  std::thread other([&] {
    Thread attached(rt, "other");
    left = std::make_unique<Lists>(hold_a_list(make_list(kLength)));
    EXPECT_TRUE(left->next());
  });
  thread.blocking([&] { other.join(); });
  collect_and_reuse(rt);
  left.reset();
  collect_and_reuse(rt);
}

// What needs no special promise: handles in the frame, for a coroutine that stays on its thread,
// and persistents for one that moves.
struct Task {
  struct promise_type {
    Task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

Task keep_by_handle(bool* whole) {
  Handle<Node> list(make_list(kLength));
  co_await std::suspend_always();
  *whole = is_whole(list.get(), kLength);
}

Task keep_by_persistent(Runtime* rt, bool* whole) {
  Persistent<Node> list(*rt, make_list(kLength));
  co_await std::suspend_always();
  *whole = is_whole(list.get(), kLength);
}

TEST_F(StackTest, InOtherFramesHandlesKeepAndPersistentsMove) {
  bool by_handle = false;
  bool by_persistent = false;
  Task first = keep_by_handle(&by_handle);
  Task second = keep_by_persistent(&rt, &by_persistent);
  collect_and_reuse(rt);
  first.handle.resume();
  std::thread other([&] {
    Thread attached(rt, "other");
    second.handle.resume();
  });
  thread.blocking([&] { other.join(); });
  EXPECT_TRUE(by_handle);
  EXPECT_TRUE(by_persistent);
  first.handle.destroy();
  second.handle.destroy();
}

#endif

}  // namespace
}  // namespace greyhound::runtime
