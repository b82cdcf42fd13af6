// SPDX-License-Identifier: MIT
// The stage's heap: who is on it, what color everything has, and one event after the other. What is
// shown of it is in snapshot.cc, what its mutators do in mutators.cc, what users may ask for in
// commands.cc.
#include "tools/stage/stage.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/stage/scenario.h"

namespace greyhound::stage {
namespace {

using gc::Phase;

// After so many rounds the mutators are held for a last one, and must be claimable by then.
constexpr unsigned kRoundsHeldBack = 6;
static_assert(kRoundsHeldBack < gc::Cycle::kMaxRounds);
// Queue entries that turn out to be marked already are no event; so many of them are passed over.
constexpr int kMostIdleSteps = 1000;

runtime::Options stepping_options() {
  runtime::Options options;
  options.mode = runtime::Mode::kStepping;
  options.stack_roots = runtime::StackRoots::kPrecise;
  options.reserve = uint64_t{64} << 20;
  options.use_environment = false;
  options.debug.clobberfree = 1;  // so that reading what was freed shows
  return options;
}

constexpr const char* kMutatorNames[] = {"A", "B"};

}  // namespace

const char* phase_key(Phase phase) {
  switch (phase) {
    case Phase::kIdle:
      return "idle";
    case Phase::kBarrierOn:
      return "barrier-on";
    case Phase::kAllocBlack:
      return "alloc-black";
    case Phase::kDrain:
      return "drain";
    case Phase::kScanRoots:
      return "scan-roots";
    case Phase::kReferences:
      return "specials";
    case Phase::kBarrierOff:
      return "barrier-off";
    case Phase::kAllocWhite:
      return "alloc-white";
    case Phase::kSweep:
      return "sweep";
  }
  return "unknown";
}

Stage::Stage(std::string_view scenario, uint64_t seed) { reset(scenario, seed); }
Stage::~Stage() { clear(); }

void Stage::clear() {
  for (Root& root : roots_) gc::Mutator::remove_handle(&root.slot);
  roots_.clear();
  for (auto& mutator : mutators_) gc::Stepping::hold_back(*mutator, false);
  mutators_.clear();
  runtime_.reset();
  keys_.clear();
  objects_.clear();
  names_.clear();
  lost_.clear();
}

void Stage::reset(std::string_view name, uint64_t seed) {
  auto scenario = std::make_unique<const Scenario>(scenario_named(name, seed));
  clear();
  scenario_ = std::move(scenario);
  seed_ = seed;
  script_at_ = 0;
  last_id_ = 0;
  steps_ = 0;
  corrupt_ = checked_ = false;
  runtime_ = std::make_unique<runtime::Runtime>(stepping_options());
  for (const char* mutator : kMutatorNames) {
    mutators_.push_back(std::make_unique<gc::Mutator>(&collector(), mutator));
    // Hash seeds come from here: the same snapshots for the same seed.
    mutators_.back()->allocation().random.state = seed * 0x9e3779b97f4a7c15u + mutators_.size();
  }
  break_barrier(broken_);
  scenario_->begin(*this);
  refresh();
}

void Stage::break_barrier(bool broken) {
  broken_ = broken;
  for (auto& mutator : mutators_) gc::Stepping::break_barrier(*mutator, broken);
  event_ = broken ? "the barrier is broken: no mutator raises its flag"
                  : "the barrier is mended, from the next cycle on";
}

void Stage::require_sound() const {
  if (corrupt_) {
    throw CommandError(
        "an object that is in use has been freed, so nothing sound can follow; reset the stage");
  }
}

// --- what there is

std::string Stage::say(uintptr_t address) const {
  const auto name = names_.find(address);
  if (name != names_.end()) return "'" + name->second + "'";
  const auto object = objects_.find(address);
  return object == objects_.end() ? "a fresh object" : fmt::format("#{}", object->second.id);
}

Stage::Color Stage::color_of(const void* pointer) {
  refresh();
  const auto object = objects_.find(address_of(pointer));
  return object == objects_.end() ? Color::kWhite : object->second.color;
}

const Stage::Object& Stage::object_with(size_t id) const {
  for (const auto& [base, object] : objects_) {
    if (object.id == id) return object;
  }
  throw CommandError(fmt::format("there is no object #{}; the snapshot lists them", id));
}

void Stage::refresh() {
  gc::mheap& heap = collector().heap;
  std::vector<std::pair<uintptr_t, uintptr_t>> unused;
  for (auto& mutator : mutators_) {
    gc::Stepping::for_each_free_run(
        *mutator, [&](uintptr_t from, uintptr_t to) { unused.emplace_back(from, to); });
  }
  const auto handed_out = [&](uintptr_t base) {
    return std::ranges::none_of(
        unused, [base](const auto& run) { return base >= run.first && base < run.second; });
  };
  std::map<uintptr_t, Object> now;
  heap.for_each_span([&](gc::mspan* span) {
    for (uint32_t i = 0; i < span->nelems; ++i) {
      const uintptr_t base = span->object_base(i);
      if (!heap.allocs.test(base) || !handed_out(base)) continue;
      Object object;
      const auto known = objects_.find(base);
      object.id = known != objects_.end() ? known->second.id : ++last_id_;
      const auto name = names_.find(base);
      if (name != names_.end()) object.name = name->second;
      object.found = {base, span, i};
      object.color = heap.marks.test(base) ? Color::kBlack : Color::kWhite;
      now.emplace(base, std::move(object));
    }
  });
  gc::Stepping::for_each_entry(collector(), [&](gc::MarkEntry entry) {
    const uintptr_t base = heap.findObject(entry.address()).base;
    const auto object = now.find(base);
    if (object == now.end()) return;
    const bool scanned = !entry.is(gc::MarkEntry::kGrey) && !entry.is(gc::MarkEntry::kOblet) &&
                         heap.marks.test(base);
    if (!scanned) object->second.color = Color::kGrey;
  });
  std::erase_if(names_, [&](const auto& name) { return !now.contains(name.first); });
  objects_ = std::move(now);
  find_reachable();
  for (Lost& lost : lost_) {
    lost.freed = lost.freed || !objects_.contains(lost.address);
    corrupt_ = corrupt_ || lost.freed;
  }
}

void Stage::for_each_reference(const Object& object,
                               const std::function<void(std::string, uintptr_t)>& visit) {
  gc::mheap& heap = collector().heap;
  const gc::Layout* layout = heap.layout_of(object.found.span, object.found.index);
  if (layout->noscan()) return;
  const bool node =
      object.found.span->elem_size >= sizeof(Node) && layout->type_name.ends_with("Node");
  for (size_t word = 0; word < object.found.span->elem_size / kWordBytes; ++word) {
    const size_t in_elem = word % layout->elem_words;
    if (in_elem >= layout->ptr_words || ((layout->mask[in_elem / 64] >> (in_elem % 64)) & 1) == 0)
      continue;
    const uintptr_t value = load_word(reinterpret_cast<void*>(object.found.base + word * 8));
    const uintptr_t target = heap.findObject(value).base;
    if (target == 0) continue;
    visit(node ? (word == 0 ? "left" : "right") : fmt::format("word {}", word), target);
  }
}

std::vector<uintptr_t> Stage::roots_of(size_t mutator) const {
  std::vector<uintptr_t> roots;
  for (const Root& root : roots_) {
    if (root.mutator == mutator) roots.push_back(root.slot.value);
  }
  return roots;
}

// Of the objects of the last refresh(): which one of the mutators can come by.
void Stage::find_reachable() {
  std::vector<uintptr_t> todo;
  for (size_t m = 0; m < mutators_.size(); ++m) {
    const std::vector<uintptr_t> roots = roots_of(m);
    todo.insert(todo.end(), roots.begin(), roots.end());
  }
  while (!todo.empty()) {
    const auto object = objects_.find(todo.back());
    todo.pop_back();
    if (object == objects_.end() || object->second.reachable) continue;
    object->second.reachable = true;
    for_each_reference(object->second,
                       [&](const std::string&, uintptr_t target) { todo.push_back(target); });
  }
}

bool Stage::reaches(size_t mutator, uintptr_t target) {
  std::vector<uintptr_t> todo = roots_of(mutator);
  std::map<uintptr_t, bool> seen;
  while (!todo.empty()) {
    const uintptr_t base = todo.back();
    todo.pop_back();
    const auto object = objects_.find(base);
    if (object == objects_.end() || seen[base]) continue;
    seen[base] = true;
    if (base == target) return true;
    for_each_reference(object->second,
                       [&](const std::string&, uintptr_t next) { todo.push_back(next); });
  }
  return false;
}

// --- one event after the other

bool Stage::finished() {
  return corrupt_ || (script_at_ >= scenario_->moves.size() &&
                      collector().phase() == Phase::kIdle && !gc::Stepping::wanted(collector()));
}

void Stage::step() {
  require_sound();
  ++steps_;
  const bool held = collector().world.parked();
  if (script_at_ < scenario_->moves.size() && !held && scenario_->moves[script_at_].due(*this)) {
    scenario_->moves[script_at_++].make(*this);
    return refresh();
  }
  if (!advance()) {
    // What the script still waits for does not come by itself.
    script_at_ = scenario_->moves.size();
    request_cycle();
  }
}

bool Stage::answer_one() {
  for (auto& mutator : mutators_) {
    if (!gc::Stepping::has_pending(*mutator)) continue;
    const gc::Handshake handshake = gc::Stepping::pending(*mutator);
    {
      gc::ActAs act(*mutator);
      mutator->safepoint("stage");
    }
    note(fmt::format("{} answers {} at its safepoint{}", mutator->name(),
                     gc::handshake_name(handshake),
                     handshake == gc::Handshake::kBarrierOn && broken_
                         ? ", but its flag stays down: the barrier is broken"
                         : ""));
    return true;
  }
  return false;
}

// False when no cycle runs and none was asked for.
bool Stage::advance() {
  for (int i = 0; i < kMostIdleSteps; ++i) {
    const Phase before = collector().phase();
    const bool hold = before == Phase::kIdle || gc::Stepping::rounds(collector()) < kRoundsHeldBack;
    for (auto& mutator : mutators_) gc::Stepping::hold_back(*mutator, hold);
    const std::map<uintptr_t, Object> were = objects_;
    const gc::Progress progress = collector().step(1);
    if (progress == gc::Progress::kIdle) return false;
    if (progress == gc::Progress::kWaiting) {
      GREYHOUND_CHECK(answer_one());
      refresh();
      return true;
    }
    refresh();
    if (collector().phase() != before) {
      entered(before, were);
      return true;
    }
    if (scanned(were)) return true;
  }
  return true;
}

// Notes which object was scanned, if one was.
bool Stage::scanned(const std::map<uintptr_t, Object>& were) {
  std::string black;
  size_t grey = 0;
  for (const auto& [base, object] : objects_) {
    const auto was = were.find(base);
    if (was == were.end() || was->second.color == object.color) continue;
    if (object.color == Color::kBlack) black = say(base);
    if (object.color == Color::kGrey) ++grey;
  }
  if (black.empty() && grey == 0) return false;
  note(fmt::format("the marker scans {}: it is black now; {} object(s) become grey", black, grey));
  return true;
}

void Stage::entered(Phase before, const std::map<uintptr_t, Object>& were) {
  const Phase now = collector().phase();
  switch (now) {
    case Phase::kBarrierOn:
      checked_ = false;
      return note("H1 asks every mutator to switch its barrier on");
    case Phase::kAllocBlack:
      return note("all have the barrier. H2 asks them to allocate black from now on");
    case Phase::kDrain:
      return note(before == Phase::kAllocBlack
                      ? "marking begins: round 1, with nothing to drain yet"
                      : fmt::format("something turned grey, so another round: {}",
                                    gc::Stepping::rounds(collector())));
    case Phase::kScanRoots:
      return note(
          "nothing is grey in the queues. H3 asks every mutator for its roots and what it "
          "has shaded");
    case Phase::kReferences:
      return note("weak cells and finalizers");
    case Phase::kBarrierOff:
      note("a quiet round: marking has ended. H4 asks the mutators to switch their barriers off");
      return run_checkmark();
    case Phase::kAllocWhite:
      return note("H5 asks the mutators to allocate white again; what stayed white is garbage");
    case Phase::kSweep:
      return note("all have answered; the sweep may begin");
    case Phase::kIdle: {
      size_t freed = 0;
      for (const auto& [base, object] : were) freed += objects_.contains(base) ? 0 : 1;
      note(fmt::format("the sweep frees {} white object(s); all others are white again", freed));
      for (const Lost& lost : lost_) {
        if (lost.freed)
          note(
              fmt::format("the sweep frees {} white object(s), #{} '{}' among them: {} still "
                          "refers to it, to memory that is free",
                          freed, lost.object, lost.name, lost.by));
      }
      return;
    }
  }
}

void Stage::run_checkmark() {
  lost_.clear();
  checked_ = true;
  for (const gc::UnmarkedObject& found : gc::Stepping::checkmark(collector())) {
    const auto object = objects_.find(found.object);
    const auto parent = objects_.find(found.parent);
    if (object == objects_.end()) continue;
    Lost lost;
    lost.object = object->second.id;
    lost.name = object->second.name;
    lost.address = found.object;
    lost.parent = parent == objects_.end() ? 0 : parent->second.id;
    lost.by = lost.parent == 0 ? std::string("a root") : say(found.parent);
    if (lost.parent != 0) {
      for_each_reference(parent->second, [&](const std::string& field, uintptr_t target) {
        if (target == found.object) lost.field = field;
      });
    }
    lost_.push_back(lost);
  }
  if (lost_.empty()) return;
  note(
      fmt::format("marking has ended, and checkmark finds {} object(s) reachable but white: {} is "
                  "referred to by {} and will be freed",
                  lost_.size(), say(lost_.front().address), lost_.front().by));
}

void Stage::run_to(Phase phase) {
  require_sound();
  constexpr int kMost = 100'000;
  if (collector().phase() == Phase::kIdle && phase != Phase::kIdle &&
      script_at_ >= scenario_->moves.size())
    request_cycle();
  for (int i = 0; i < kMost; ++i) {
    const Phase before = collector().phase();
    step();
    if (corrupt_) return;
    if (collector().phase() == phase && before != phase) return;
    if (phase == Phase::kIdle && finished()) return;
  }
  throw CommandError(fmt::format("phase '{}' was not reached", phase_key(phase)));
}

}  // namespace greyhound::stage
