// SPDX-License-Identifier: MIT
// Functions that the search must know by name: where it ends, and what code alone does not say.
#pragma once

#include <string>

namespace greyhound::callsites {

// By display name: the collector's allocator, Greyhound's or Go's: mallocgc, what stands for it in
// programs (newobject, newarray), and its fast path.
bool is_allocator(const std::string& name);

// The others by the linker's symbol.
bool is_off_heap_allocator(const std::string& symbol);
// That a function does not return, where its own code is in another file or, in Go's case, goes on
// after a call that does not come back.
bool never_returns(const std::string& symbol);
// What Go's compiler calls before a function when the goroutine's stack is too small for it.
bool grows_stack(const std::string& symbol);

}  // namespace greyhound::callsites
