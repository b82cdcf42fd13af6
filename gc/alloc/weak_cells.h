// SPDX-License-Identifier: MIT
// Making weak cells and ephemerons: they are objects, and so allocated like any other.
//
// Thread rules: a thread with a current mutator; safepoints.
#pragma once

#include "gc/weak/weak_cell.h"

namespace greyhound::gc {

// The cell of `object`, which points anywhere into a live object; null when the heap is exhausted.
WeakCell* weak_cell(void* object);
// A cell of its own each time; null when the heap is exhausted.
EphemeronCell* new_ephemeron(void* key, void* value);

}  // namespace greyhound::gc
