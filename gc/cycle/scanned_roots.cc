// SPDX-License-Identifier: MIT
#include "gc/cycle/scanned_roots.h"

#include <utility>

#include "gc/mark/marker.h"
#include "gc/mark/root_resolver.h"
#include "gc/mutator/world.h"

namespace greyhound::gc {

void ScannedRoots::take_from(World* world) {
  // Taken out under the list's lock, resolved outside it: attach and detach need not wait for that.
  ambiguous_.clear();
  precise_.clear();
  world->for_each([this](Mutator* mutator) {
    RootWords& words = mutator->roots().words();
    const auto precise = words.begin() + static_cast<ptrdiff_t>(mutator->roots().ambiguous());
    ambiguous_.insert(ambiguous_.end(), words.begin(), precise);
    precise_.insert(precise_.end(), precise, words.end());
    mutator->roots().clear();
  });
}

bool ScannedRoots::markroot(const mheap& heap, Marker* marker, bool may_be_key) const {
  bool asks = false;
  for_each_root_object(heap, ambiguous_.data(), ambiguous_.size(), [&](const FoundObject& object) {
    if (marker->grey_object(object.base)) asks |= !object.span->noscan || may_be_key;
  });
  for (const uintptr_t word : precise_) asks |= marker->grey_root(word);
  marker->flush();
  return asks;
}

void ScannedRoots::trim(World* world) {
  OwnVector<RootWords> surplus;
  const auto trim = [&](RootWords* words, size_t used) {
    if (words->capacity() > kKeptWords && words->capacity() / 4 > used)
      surplus.push_back(std::exchange(*words, {}));
  };
  trim(&ambiguous_, ambiguous_.size());
  trim(&precise_, precise_.size());
  world->for_each(
      [&](Mutator* mutator) { trim(&mutator->roots().words(), mutator->roots().scanned()); });
}

}  // namespace greyhound::gc
