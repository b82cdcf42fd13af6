// SPDX-License-Identifier: MIT
#include "gc/cycle/crash_report.h"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <mutex>

#include "gc/cycle/collector.h"
#include "gc/heap/describe.h"
#include "gc/watch/text.h"

namespace greyhound::gc {
namespace {

unsigned long long number(uint64_t value) { return value; }

bool holds_clobbered(const ucontext_t* context) {
  return std::ranges::any_of(context->uc_mcontext.gregs,
                             [](greg_t word) { return static_cast<uint64_t>(word) == kClobbered; });
}

void write_all(const char* text) {
  size_t left = std::strlen(text);
  while (left != 0) {
    const ssize_t written = write(STDERR_FILENO, text, left);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // there is nobody to tell
    text += written;
    left -= static_cast<size_t>(written);
  }
}

void on_signal(int signal, siginfo_t* info, void* context) {
  char buffer[4096];
  Text text(buffer, sizeof buffer);
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  text.add("fatal error: signal %d (SIG%s), address %#lx\n", signal, sigabbrev_np(signal), address);
  if (holds_clobbered(static_cast<ucontext_t*>(context))) {
    text.add(
        "  a register holds %#llx: a freed object was used (clobberfree), so look for a pointer "
        "that was no root or stored without a barrier\n",
        number(kClobbered));
  }
  char line[2048];
  if (const Mutator* mutator = tls_attached; mutator != nullptr) {
    describe_address(mutator->collector()->heap, address, line, sizeof line);
    text.add("  %s\n  mutator '%s', last safepoint: %s\n", line, mutator->name().c_str(),
             mutator->last_safepoint());
    PhaseLog::describe(&mutator->collector()->phases, line, sizeof line);
    text.add("  %s\n", line);
  }
  write_all(buffer);
  raise(signal);  // SA_RESETHAND: now as if there were no handler
}

}  // namespace

void install_crash_handler() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action = {};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_RESETHAND | SA_NODEFER;
    for (const int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE}) {
      if (sigaction(signal, &action, nullptr) == 0) continue;
      std::fprintf(stderr, "greyhound: crashreport: SIG%s cannot be handled: %s\n",
                   sigabbrev_np(signal), std::strerror(errno));
    }
  });
}

}  // namespace greyhound::gc
