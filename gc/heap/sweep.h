// SPDX-License-Identifier: MIT
// Sweeping a span is `alloc[w] = mark[w]; mark[w] = 0` over its words: what was not marked is free
// from then on, and the marks are white for the next cycle. It is lazy: a mutator that needs a span
// sweeps one, and the coordinator sweeps the rest after the cycle.
//
// Generations (rule 10 of docs/protocol.md). The heap's sweepgen is raised when H5 is requested; a
// mutator adopts it in its H5 acknowledgement, in which it also drops its spans. Until then it
// keeps allocating black, from spans stamped with the old generation, fresh ones included: those
// are swept like any other later, which turns their marks into allocation bits. A mutator takes a
// span from a list only
//   - of its own generation, as it is, or
//   - of the one before, if it allocates white: then it sweeps it first. Its own generation is the
//     heap's then and stays so until its next safepoint (gc/mutator/mcache.cc: take_span says what
//     may not stand in the place of this condition).
// Every span of the old generation is thus swept exactly once, by whoever popped it, after every
// mark in it was made, and before the next H1 is asked for: the coordinator waits for sweeps in
// flight (mheap::sweepers), because a barrier that is on would race with the clearing of marks.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gc/heap/heap.h"

namespace greyhound::gc {

// Sweeps `span`, owned by the caller, into generation `gen`; returns the number of live objects.
uint32_t sweep_span(mheap* heap, mspan* span, uint32_t gen);

// A span of `central` with room, swept from the generation before `gen` into that one; null when
// there is none, or when many in a row were full.
mspan* take_unswept(mheap* heap, mcentral* central, uint32_t gen);

// Sweeps everything that is left of the generation before the heap's, and waits for the sweeps that
// mutators have in flight. By the coordinator (or a step).
// Returns the number of spans swept.
size_t sweep_all(mheap* heap);

}  // namespace greyhound::gc
