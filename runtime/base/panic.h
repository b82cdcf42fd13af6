// SPDX-License-Identifier: MIT
// The hook by which gc/ and maps/ raise a Go panic (recoverable, unlike fatal()). The runtime layer
// installs a handler for each thread it attaches; without one a panic is fatal. Thread-local, so
// two runtimes in one process do not see each other's handlers.
#pragma once

namespace greyhound {

// Must not return: throws, longjmps, or ends the process.
using PanicHandler = void (*)(const char* message);

// Installs `handler` for this thread and returns the one it replaces (null for none).
PanicHandler set_panic_handler(PanicHandler handler);

// Raises a panic with `message` (copied by the handler if it keeps it). No runtime lock may be held
// and no object may be half-written: the handler may unwind through the caller's frame.
[[noreturn]] void panic(const char* message);

}  // namespace greyhound
