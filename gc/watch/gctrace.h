// SPDX-License-Identifier: MIT
// What GREYHOUND_DEBUG=gctrace prints when the marking of a cycle is over: Go's line (1), a second
// one with what Go does not have (2), or a JSON object (json; docs/gctrace.schema.json).
// docs/tracing.md goes through them field by field.
//
// Thread rules: none; they write into the caller's buffer, and what does not fit is cut off.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/watch/stats.h"

namespace greyhound::gc {

struct GcTraceLine {
  const CycleStats& cycle;
  double cpu_share = 0;  // of all CPUs since the runtime was made, spent on marking; 0..1
  unsigned cpus = 1;
};

// Each gives the length of a line that ends in a newline.
size_t format_gctrace(const GcTraceLine& line, char* buffer, size_t size);
size_t format_gctrace_more(const GcTraceLine& line, char* buffer, size_t size);
size_t format_gctrace_json(const GcTraceLine& line, char* buffer, size_t size);

// A duration in milliseconds as Go prints it: whole ones from ten on; below, two significant digits
// and at most three decimals, cut off rather than rounded.
void format_go_ms(uint64_t ns, char (&out)[32]);

}  // namespace greyhound::gc
