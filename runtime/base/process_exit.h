// SPDX-License-Identifier: MIT
// Whether exit() is under way, which destroys static objects while threads run on. The C library
// does not say, and a mark by atexit() comes too early for a static object that registers itself
// later. But what destroys static and thread_local objects then is called by exit().
#pragma once

namespace greyhound {

// exit() is among the callers. Walks the stack, so it is for what would be an error otherwise.
// False where a caller has no unwind tables. Any thread.
bool called_by_exit();

}  // namespace greyhound
