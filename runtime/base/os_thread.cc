// SPDX-License-Identifier: MIT
#include "runtime/base/os_thread.h"

#include <signal.h>

#include <cstring>
#include <initializer_list>

#include "runtime/base/check.h"

namespace greyhound {
namespace {

// What a thread of ours blocks, where its creator blocks `inherited`.
sigset_t blocked_signals(const sigset_t& inherited) {
  sigset_t blocked;
  sigfillset(&blocked);
  // Raised by an instruction of the thread's own: blocked, they would end the process unreported.
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT})
    sigdelset(&blocked, own);
  if (sigismember(&inherited, SIGPROF) == 0) sigdelset(&blocked, SIGPROF);
  return blocked;
}

}  // namespace

OsThread::~OsThread() { GREYHOUND_CHECK(!running_); }

int OsThread::start(const char* name, void (*body)(void*), void* context) {
  GREYHOUND_CHECK(!running_);
  body_ = body;
  context_ = context;
  std::strncpy(name_, name, kNameBytes - 1);
  // A thread begins with its creator's mask. A sandbox may refuse to change it.
  sigset_t before;
  bool masked = pthread_sigmask(SIG_SETMASK, nullptr, &before) == 0;
  if (masked) {
    const sigset_t blocked = blocked_signals(before);
    masked = pthread_sigmask(SIG_SETMASK, &blocked, nullptr) == 0;
  }
  const int error = pthread_create(&handle_, nullptr, run, this);
  if (masked) pthread_sigmask(SIG_SETMASK, &before, nullptr);
  running_ = error == 0;
  return error;
}

void* OsThread::run(void* self) {
  const auto* thread = static_cast<const OsThread*>(self);
  pthread_setname_np(pthread_self(), thread->name_);
  thread->body_(thread->context_);
  return nullptr;
}

void OsThread::join() {
  if (!running_) return;
  GREYHOUND_CHECK(pthread_join(handle_, nullptr) == 0);
  running_ = false;
}

}  // namespace greyhound
