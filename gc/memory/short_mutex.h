// SPDX-License-Identifier: MIT
// A mutex for sections of a few hundred instructions: who finds it taken waits awake for a while
// before it sleeps. To be put to sleep and woken again takes a mutator some 50 us, which is longer
// than it is ever held; and std::mutex is handed to whoever comes first, so that a thread which
// takes it again and again (a sweeper) can keep a sleeping one waiting for many turns.
//
// Thread rules: as std::mutex (Lockable).
#pragma once

#include <mutex>

#include "runtime/base/futex.h"

namespace greyhound::gc {

class ShortMutex {
 public:
  void lock() {
    for (int i = 0; i < kTries; ++i) {
      if (mutex_.try_lock()) return;
      cpu_pause();
    }
    mutex_.lock();
  }
  bool try_lock() { return mutex_.try_lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  static constexpr int kTries = 500;  // some 10 us

  std::mutex mutex_;
};

}  // namespace greyhound::gc
