// SPDX-License-Identifier: MIT
// The one place that starts threads. A thread that cannot be had (a limit on processes or address
// space) is an error number for the caller, never an exception, so code that is built without them
// and callers that hold locks are safe.
//
// Each thread has a name that debuggers and `ps -L` show, at most 15 characters long, and takes no
// signal of the program's: all are blocked before it runs its first instruction, but those that an
// instruction of its own raises, and SIGPROF, which it takes if the thread that starts it does.
//
// Thread rules: as a plain object; is_this_thread() from any thread while it runs.
#pragma once

#include <pthread.h>

namespace greyhound {

class OsThread {
 public:
  static constexpr unsigned kNameBytes = 16;  // with the NUL; what the kernel keeps

  OsThread() = default;
  // REQUIRES: joined, or forgotten.
  ~OsThread();
  OsThread(const OsThread&) = delete;
  OsThread& operator=(const OsThread&) = delete;

  // Runs body(context) on a thread of its own; returns 0, or an error number (EAGAIN). REQUIRES:
  // not running. The object stays where it is until join().
  [[nodiscard]] int start(const char* name, void (*body)(void*), void* context);
  // The same with a member function: thread.start<&Server::loop>("server", this).
  template <auto kBody, class T>
  [[nodiscard]] int start(const char* name, T* object) {
    return start(
        name, [](void* context) { (static_cast<T*>(context)->*kBody)(); }, object);
  }

  // Started, and not joined yet.
  bool running() const { return running_; }
  bool is_this_thread() const { return running_ && pthread_equal(handle_, pthread_self()) != 0; }
  // Waits for its end; nothing when it was not started.
  void join();
  // Lets go of it without waiting: it does not exist (in a forked child), or is the caller itself.
  void forget() { running_ = false; }

 private:
  static void* run(void* self);

  pthread_t handle_{};
  bool running_ = false;
  void (*body_)(void*) = nullptr;
  void* context_ = nullptr;
  char name_[kNameBytes] = {};
};

}  // namespace greyhound
