// SPDX-License-Identifier: MIT
// What the stage's mutators do by hand: allocate, store, take and forget roots, write to the map.
// Each notes what it did, and what the barrier made of it.
#include <fmt/format.h>

#include <algorithm>

#include "maps/inspect.h"
#include "tools/stage/stage.h"

namespace greyhound::stage {

Node* Stage::allocate(size_t mutator, const std::string& root, const std::string& name) {
  Node* made = nullptr;
  {
    gc::ActAs act(*mutators_[mutator]);
    made = runtime::Thread::make<Node>();
  }
  objects_.erase(address_of(made));  // what was there before, if a refill has swept it just now
  names_.erase(address_of(made));
  if (!name.empty()) names_[address_of(made)] = name;
  if (!root.empty()) set_root(mutator, root, made);
  note(fmt::format(
      "{} allocates a Node{}{}", mutators_[mutator]->name(), name.empty() ? "" : " '" + name + "'",
      mutators_[mutator]->allocation().black() ? "; while marking that is black" : ""));
  return made;
}

void Stage::set_root(size_t mutator, const std::string& name, const void* target) {
  const auto at = std::ranges::find_if(
      roots_, [&](const Root& root) { return root.mutator == mutator && root.name == name; });
  if (at != roots_.end() && target == nullptr) {
    gc::Mutator::remove_handle(&at->slot);
    roots_.erase(at);
  } else if (at != roots_.end()) {
    at->slot.value = address_of(target);
  } else if (target != nullptr) {
    Root& root = roots_.emplace_back();
    root.name = name;
    root.mutator = mutator;
    root.slot.value = address_of(target);
    mutators_[mutator]->add_handle(&root.slot);
  }
  note(fmt::format("{} {} its root '{}'", mutators_[mutator]->name(),
                   target == nullptr ? "forgets" : "sets", name));
}

const void* Stage::root(size_t mutator, const std::string& name) const {
  for (const Root& root : roots_) {
    if (root.mutator == mutator && root.name == name)
      return reinterpret_cast<const void*>(root.slot.value);
  }
  return nullptr;
}

void Stage::store(size_t mutator, Node* from, bool left, Node* to) {
  const size_t shaded = gc::Stepping::shades(*mutators_[mutator]);
  {
    gc::ActAs act(*mutators_[mutator]);
    (left ? from->left : from->right) = to;
  }
  const bool shades = gc::Stepping::shades(*mutators_[mutator]) > shaded;
  note(fmt::format("{} stores {} into {} of {}{}", mutators_[mutator]->name(),
                   to == nullptr ? "nil" : say(address_of(to)), left ? "left" : "right",
                   say(address_of(from)), shades ? "; the barrier shades it" : ""));
}

maps::hmap* Stage::map() { return static_cast<maps::hmap*>(const_cast<void*>(root(0, "map"))); }

void Stage::make_map(size_t mutator) {
  maps::hmap* made = nullptr;
  {
    gc::ActAs act(*mutators_[mutator]);
    made = BoxMap::make().header();
  }
  for (size_t m = 0; m < mutators_.size(); ++m) set_root(m, "map", made);
}

void Stage::assign(size_t mutator, const std::string& key, int64_t value) {
  const maps::MapShape before = maps::inspect(BoxMap::type(), map());
  const auto known = std::ranges::find(keys_, key);
  const std::string& bytes = known != keys_.end() ? *known : keys_.emplace_back(key);
  {
    gc::ActAs act(*mutators_[mutator]);
    const eface box = runtime::to_eface(value);
    const maps::RootScope rooted(&box, sizeof box);  // no stack is scanned
    if (!BoxMap(map()).insert_or_assign(String(bytes.data(), bytes.size()), box))
      throw CommandError("the heap is full; reset the stage");
  }
  const maps::MapShape after = maps::inspect(BoxMap::type(), map());
  std::string more;
  if (after.growing && !before.growing)
    more = after.same_size_grow ? "; the map begins to grow to the same size"
                                : fmt::format("; the map begins to grow to 2^{} buckets", after.B);
  else if (!after.growing && !before.growing && after.B > before.B)
    more = fmt::format("; the map grows to 2^{} buckets, and this write evacuates all of the old",
                       after.B);
  else if (before.growing && !after.growing)
    more = "; the last old bucket is evacuated, the growth is over";
  else if (after.evacuated_old_buckets > before.evacuated_old_buckets)
    more = fmt::format("; it evacuates {} old bucket(s) on the way",
                       after.evacuated_old_buckets - before.evacuated_old_buckets);
  note(fmt::format("{}: m[\"{}\"] = {}{}{}", mutators_[mutator]->name(), key, value,
                   value < 0 || value > 255 ? ", boxed" : ", no box: below 256", more));
}

void Stage::erase(size_t mutator, const std::string& key) {
  gc::ActAs act(*mutators_[mutator]);
  BoxMap(map()).erase(String(key.data(), key.size()));
  note(fmt::format("{}: delete(m, \"{}\")", mutators_[mutator]->name(), key));
}

void Stage::look_up(size_t mutator, const std::vector<std::string>& keys) {
  gc::ActAs act(*mutators_[mutator]);
  const size_t evacuated = maps::inspect(BoxMap::type(), map()).evacuated_old_buckets;
  size_t found = 0;
  for (const std::string& key : keys)
    found += BoxMap(map()).contains(String(key.data(), key.size())) ? 1 : 0;
  note(fmt::format("{} looks up {} keys and finds {}: {} bucket(s) evacuated, nothing allocated",
                   mutators_[mutator]->name(), keys.size(), found,
                   maps::inspect(BoxMap::type(), map()).evacuated_old_buckets - evacuated));
}

void Stage::request_cycle() {
  collector().request_cycle();
  note("a cycle is asked for");
}

}  // namespace greyhound::stage
