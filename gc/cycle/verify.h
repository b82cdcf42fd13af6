// SPDX-License-Identifier: MIT
// The costly checks of the heap's own structure (GREYHOUND_DEBUG=verifyheap=1, and tests).
#pragma once

namespace greyhound::gc {

class Collector;

// Checks, with `when` in the message of a failure: every span is on its pages in the page table; no
// mark bit is set (between cycles); no allocation bit is set off a slot's base; nothing is left
// unswept. REQUIRES: no cycle is running and every span has been swept.
void verify_heap(Collector* collector, const char* when);

}  // namespace greyhound::gc
