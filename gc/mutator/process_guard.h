// SPDX-License-Identifier: MIT
// Whether this process may use a collector: a forked child may when its parent's collector was
// quiet at the time (gc/cycle/collector_fork.h), and not after a fork that ran no handlers.
//
// Thread rules: any thread; written in a child only, before it has a second thread.
#pragma once

#include <sys/types.h>

namespace greyhound::gc {

class ProcessGuard {
 public:
  static constexpr const char* kNoHandlers =
      "without fork handlers (_Fork, clone, a raw system call); call fork()";

  bool usable() const;
  // Fatal, with what was wrong with the fork, where it is not.
  void require_usable() const;
  // Cheaper, and blind to forks without handlers.
  bool lost() const { return lost_ != nullptr; }

 private:
  friend class CollectorFork;
  bool begun_ = false;          // forks are taken care of
  const char* lost_ = nullptr;  // why this process cannot use the collector
  pid_t process_ = 0;           // the one that can
};

}  // namespace greyhound::gc
