// SPDX-License-Identifier: MIT
#include "tools/command/interrupt.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace greyhound::serve {
namespace {

Descriptor checked(int fd, const char* what) {
  if (fd < 0) throw std::system_error(errno, std::generic_category(), what);
  return Descriptor(fd);
}

sigset_t interrupts() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

// 0 when there is none.
int take_signal(int signals) {
  signalfd_siginfo signal;
  return read(signals, &signal, sizeof signal) == sizeof signal ? static_cast<int>(signal.ssi_signo)
                                                                : 0;
}

}  // namespace

Interrupt::Interrupt() {
  const sigset_t set = interrupts();
  signals_ = checked(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK), "signalfd");
  cancelled_ = checked(eventfd(0, EFD_CLOEXEC), "eventfd");
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

Interrupt::~Interrupt() {
  while (take_signal(signals_.get()) != 0) {
  }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

int Interrupt::wait() {
  pollfd events[] = {{signals_.get(), POLLIN, 0}, {cancelled_.get(), POLLIN, 0}};
  for (;;) {
    if (poll(events, 2, -1) < 0 && errno != EINTR) usleep(10'000);  // out of memory, say
    if (events[1].revents != 0) return 0;
    if (const int signal = take_signal(signals_.get()); signal != 0) return signal;
  }
}

void Interrupt::cancel() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(cancelled_.get(), &one, sizeof one);
}

}  // namespace greyhound::serve
