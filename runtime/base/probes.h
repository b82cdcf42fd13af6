// SPDX-License-Identifier: MIT
// USDT probes of the provider `greyhound`, for bpftrace, perf, gdb and SystemTap: each is a nop and
// a note that says where its arguments are. Built where <sys/sdt.h> is found (systemtap-sdt-dev)
// and GREYHOUND_PROBES is not 0; else the macros vanish, their arguments unevaluated.
//
// The probes and their arguments are listed in docs/tracing.md. Strings are NUL-terminated and
// valid while the probe is hit. An argument should be at hand where the probe stands: what has to
// be computed for it is computed whether somebody looks or not.
//
// For .cc files only, so that what an embedder compiles does not depend on it.
#pragma once

#ifndef GREYHOUND_PROBES
#define GREYHOUND_PROBES 1
#endif

#if GREYHOUND_PROBES && __has_include(<sys/sdt.h>)
// Not "nor", the default: of that Clang always picks memory, and stores the argument for it.
#define STAP_SDT_ARG_CONSTRAINT nr
#include <sys/sdt.h>
#define GREYHOUND_PROBE1(name, a) DTRACE_PROBE1(greyhound, name, a)
#define GREYHOUND_PROBE2(name, a, b) DTRACE_PROBE2(greyhound, name, a, b)
#define GREYHOUND_PROBE3(name, a, b, c) DTRACE_PROBE3(greyhound, name, a, b, c)
#define GREYHOUND_PROBE4(name, a, b, c, d) DTRACE_PROBE4(greyhound, name, a, b, c, d)
#else
#define GREYHOUND_PROBE1(name, a) static_cast<void>(sizeof(a))
#define GREYHOUND_PROBE2(name, a, b) static_cast<void>(sizeof(a) + sizeof(b))
#define GREYHOUND_PROBE3(name, a, b, c) static_cast<void>(sizeof(a) + sizeof(b) + sizeof(c))
#define GREYHOUND_PROBE4(name, a, b, c, d) \
  static_cast<void>(sizeof(a) + sizeof(b) + sizeof(c) + sizeof(d))
#endif
