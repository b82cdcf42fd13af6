// SPDX-License-Identifier: MIT
// What the library has to say, and to whom: a line on stderr, or to the embedder's hook
// (Options::log). Fatal errors, crash reports and gctrace's lines are not messages: they go to
// stderr, whoever is listening.
//
// Thread rules: any thread. The hook is called on the thread that has something to say, which may
// be one of the runtime's own, hold locks of the runtime's or be in the middle of an allocation. So
// it may be called by several threads at once, must not call the runtime, allocate managed objects
// or throw, and should not take long: copy the text and return.
#pragma once

#include "gc/options.h"

namespace greyhound::gc {

// One sentence without a newline; "greyhound: " stands before it on stderr.
void log_message(const Options& options, const char* format, ...)
    __attribute__((format(printf, 2, 3), cold));
// What a debug flag asked for, as it is.
void log_trace(const Options& options, const char* format, ...)
    __attribute__((format(printf, 2, 3), cold));

}  // namespace greyhound::gc
