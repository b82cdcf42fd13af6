// SPDX-License-Identifier: MIT
#include "tools/serve/interrupt.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

namespace greyhound::serve {
namespace {

// What the handler writes to; -1: nothing.
std::atomic<int> handler_pipe{-1};
static_assert(std::atomic<int>::is_always_lock_free);

void on_signal(int signal) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const ssize_t written =
      write(handler_pipe.load(std::memory_order_relaxed), &byte, 1);
  errno = saved;
}

}  // namespace

Interrupt::Interrupt() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  read_end_ = Descriptor(ends[0]);
  write_end_ = Descriptor(ends[1]);
  handler_pipe.store(ends[1], std::memory_order_relaxed);
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &before_int_);
  sigaction(SIGTERM, &action, &before_term_);
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &before_int_, nullptr);
  sigaction(SIGTERM, &before_term_, nullptr);
  handler_pipe.store(-1, std::memory_order_relaxed);
}

int Interrupt::wait() {
  unsigned char byte = 0;
  while (read(read_end_.get(), &byte, 1) != 1) {
  }
  return byte;
}

void Interrupt::cancel() {
  const unsigned char none = 0;
  [[maybe_unused]] const ssize_t written = write(write_end_.get(), &none, 1);
}

}  // namespace greyhound::serve
