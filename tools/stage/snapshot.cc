// SPDX-License-Identifier: MIT
// The stage as JSON. Objects, spans and mutators are keyed by number or name, so that the
// difference of two snapshots is short.
#include <fmt/format.h>

#include "tools/stage/map_view.h"
#include "tools/stage/scenario.h"
#include "tools/stage/stage.h"

namespace greyhound::stage {
namespace {

const char* color_name(Stage::Color color) {
  switch (color) {
    case Stage::Color::kWhite:
      return "white";
    case Stage::Color::kGrey:
      return "grey";
    case Stage::Color::kBlack:
      return "black";
  }
  return "white";
}

// Without the namespaces; what has no pointers has no type of its own.
std::string short_type(const gc::Layout& layout, size_t bytes) {
  if (layout.noscan()) return bytes == 16 ? "box (tiny block)" : "no pointers";
  const size_t colon = layout.type_name.rfind("::");
  return colon == std::string::npos ? layout.type_name : layout.type_name.substr(colon + 2);
}

Json goal_json(uint64_t bytes) { return bytes == UINT64_MAX ? Json(nullptr) : Json(bytes); }

}  // namespace

Json Stage::snapshot() {
  refresh();
  gc::Collector& gc = collector();
  return {{"scenario", scenario_->name},
          {"title", scenario_->title},
          {"seed", seed_},
          {"step", steps_},
          {"event", event_},
          {"phase", phase_key(gc.phase())},
          {"phase_name", gc::phase_name(gc.phase())},
          {"cycle", gc.completed_cycles() + (gc.phase() == gc::Phase::kIdle ? 0 : 1)},
          {"round", gc.phase() == gc::Phase::kIdle ? 0 : gc::Stepping::rounds(gc)},
          {"finished", finished()},
          {"paused", paused_},
          {"broken", broken_},
          {"corrupt", corrupt_},
          {"checked", checked_},
          {"heap", heap_json()},
          {"mutators", mutators_json()},
          {"roots", roots_json()},
          {"objects", objects_json()},
          {"lost", lost_json()},
          {"map", map_json(map())}};
}

Json Stage::heap_json() {
  gc::Collector& gc = collector();
  Json spans = Json::object();
  gc.heap.for_each_span([&](const gc::mspan* span) {
    spans[std::to_string(span->index)] = {{"slot_bytes", span->elem_size},
                                          {"slots", span->nelems},
                                          {"noscan", span->noscan},
                                          {"shared", span->layout == nullptr}};
  });
  return {{"live", gc.pacer.live()},
          {"goal", goal_json(gc.pacer.goal())},
          {"trigger", goal_json(gc.pacer.trigger())},
          {"spans", std::move(spans)}};
}

Json Stage::mutators_json() {
  Json result = Json::object();
  for (auto& mutator : mutators_) {
    const bool pending = gc::Stepping::has_pending(*mutator);
    result[mutator->name()] = {
        {"barrier_on", mutator->shading()},
        {"barrier_broken", gc::Stepping::barrier_broken(*mutator)},
        {"alloc_black", mutator->allocation().black()},
        {"shades", gc::Stepping::shades(*mutator)},
        {"pending",
         pending ? Json(gc::handshake_name(gc::Stepping::pending(*mutator))) : Json(nullptr)}};
  }
  return result;
}

Json Stage::roots_json() const {
  Json result = Json::array();
  for (const Root& root : roots_) {
    const auto object = objects_.find(root.slot.value);
    result.push_back({{"mutator", mutators_[root.mutator]->name()},
                      {"name", root.name},
                      {"to", object == objects_.end() ? Json(nullptr) : Json(object->second.id)}});
  }
  return result;
}

Json Stage::objects_json() {
  Json result = Json::object();
  for (const auto& [base, object] : objects_) {
    const gc::mspan* span = object.found.span;
    const gc::Layout* layout = collector().heap.layout_of(span, object.found.index);
    Json references = Json::array();
    for_each_reference(object, [&](const std::string& field, uintptr_t target) {
      const auto to = objects_.find(target);
      references.push_back({field, to == objects_.end() ? Json(nullptr) : Json(to->second.id)});
    });
    Json out = {{"span", span->index},
                {"slot", object.found.index},
                {"type", short_type(*layout, span->elem_size)},
                {"size", span->elem_size},
                {"color", color_name(object.color)},
                {"reachable", object.reachable}};
    if (!object.name.empty()) out["name"] = object.name;
    if (!references.empty()) out["refs"] = std::move(references);
    result[std::to_string(object.id)] = std::move(out);
  }
  return result;
}

Json Stage::lost_json() const {
  Json result = Json::array();
  for (const Lost& lost : lost_) {
    Json out = {{"object", lost.object}, {"name", lost.name},   {"by", lost.by},
                {"parent", lost.parent}, {"field", lost.field}, {"freed", lost.freed}};
    // What the program reads there now.
    const auto* node = reinterpret_cast<const Node*>(lost.address);
    out["value"] = fmt::format("{:#x}", node->value);
    result.push_back(std::move(out));
  }
  return result;
}

}  // namespace greyhound::stage
