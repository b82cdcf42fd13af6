// SPDX-License-Identifier: MIT
// A small runtime in stepping mode, for looking at: objects, two mutators, a map, and a collector
// that advances one object, one acknowledgement or one phase at a time. What the lab page shows is
// drawn from snapshots of this, never from the runtime that is being measured. Everything in it is
// the real thing: the collector's own marker and handshakes, hmap's own evacuation, and what is
// lost when the barrier is broken is lost by the collector and found by its checkmark.
//
// Colors, as Dijkstra has them: an object is grey when work on it is queued, black when it is
// marked and has been scanned (or was allocated black), white otherwise.
//
// A scenario is a graph to begin with and a script of what the mutators do meanwhile; its events
// come when the collector is at the point that they need. The same scenario, seed and commands give
// the same snapshots.
//
// Thread rules: any thread, one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "gc/check/stepping.h"
#include "gc/cycle/collector.h"
#include "maps/map.h"
#include "runtime/iface.h"
#include "runtime/runtime.h"

namespace greyhound::stage {

using Json = nlohmann::ordered_json;

// A command that cannot be carried out; what() is a sentence that says why. Nothing has changed.
class CommandError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Node {
  Ref<Node> left;
  Ref<Node> right;
  uint64_t value = 0;
};
using BoxMap = maps::Map<String, eface>;  // Go's map[string]any

struct Scenario;

inline uintptr_t address_of(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

class Stage {
 public:
  explicit Stage(std::string_view scenario = "cycle", uint64_t seed = 1);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Everything there is to see now; docs/lab-page.md names the fields.
  Json snapshot();
  // Carries out a command and gives the snapshot after it. Throws CommandError.
  Json apply(const Json& command);

  // --- what commands are made of; scenarios use them as well
  // One event: a mutator's next move in the script, an answer to a handshake, an object scanned, or
  // a change of phase. Throws CommandError when there is nothing left to do.
  void step();
  // True when the script is over and no cycle runs, or an object was freed that is in use.
  bool finished();
  void break_barrier(bool broken);

  struct Root {
    std::string name;
    size_t mutator;
    gc::HandleSlot slot;
  };
  // By the mutator's own hands; each notes what it did.
  Node* allocate(size_t mutator, const std::string& root, const std::string& name);
  void set_root(size_t mutator, const std::string& root, const void* target);
  void store(size_t mutator, Node* from, bool left, Node* to);
  void assign(size_t mutator, const std::string& key, int64_t value);
  void erase(size_t mutator, const std::string& key);
  void look_up(size_t mutator, const std::vector<std::string>& keys);
  void make_map(size_t mutator);
  void request_cycle();
  const void* root(size_t mutator, const std::string& root) const;

  gc::Collector& collector() { return runtime_->collector(); }
  maps::hmap* map();
  uint64_t seed() const { return seed_; }
  bool broken() const { return broken_; }
  const std::string& event() const { return event_; }
  void note(std::string event) { event_ = std::move(event); }

  enum class Color : uint8_t { kWhite, kGrey, kBlack };
  struct Object {
    size_t id = 0;
    std::string name;  // given by the scenario; may be empty
    gc::FoundObject found;
    Color color = Color::kWhite;
    bool reachable = false;
  };
  // By address, which is by span and slot; as of the last refresh().
  const std::map<uintptr_t, Object>& objects() const { return objects_; }
  const Object& object_with(size_t id) const;
  Color color_of(const void* object);
  // visit(name of the field, address of the object) for each reference that is not null.
  void for_each_reference(const Object& object,
                          const std::function<void(std::string, uintptr_t)>& visit);

 private:
  struct Lost {
    size_t object = 0;
    std::string name;
    std::string by;
    size_t parent = 0;  // 0: a root
    std::string field;
    bool freed = false;
    uintptr_t address = 0;
  };

  void reset(std::string_view scenario, uint64_t seed);
  void clear();
  void refresh();
  void find_reachable();
  std::vector<uintptr_t> roots_of(size_t mutator) const;
  bool reaches(size_t mutator, uintptr_t target);
  bool advance();
  bool answer_one();
  bool scanned(const std::map<uintptr_t, Object>& were);
  void entered(gc::Phase before, const std::map<uintptr_t, Object>& were);
  void require_sound() const;
  void run_to(gc::Phase phase);
  void run_checkmark();
  std::string say(uintptr_t address) const;

  void mutate(const Json& command);
  size_t mutator_of(const Json& command) const;
  Node* node_of(const Json& command, const char* field, size_t mutator);

  Json heap_json();
  Json objects_json();
  Json roots_json() const;
  Json mutators_json();
  Json lost_json() const;

  std::unique_ptr<runtime::Runtime> runtime_;
  std::vector<std::unique_ptr<gc::Mutator>> mutators_;
  std::list<Root> roots_;         // linked into their mutators
  std::deque<std::string> keys_;  // bytes of the map's keys: constants, off the heap
  std::map<uintptr_t, Object> objects_;
  std::map<uintptr_t, std::string> names_;
  size_t last_id_ = 0;
  std::unique_ptr<const Scenario> scenario_;
  size_t script_at_ = 0;
  uint64_t seed_ = 1;
  uint64_t steps_ = 0;
  bool broken_ = false;
  bool paused_ = false;
  bool corrupt_ = false;
  std::vector<Lost> lost_;
  bool checked_ = false;  // checkmark has run in this cycle
  std::string event_;
};

// "drain", "scan-roots": how commands and snapshots spell phases.
const char* phase_key(gc::Phase phase);

}  // namespace greyhound::stage
