// SPDX-License-Identifier: MIT
#include "gc/mutator/process_guard.h"

#include <unistd.h>

#include "runtime/base/check.h"

namespace greyhound::gc {

bool ProcessGuard::usable() const { return lost_ == nullptr && (!begun_ || process_ == getpid()); }

void ProcessGuard::require_usable() const {
  if (usable()) return;
  fatal("this runtime cannot be used in this process, which was forked %s",
        lost_ != nullptr ? lost_ : kNoHandlers);
}

}  // namespace greyhound::gc
