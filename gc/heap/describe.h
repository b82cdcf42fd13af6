// SPDX-License-Identifier: MIT
// What an address is to a heap, in a line: for crash reports and fatal errors.
//
// Thread rules: any thread, at any time, a signal handler included: it takes no lock, and what it
// reads may be a moment old.
#pragma once

#include <cstddef>
#include <cstdint>

namespace greyhound::gc {

class mheap;

// What the first word of an object that clobberfree overwrote reads as, and all others of it.
inline constexpr uint64_t kClobbered = 0xdeadbeefdeadbeef;

// Free, a slot of which class and type, allocated, marked. At most `size` bytes with the NUL.
void describe_address(const mheap& heap, uintptr_t address, char* buffer, size_t size);

}  // namespace greyhound::gc
