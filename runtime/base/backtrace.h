// SPDX-License-Identifier: MIT
// Who called: a walk along the frame pointers, which every build keeps (tools/cmake/layer.cmake).
#pragma once

#include <cstddef>
#include <cstdint>

#include "runtime/base/platform.h"
#include "runtime/base/system.h"

namespace greyhound {

// Stores at most `capacity` return addresses, from the caller of the function whose frame `frame`
// is (__builtin_frame_address(0)) outwards, and gives their number. Stops where the chain leaves
// [frame, stack_end) or does not go outwards: at code that keeps no frame pointers. Touches nothing
// but the stack, so it may run in a signal handler.
GREYHOUND_INLINE size_t walk_frames(uintptr_t frame, uintptr_t stack_end, uintptr_t* addresses,
                                    size_t capacity) {
  size_t count = 0;
  while (count < capacity && frame % sizeof(uintptr_t) == 0 && frame < stack_end &&
         stack_end - frame >= 2 * sizeof(uintptr_t)) {
    const auto* words = reinterpret_cast<const uintptr_t*>(frame);
    if (words[1] == 0) break;
    addresses[count++] = words[1];
    if (words[0] <= frame) break;
    frame = words[0];
  }
  return count;
}

// The calling thread's own stack. Asked of the system once a thread, or again with `again`: the
// first thread's may grow lower when its limit is raised. `low` is 0 where only the end is known.
// Not for signal handlers.
StackBounds thread_stack_bounds(bool again = false);
inline uintptr_t thread_stack_end() { return thread_stack_bounds().end; }

}  // namespace greyhound
