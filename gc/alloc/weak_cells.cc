// SPDX-License-Identifier: MIT
#include "gc/alloc/weak_cells.h"

#include "gc/alloc/malloc.h"
#include "gc/cycle/collector.h"
#include "gc/mutator/pieces.h"
#include "runtime/base/type_of.h"

namespace greyhound::gc {
namespace {

ReferenceProcessor& references_of(Mutator* mutator) {
  return mutator->collector()->driver->references;
}

}  // namespace

WeakCell* weak_cell(void* object) {
  Mutator* mutator = current_mutator();
  ReferenceProcessor& references = references_of(mutator);
  // Waiting for the lock and allocating are safepoints, also where stacks are no roots.
  const RootedPair rooted(mutator, object, nullptr);
  if (WeakCell* cell = references.find_weak(object); cell != nullptr) return cell;
  // Not under the lock, which the collector needs.
  auto* cell = static_cast<WeakCell*>(newobject(type_of<WeakCell>()));
  if (cell == nullptr) return nullptr;
  const RootedPair of_cell(mutator, cell, nullptr);
  return references.add_weak(object, cell);
}

EphemeronCell* new_ephemeron(void* key, void* value) {
  Mutator* mutator = current_mutator();
  const RootedPair rooted(mutator, key, value);
  auto* cell = static_cast<EphemeronCell*>(newobject(type_of<EphemeronCell>()));
  if (cell == nullptr) return nullptr;
  const RootedPair of_cell(mutator, cell, nullptr);
  references_of(mutator).add_ephemeron(cell, key, value);
  return cell;
}

}  // namespace greyhound::gc
