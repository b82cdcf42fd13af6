// SPDX-License-Identifier: MIT
#include "gc/weak/weak_cell.h"

#include "gc/bug.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/mutator.h"

namespace greyhound::gc {

bool weak_load(uintptr_t address) {
  Mutator* mutator = current_mutator();
  // Before H1's answer, marking cannot end without this thread; after H4's, the dead are cleared.
  if (!mutator->shading()) return true;
  CollectorState& gc = *mutator->collector();
  const uintptr_t object = gc.heap.findObject(address).base;
  if (gc.heap.marks.test(object)) return true;
  if (bug(Bug::kWeakLoadWithoutVeto)) return true;
  // What was marked before the round was closed is alive; nothing else is.
  if (!gc.round.ask_for_another()) return gc.heap.marks.test(object);
  mutator->shades().shade(object, true);
  return true;
}

}  // namespace greyhound::gc
