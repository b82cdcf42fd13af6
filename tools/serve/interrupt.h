// SPDX-License-Identifier: MIT
// SIGINT and SIGTERM as something to wait for. The handler only writes a byte to a pipe; programs
// that this process starts get the usual dispositions.
//
// Thread rules: one Interrupt at a time; wait from one thread.
#pragma once

#include <csignal>

#include "tools/serve/connections.h"

namespace greyhound::serve {

class Interrupt {
 public:
  Interrupt();
  // Puts back what the signals did before.
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Returns the signal's number; 0 after cancel().
  int wait();
  // Ends the wait without a signal. Any thread.
  void cancel();

 private:
  Descriptor read_end_, write_end_;
  struct sigaction before_int_ = {}, before_term_ = {};
};

}  // namespace greyhound::serve
