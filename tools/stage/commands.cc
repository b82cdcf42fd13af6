// SPDX-License-Identifier: MIT
// What users of the stage may ask for. A command is a JSON object:
//
//   {"command":"reset","scenario":"cycle","seed":1}    a new heap
//   {"command":"step"}                                 one event; with "auto":true unless paused
//   {"command":"run","to":"drain"}                     events until that phase begins
//   {"command":"pause"}, {"command":"play"}            whether automatic steps are taken
//   {"command":"break_barrier","broken":true}
//   {"command":"checkmark"}                            once marking has ended
//   {"command":"mutate","do":"allocate","mutator":"A","root":"x"}
//   {"command":"mutate","do":"store","mutator":"A","from":3,"field":"left","to":5}   null: nil
//   {"command":"mutate","do":"root","mutator":"A","root":"x","to":5}                 null: drop it
//   {"command":"mutate","do":"assign","mutator":"A","key":"k","value":1000}
//   {"command":"mutate","do":"erase","mutator":"A","key":"k"}
//
// Everything is checked before anything is changed: what a mutator cannot reach it cannot store.
#include <fmt/format.h>

#include <array>

#include "runtime/base/nearest.h"
#include "tools/stage/scenario.h"
#include "tools/stage/stage.h"

namespace greyhound::stage {
namespace {

constexpr size_t kMostObjects = 400;
constexpr size_t kMostNameBytes = 24;
constexpr std::string_view kCommands[] = {"reset", "step",          "run",       "pause",
                                          "play",  "break_barrier", "checkmark", "mutate"};
constexpr std::string_view kMutations[] = {"allocate", "store", "root", "assign", "erase"};
constexpr gc::Phase kPhases[] = {
    gc::Phase::kIdle,      gc::Phase::kBarrierOn,  gc::Phase::kAllocBlack, gc::Phase::kDrain,
    gc::Phase::kScanRoots, gc::Phase::kBarrierOff, gc::Phase::kAllocWhite, gc::Phase::kSweep};

std::string text_of(const Json& command, const char* field) {
  const auto at = command.find(field);
  if (at == command.end() || !at->is_string())
    throw CommandError(fmt::format("the command needs \"{}\", a string", field));
  const auto text = at->get<std::string>();
  if (text.empty() || text.size() > kMostNameBytes)
    throw CommandError(fmt::format("\"{}\" needs 1 to {} bytes", field, kMostNameBytes));
  return text;
}

bool flag_of(const Json& command, const char* field) {
  const auto at = command.find(field);
  if (at == command.end() || !at->is_boolean())
    throw CommandError(fmt::format("the command needs \"{}\", true or false", field));
  return at->get<bool>();
}

// Object numbers.
size_t number_of(const Json& command, const char* field) {
  const auto at = command.find(field);
  if (at == command.end() || !at->is_number_unsigned())
    throw CommandError(fmt::format("the command needs \"{}\", an object's number", field));
  return at->get<size_t>();
}

uint64_t seed_of(const Json& command) {
  const auto at = command.find("seed");
  if (at == command.end()) return 1;
  if (!at->is_number_unsigned()) throw CommandError("\"seed\" needs a whole number from 0 on");
  return at->get<uint64_t>();
}

gc::Phase phase_of(const Json& command) {
  const std::string wanted = text_of(command, "to");
  std::vector<std::string_view> names;
  for (const gc::Phase phase : kPhases) {
    if (wanted == phase_key(phase)) return phase;
    names.emplace_back(phase_key(phase));
  }
  throw CommandError(
      fmt::format("unknown phase '{}'; the nearest is '{}'", wanted, nearest(wanted, names)));
}

}  // namespace

Json Stage::apply(const Json& command) {
  if (!command.is_object()) throw CommandError("a command is a JSON object, {\"command\": ...}");
  const std::string name = text_of(command, "command");
  if (name == "reset") {
    const uint64_t seed = seed_of(command);
    reset(command.contains("scenario") ? text_of(command, "scenario") : "cycle", seed);
  } else if (name == "step") {
    if (const bool automatic = command.contains("auto") && flag_of(command, "auto");
        !automatic || !paused_)
      step();
  } else if (name == "run") {
    run_to(phase_of(command));
  } else if (name == "pause" || name == "play") {
    paused_ = name == "pause";
  } else if (name == "break_barrier") {
    break_barrier(flag_of(command, "broken"));
  } else if (name == "checkmark") {
    require_sound();
    if (collector().phase() != gc::Phase::kBarrierOff) {
      throw CommandError(
          "checkmark tells nothing now: run to phase 'barrier-off', when marking has ended");
    }
    note("checkmark finds everything that is reachable marked");
    run_checkmark();
  } else if (name == "mutate") {
    mutate(command);
  } else {
    throw CommandError(
        fmt::format("unknown command '{}'; the nearest is '{}'", name, nearest(name, kCommands)));
  }
  return snapshot();
}

size_t Stage::mutator_of(const Json& command) const {
  const std::string name = text_of(command, "mutator");
  for (size_t m = 0; m < mutators_.size(); ++m) {
    if (mutators_[m]->name() == name) return m;
  }
  throw CommandError(fmt::format("there is no mutator '{}'; there are 'A' and 'B'", name));
}

// What a command names; null when it says null. Throws unless the mutator can come by it.
Node* Stage::node_of(const Json& command, const char* field, size_t mutator) {
  if (const auto at = command.find(field); at != command.end() && at->is_null()) return nullptr;
  const Object& object = object_with(number_of(command, field));
  if (!reaches(mutator, object.found.base)) {
    throw CommandError(
        fmt::format("mutator {} cannot have a pointer to #{}: none of its roots leads there",
                    mutators_[mutator]->name(), object.id));
  }
  const gc::Layout* layout = collector().heap.layout_of(object.found.span, object.found.index);
  if (!layout->type_name.ends_with("Node"))
    throw CommandError(fmt::format("#{} is not a Node", object.id));
  return reinterpret_cast<Node*>(object.found.base);
}

void Stage::mutate(const Json& command) {
  require_sound();
  const std::string what = text_of(command, "do");
  const size_t mutator = mutator_of(command);
  if (collector().world.parked())
    throw CommandError("the mutators are held for the last round; step until it is over");
  if (objects_.size() >= kMostObjects && (what == "allocate" || what == "assign")) {
    throw CommandError(
        fmt::format("this stage holds {} objects and has no room; reset it", kMostObjects));
  }
  if (what == "allocate") {
    allocate(mutator, text_of(command, "root"), "");
  } else if (what == "store") {
    Node* from = node_of(command, "from", mutator);
    if (from == nullptr) throw CommandError("\"from\" needs an object's number");
    const std::string field = text_of(command, "field");
    if (field != "left" && field != "right")
      throw CommandError(fmt::format("a Node has the fields 'left' and 'right', not '{}'", field));
    store(mutator, from, field == "left", node_of(command, "to", mutator));
  } else if (what == "root") {
    const std::string root = text_of(command, "root");
    if (root == "map") throw CommandError("root 'map' holds the map; take another name");
    set_root(mutator, root, node_of(command, "to", mutator));
  } else if (what == "assign" || what == "erase") {
    const std::string key = text_of(command, "key");
    if (map() == nullptr) make_map(mutator);
    if (what == "erase") {
      erase(mutator, key);
    } else {
      const auto value = command.find("value");
      if (value == command.end() || !value->is_number_integer())
        throw CommandError("the command needs \"value\", a whole number");
      assign(mutator, key, value->get<int64_t>());
    }
  } else {
    throw CommandError(
        fmt::format("unknown mutation '{}'; the nearest is '{}'", what, nearest(what, kMutations)));
  }
  ++steps_;
  refresh();
}

}  // namespace greyhound::stage
