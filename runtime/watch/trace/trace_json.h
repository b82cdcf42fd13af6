// SPDX-License-Identifier: MIT
// Trace events as JSON, in the format that Perfetto's UI, chrome://tracing and speedscope open: an
// object with "traceEvents", whose members have ph (X: span, i: instant, C: counter, M: a name), ts
// and dur in microseconds since the trace began, pid (one a runtime), tid (one a thread), cat (gc,
// handshake, mark, assist, sweep, mutator, map, finalizer) and args that name what they hold
// (docs/tracing.md).
//
// Thread rules: none; plain functions of values.
#pragma once

#include <span>
#include <string>

#include "gc/watch/trace_events.h"

namespace greyhound::trace {

struct NamedTrace {
  std::string name;  // of the runtime
  gc::Trace trace;
};

std::string to_json(const gc::Trace& trace);
// Several runtimes, each a process of its own, on one clock.
std::string to_json(std::span<const NamedTrace> traces);

}  // namespace greyhound::trace
