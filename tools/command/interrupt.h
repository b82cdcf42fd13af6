// SPDX-License-Identifier: MIT
// SIGINT, SIGTERM and SIGHUP as something to wait for. They are blocked, not handled: in this
// thread and in those that it starts from now on, so make it before them. A thread that computes is
// then never the one that the kernel picks, and nothing is interrupted. Programs that inherit the
// mask never see these signals unless they are started with one of their own
// (POSIX_SPAWN_SETSIGMASK).
//
// Thread rules: one Interrupt at a time, made and destroyed on one thread; wait from one thread.
#pragma once

#include <csignal>

#include "runtime/watch/debughttp/connections.h"

namespace greyhound::serve {

class Interrupt {
 public:
  // Throws std::system_error where the kernel gives no descriptor.
  Interrupt();
  // Puts back what was blocked before. A signal that came and was not waited for is dropped.
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Returns the signal's number; 0 after cancel().
  int wait();
  // Ends the wait without a signal. Any thread.
  void cancel();

 private:
  sigset_t before_;
  Descriptor signals_, cancelled_;
};

}  // namespace greyhound::serve
