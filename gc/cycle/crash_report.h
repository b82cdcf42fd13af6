// SPDX-License-Identifier: MIT
// What is said of a crash: the signal, what the address is to the heap (heap/describe.h), the
// thread's last safepoint and what the collector did last (watch/phase_log.h).
#pragma once

namespace greyhound::gc {

// From here on a SIGSEGV, SIGBUS, SIGILL or SIGFPE prints a report before the process dies of it.
// For the whole process, once; GREYHOUND_DEBUG=crashreport=1 asks for it. Any thread.
void install_crash_handler();

}  // namespace greyhound::gc
