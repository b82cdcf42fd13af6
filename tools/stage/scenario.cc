// SPDX-License-Identifier: MIT
#include "tools/stage/scenario.h"

#include <fmt/format.h>

#include <array>
#include <random>

#include "runtime/base/nearest.h"

namespace greyhound::stage {
namespace {

using gc::Phase;

constexpr size_t kA = 0;
constexpr size_t kB = 1;

bool marking(Stage& stage) {
  const Phase phase = stage.collector().phase();
  return phase == Phase::kDrain || phase == Phase::kScanRoots;
}
bool always(Stage&) { return true; }

Node* node(Stage& stage, size_t mutator, const char* root) {
  return static_cast<Node*>(const_cast<void*>(stage.root(mutator, root)));
}

// --- cycle: a random graph, garbage, a small map of boxes, and mutators that go on meanwhile

constexpr size_t kNodes = 24;

void begin_cycle(Stage& stage) {
  std::mt19937_64 random(stage.seed());
  std::vector<Node*> nodes;
  for (size_t i = 0; i < kNodes; ++i)
    nodes.push_back(stage.allocate(kA, fmt::format("_{}", i), ""));
  // A tree, so that most are reachable; then cross links.
  for (size_t i = 1; i < kNodes * 3 / 4; ++i) {
    Node* parent = nodes[(i - 1) / 2];
    stage.store(kA, parent, i % 2 == 1, nodes[i]);
  }
  for (size_t i = kNodes * 3 / 4; i + 1 < kNodes; ++i) {
    stage.store(kA, nodes[i], true, nodes[i + 1]);  // a list that nothing will hold
    stage.store(kA, nodes[i], false, nodes[random() % (kNodes / 2)]);
  }
  stage.set_root(kA, "tree", nodes[0]);
  stage.set_root(kB, "tree", nodes[0]);
  stage.set_root(kB, "leaf", nodes[kNodes / 2 + random() % (kNodes / 4)]);
  for (size_t i = 0; i < kNodes; ++i) stage.set_root(kA, fmt::format("_{}", i), nullptr);
  stage.make_map(kA);
  for (int i = 0; i < 5; ++i) stage.assign(kA, fmt::format("key{}", i), 1000 + i);
  stage.note("two mutators, a tree, a map[string]any of five boxes, and some garbage");
}

std::vector<Move> cycle_script(uint64_t seed) {
  std::vector<Move> moves;
  moves.push_back({always, [](Stage& s) { s.request_cycle(); }});
  // While marking: a fresh object, made reachable from one that may be black already.
  moves.push_back({[](Stage& s) {
                     return marking(s) && s.color_of(s.root(kA, "tree")) == Stage::Color::kBlack;
                   },
                   [](Stage& s) { s.allocate(kB, "new", "new"); }});
  moves.push_back(
      {always, [](Stage& s) { s.store(kB, node(s, kB, "leaf"), true, node(s, kB, "new")); }});
  moves.push_back({always, [seed](Stage& s) {
                     s.assign(kA, "key2", static_cast<int64_t>(2000 + seed % 100));
                   }});
  moves.push_back({always, [](Stage& s) { s.set_root(kB, "new", nullptr); }});
  return moves;
}

// --- broken-barrier: hides the only pointer to a white object behind a black one

void begin_broken(Stage& stage) {
  std::mt19937_64 random(stage.seed());
  const size_t between = 2 + random() % 3;
  Node* top = stage.allocate(kA, "top", "top");
  stage.set_root(kB, "top", top);
  stage.set_root(kA, "at", top);
  Node* last = top;
  for (size_t i = 0; i < between; ++i) {
    Node* next = stage.allocate(kA, "next", fmt::format("n{}", i + 1));
    stage.store(kA, last, true, next);
    last = next;
  }
  Node* holder = stage.allocate(kA, "next", "holder");
  stage.store(kA, last, true, holder);
  stage.set_root(kA, "at", holder);
  Node* prize = stage.allocate(kA, "next", "prize");
  prize->value = 42;
  stage.store(kA, holder, true, prize);
  for (const char* root : {"at", "next"}) stage.set_root(kA, root, nullptr);
  stage.note("'prize' can be reached through 'holder' only; both mutators have 'top'");
}

Node* holder_of(Stage& stage) {
  Node* at = node(stage, kB, "top");
  while (at->left != nullptr && at->left->left != nullptr) at = at->left;
  return at;
}

std::vector<Move> broken_script(uint64_t) {
  return {
      {always, [](Stage& s) { s.request_cycle(); }},
      {[](Stage& s) {
         return marking(s) && s.color_of(s.root(kA, "top")) == Stage::Color::kBlack &&
                s.color_of(holder_of(s)) != Stage::Color::kBlack;
       },
       [](Stage& s) {
         s.set_root(kB, "tmp", holder_of(s)->left);
         s.set_root(kB, "from", holder_of(s));
         s.note("B loads 'prize' from 'holder': loads have no barrier");
       }},
      {always,
       [](Stage& s) {
         s.store(kB, node(s, kB, "top"), false, node(s, kB, "tmp"));
         s.note(s.broken() ? "B stores 'prize' into the black 'top'. Its barrier is broken: "
                             "'prize' stays white"
                           : "B stores 'prize' into the black 'top'. The barrier shades 'prize' "
                             "first: it is grey");
       }},
      {always,
       [](Stage& s) {
         s.store(kB, node(s, kB, "from"), true, nullptr);
         s.note("B removes the pointer in 'holder': now only the black 'top' leads to 'prize'");
       }},
      {always,
       [](Stage& s) {
         s.set_root(kB, "tmp", nullptr);
         s.set_root(kB, "from", nullptr);
         s.note("B forgets its own copies: no scan of roots will find 'prize'");
       }},
  };
}

// --- map-growth: insertions one by one, through three growths

constexpr int kInsertions = 58;

void begin_growth(Stage& stage) {
  stage.make_map(kA);
  stage.note("an empty map[string]any: no buckets yet");
}

std::string growth_key(int i) { return fmt::format("k{:02}", i); }

std::vector<Move> growth_script(uint64_t) {
  std::vector<Move> moves;
  for (int i = 0; i < kInsertions; ++i) {
    moves.push_back({always, [i](Stage& s) { s.assign(kA, growth_key(i), 1000 + i); }});
    // Right after a growth began: reads move nothing.
    if (i == 53) {
      moves.push_back({always, [](Stage& s) {
                         s.look_up(kB, {growth_key(0), growth_key(1), "absent"});
                       }});
    }
  }
  moves.push_back({always, [](Stage& s) { s.erase(kB, growth_key(3)); }});
  return moves;
}

constexpr std::array<std::string_view, 3> kNames = {"cycle", "broken-barrier", "map-growth"};

}  // namespace

std::span<const std::string_view> scenario_names() { return kNames; }

Scenario scenario_named(std::string_view name, uint64_t seed) {
  Scenario s;
  if (name == "cycle") {
    s = {kNames[0], "One cycle, object by object", begin_cycle, cycle_script, {}};
  } else if (name == "broken-barrier") {
    s = {kNames[1], "Three objects, two mutators, and a barrier", begin_broken, broken_script, {}};
  } else if (name == "map-growth") {
    s = {kNames[2], "A map grows, two buckets a write", begin_growth, growth_script, {}};
  } else {
    throw CommandError(fmt::format("unknown scenario '{}'; the nearest is '{}'", name,
                                   nearest(name, {kNames.begin(), kNames.end()})));
  }
  s.moves = s.script(seed);
  return s;
}

}  // namespace greyhound::stage
