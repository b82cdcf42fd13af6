// SPDX-License-Identifier: MIT
// Checks in three tiers and the one way to die. GREYHOUND_CHECK is always on, GREYHOUND_DCHECK only
// in debug builds; the costly tier is the verify_* functions of each layer, behind GREYHOUND_DEBUG
// flags.
//
// fatal() prints one line on stderr and ends the process with exit status 2, as Go's runtime does
// for a fatal error: nothing is unwound, because the state that made it fatal is not trusted.
#pragma once

namespace greyhound {

// Prints "fatal error: " and the printf-style message, then the context that the failing layer has
// registered for this thread (phase, cycle; see set_fatal_context), and exits with status 2.
// Any thread; async-signal-safe is not promised.
[[noreturn]] void fatal(const char* format, ...) __attribute__((format(printf, 1, 2), cold));

[[noreturn]] void check_failed(const char* file, int line, const char* condition)
    __attribute__((cold));

// A layer that knows more (the collector: phase and cycle) describes this thread's state here.
// `describe` writes at most `size` bytes including the terminating NUL. Thread-local.
using FatalContext = void (*)(const void* owner, char* buffer, unsigned long size);
void set_fatal_context(FatalContext describe, const void* owner);

}  // namespace greyhound

#define GREYHOUND_CHECK(condition)                   \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::greyhound::check_failed(__FILE__, __LINE__, #condition))
#ifdef NDEBUG
#define GREYHOUND_DCHECK(condition) static_cast<void>(0)
#else
#define GREYHOUND_DCHECK(condition) GREYHOUND_CHECK(condition)
#endif
