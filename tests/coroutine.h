// SPDX-License-Identifier: MIT
// A stackful coroutine on ucontext, as a program would write it over runtime::Stack: what
// swapcontext saves lies in this object, on the malloc heap, and its stack in mmap'ed memory.
#pragma once

#include <sys/mman.h>
#include <ucontext.h>

#include <functional>
#include <utility>

#include "runtime/greyhound.h"
#if defined(GREYHOUND_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace greyhound::runtime {

class Coroutine {
 public:
  static constexpr size_t kStackBytes = 256 << 10;

  Coroutine(Runtime& runtime, std::function<void(Coroutine&)> body)
      : body_(std::move(body)),
        memory_(mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)),
        stack_(runtime, memory_, kStackBytes) {
    getcontext(&own_);
    own_.uc_stack.ss_sp = memory_;
    own_.uc_stack.ss_size = kStackBytes;
    own_.uc_link = nullptr;
    const auto self = reinterpret_cast<uintptr_t>(this);
    makecontext(&own_, reinterpret_cast<void (*)()>(&Coroutine::start), 2,
                static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
#if defined(GREYHOUND_TSAN)
    fiber_ = __tsan_create_fiber(0);
#endif
  }
  ~Coroutine() {
#if defined(GREYHOUND_TSAN)
    __tsan_destroy_fiber(fiber_);
#endif
    munmap(memory_, kStackBytes);
  }
  Coroutine(const Coroutine&) = delete;
  Coroutine& operator=(const Coroutine&) = delete;

  // Runs it until it suspends or ends.
  void resume() {
    stack_.resume([this] {
#if defined(GREYHOUND_TSAN)
      caller_fiber_ = __tsan_get_current_fiber();
      __tsan_switch_to_fiber(fiber_, 0);
#endif
      swapcontext(&caller_, &own_);
    });
  }
  // By its body.
  void suspend() {
    Stack::suspend([this] { switch_back(); });
  }
  // By its body: goes back to the caller as its end does, of which the runtime is not told.
  void switch_back() {
#if defined(GREYHOUND_TSAN)
    __tsan_switch_to_fiber(caller_fiber_, 0);
#endif
    swapcontext(&own_, &caller_);
  }
  bool done() const { return done_; }
  Stack& stack() { return stack_; }
  void* memory() { return memory_; }

 private:
  static void start(unsigned high, unsigned low) {
    auto* self = reinterpret_cast<Coroutine*>(uintptr_t{high} << 32 | low);
    self->body_(*self);
    self->done_ = true;
    self->switch_back();
  }

  std::function<void(Coroutine&)> body_;
  void* const memory_;
  Stack stack_;
  ucontext_t own_{};
  ucontext_t caller_{};
  bool done_ = false;
#if defined(GREYHOUND_TSAN)
  void* fiber_ = nullptr;
  void* caller_fiber_ = nullptr;
#endif
};

}  // namespace greyhound::runtime
