// SPDX-License-Identifier: MIT
// What the tests of weak cells, ephemerons, finalizers and cleanups share.
#pragma once

#include <vector>

#include "tests/gc/fixture.h"

namespace greyhound::gc {

class ReferencesTest : public SteppingTest {
 protected:
  WeakCell* weak(Node* node, Mutator* mutator) {
    ActAs act(*mutator);
    return weak_cell(node);
  }
  EphemeronCell* ephemeron(Mutator* mutator, Node* key, Node* value) {
    ActAs act(*mutator);
    return new_ephemeron(key, value);
  }
  void finalize(Mutator* mutator, Node* node) {
    ActAs act(*mutator);
    collector.references.set_finalizer(node, [this](void* dead) {
      finalized.push_back(static_cast<Node*>(dead)->value);
      if (keep != nullptr) *keep = dead;
    });
  }
  // What runtime/weak.h does.
  Node* get(Mutator* mutator, const WeakCell* cell) {
    ActAs act(*mutator);
    const uintptr_t target = load_word(&cell->target);
    if (target == 0 || !weak_load(target)) return nullptr;
    return load_word(&cell->target) == target ? reinterpret_cast<Node*>(target) : nullptr;
  }
  void run_due(Mutator* mutator) {
    ActAs act(*mutator);
    ReadyCall call;
    while (collector.references.take_ready(&call)) {
      if (call.object != nullptr) {
        TestRoot object(*mutator, reinterpret_cast<void*>(call.object->value));
        collector.references.release(&call);
        call.finalizer(object.as<void>());
      } else {
        call.cleanup();
      }
      call = {};
      collector.references.finished();
    }
  }
  Node* make_value(Mutator* mutator, uint64_t value) {
    Node* node = make(mutator);
    node->value = value;
    return node;
  }

  std::vector<uint64_t> finalized;
  TestRoot* keep = nullptr;
};

}  // namespace greyhound::gc
