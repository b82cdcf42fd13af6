// SPDX-License-Identifier: MIT
// How much of its input an operation touches between two safepoints, counted and not timed: each
// page of the input traps when it is first touched, and the trap raises a handshake unless the last
// one is still unanswered.
//
// REQUIRES: a collector in stepping mode that is idle, and one thread, whose mutator works on the
// input. One of these at a time.
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "gc/cycle/collector.h"

namespace greyhound::gc {

class Tripwires {
 public:
  // The whole pages of [begin, begin + bytes).
  Tripwires(Collector* collector, const void* begin, size_t bytes)
      : collector_(collector),
        begin_(align_up(reinterpret_cast<uintptr_t>(begin), page())),
        end_((reinterpret_cast<uintptr_t>(begin) + bytes) & ~(page() - 1)) {
    active() = this;
    struct sigaction action = {};
    action.sa_sigaction = on_trap;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigaction(SIGSEGV, &action, &previous_);
    protect(begin_, end_ - begin_, PROT_NONE);
  }
  ~Tripwires() {
    protect(begin_, end_ - begin_, PROT_READ | PROT_WRITE);
    sigaction(SIGSEGV, &previous_, nullptr);
    active() = nullptr;
    if (Mutator* mutator = current_mutator_or_null()) mutator->safepoint();
  }
  Tripwires(const Tripwires&) = delete;
  Tripwires& operator=(const Tripwires&) = delete;

  // Bytes touched in one go, at most.
  size_t longest() const { return longest_; }
  size_t touched() const { return touched_; }

 private:
  static uintptr_t page() { return static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)); }
  static Tripwires*& active() {
    static Tripwires* tripwires = nullptr;
    return tripwires;
  }
  static void protect(uintptr_t begin, size_t bytes, int protection) {
    if (mprotect(reinterpret_cast<void*>(begin), bytes, protection) != 0) _exit(3);
  }
  static void on_trap(int, siginfo_t* info, void*) {
    const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
    Tripwires* self = active();
    if (self == nullptr || address < self->begin_ || address >= self->end_) {
      signal(SIGSEGV, SIG_DFL);  // comes again, as the crash that it is
      return;
    }
    protect(address & ~(page() - 1), page(), PROT_READ | PROT_WRITE);
    self->touch();
  }
  void touch() {
    touched_ += page();
    in_one_go_ += page();
    longest_ = std::max(longest_, in_one_go_);
    World& world = collector_->world;
    if (!world.done()) return;
    in_one_go_ = page();
    world.begin(Handshake::kBarrierOff);  // it is: nothing changes
  }

  Collector* const collector_;
  const uintptr_t begin_, end_;
  struct sigaction previous_ = {};
  size_t touched_ = 0, in_one_go_ = 0, longest_ = 0;
};

}  // namespace greyhound::gc
