// SPDX-License-Identifier: MIT
// The stage: its snapshots are those of a collector, and of its own objects, so the tests hold them
// to what the collector promises.
#include "tools/stage/stage.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>

#include "maps/inspect.h"
#include "tools/stage/recording.h"
#include "tools/stage/scenario.h"

namespace greyhound::stage {
namespace {

constexpr int kMostSteps = 2000;

Json command(const char* text) { return Json::parse(text); }

// What the command is answered with.
std::string refused(Stage& stage, const char* text) {
  try {
    stage.apply(command(text));
  } catch (const CommandError& error) {
    return error.what();
  }
  return "";
}

bool marking(const Json& snapshot) {
  return snapshot["phase"] == "drain" || snapshot["phase"] == "scan-roots";
}

// Each white object that a black one refers to while marking, as "#3 -> #5". With roots that are
// scanned again until quiet there may be such edges only when a grey object, a root, or a mutator
// that has not answered leads there too; without any grey object left there must be none.
std::set<std::string> black_to_white(const Json& snapshot) {
  std::set<std::string> edges;
  for (const auto& [id, object] : snapshot["objects"].items()) {
    if (object["color"] != "black" || !object.contains("refs")) continue;
    for (const Json& reference : object["refs"]) {
      if (reference[1].is_null()) continue;
      const std::string to = std::to_string(reference[1].get<size_t>());
      if (snapshot["objects"][to]["color"] == "white") edges.insert("#" + id + " -> #" + to);
    }
  }
  return edges;
}

// The weak invariant: a white object that a black one refers to can be reached from a grey one
// through white ones. Dijkstra's barrier keeps the strong one, without any such edge; the stage's
// mutators store only what the barrier has seen.
void expect_invariants(const Json& snapshot) {
  if (!marking(snapshot)) return;
  EXPECT_TRUE(black_to_white(snapshot).empty()) << *black_to_white(snapshot).begin() << " at step "
                                                << snapshot["step"] << ": " << snapshot["event"];
}

TEST(Stage, StepsThroughAWholeCycleToFreedGarbage) {
  Stage stage("cycle", 1);
  std::set<std::string> phases;
  size_t objects = stage.snapshot()["objects"].size();
  for (int i = 0; i < kMostSteps && !stage.finished(); ++i) {
    stage.step();
    phases.insert(stage.snapshot()["phase"]);
  }
  ASSERT_TRUE(stage.finished());
  EXPECT_EQ(phases.size(), 8u) << "all phases but that of weak cells and finalizers";
  const Json last = stage.snapshot();
  EXPECT_LT(last["objects"].size(), objects);
  EXPECT_EQ(last["cycle"], 1);
  for (const auto& [id, object] : last["objects"].items()) {
    EXPECT_EQ(object["color"], "white") << id;
    EXPECT_TRUE(object["reachable"]) << id << " is garbage and was not freed";
  }
}

TEST(Stage, NoBlackObjectRefersToAWhiteOneWhileMarking) {
  for (const char* scenario : {"cycle", "broken-barrier"}) {
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      SCOPED_TRACE(std::string(scenario) + " seed " + std::to_string(seed));
      Stage stage(scenario, seed);
      for (int i = 0; i < kMostSteps && !stage.finished(); ++i) {
        stage.step();
        expect_invariants(stage.snapshot());
      }
      ASSERT_TRUE(stage.finished());
    }
  }
}

TEST(Stage, AtMostOneObjectIsScannedAStep) {
  Stage stage("cycle", 3);
  Json before = stage.snapshot();
  for (int i = 0; i < kMostSteps && !stage.finished(); ++i) {
    stage.step();
    const Json after = stage.snapshot();
    if (before["phase"] == "drain" && after["phase"] == "drain") {
      size_t scanned = 0;
      for (const auto& [id, object] : after["objects"].items()) {
        if (object["color"] == "black" && before["objects"].contains(id) &&
            before["objects"][id]["color"] != "black")
          ++scanned;
      }
      EXPECT_LE(scanned, 1u) << after["event"];
    }
    before = after;
  }
}

TEST(Stage, AWorkingBarrierLosesNothingWhateverTheSeed) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Stage stage("broken-barrier", seed);
    bool checked = false;
    for (int i = 0; i < kMostSteps && !stage.finished(); ++i) {
      stage.step();
      checked = checked || stage.snapshot()["checked"].get<bool>();
      ASSERT_TRUE(stage.snapshot()["lost"].empty()) << "seed " << seed;
    }
    EXPECT_TRUE(checked) << "checkmark ran";
    ASSERT_FALSE(stage.snapshot()["corrupt"].get<bool>()) << "seed " << seed;
  }
}

TEST(Stage, ABrokenBarrierLosesAnObjectThatCheckmarkFindsAndTheSweepFrees) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Stage stage("broken-barrier", seed);
    stage.apply(command(R"({"command":"break_barrier","broken":true})"));
    stage.apply(command(R"({"command":"run","to":"barrier-off"})"));
    const Json found = stage.snapshot();
    ASSERT_EQ(found["lost"].size(), 1u) << "seed " << seed;
    EXPECT_EQ(found["lost"][0]["name"], "prize");
    EXPECT_EQ(found["lost"][0]["field"], "right");
    EXPECT_EQ(found["lost"][0]["freed"], false);
    EXPECT_EQ(found["lost"][0]["value"], "0x2a") << "it is still there";
    const std::string id = std::to_string(found["lost"][0]["object"].get<size_t>());
    EXPECT_EQ(found["objects"][id]["color"], "white");
    EXPECT_TRUE(found["objects"][id]["reachable"]);

    for (int i = 0; i < kMostSteps && !stage.finished(); ++i) stage.step();
    const Json freed = stage.snapshot();
    EXPECT_EQ(freed["lost"][0]["freed"], true);
    EXPECT_NE(freed["lost"][0]["value"], "0x2a") << "freed memory is overwritten";
    EXPECT_FALSE(freed["objects"].contains(id));
    EXPECT_TRUE(freed["corrupt"]);
    EXPECT_NE(refused(stage, R"({"command":"step"})").find("reset"), std::string::npos);
    stage.apply(command(R"({"command":"reset","scenario":"broken-barrier"})"));
    EXPECT_FALSE(stage.snapshot()["corrupt"].get<bool>());
  }
}

TEST(Stage, NoMutatorRaisesABrokenFlag) {
  Stage stage("broken-barrier", 1);
  stage.break_barrier(true);
  for (int i = 0; i < kMostSteps && !stage.finished(); ++i) {
    stage.step();
    const auto snapshot = stage.snapshot();
    for (const auto& [name, mutator] : snapshot["mutators"].items())
      ASSERT_FALSE(mutator["barrier_on"].get<bool>()) << name;
  }
}

TEST(Stage, AMendedBarrierWorksFromTheNextCycleOn) {
  Stage stage("cycle", 1);
  stage.break_barrier(true);
  stage.break_barrier(false);
  stage.apply(command(R"({"command":"run","to":"drain"})"));
  const auto snapshot = stage.snapshot();
  for (const auto& [name, mutator] : snapshot["mutators"].items())
    EXPECT_TRUE(mutator["barrier_on"].get<bool>()) << name;
}

TEST(Stage, TheSameSeedGivesTheSameSnapshots) {
  for (const std::string_view scenario : scenario_names()) {
    EXPECT_EQ(record(scenario, 7, false), record(scenario, 7, false)) << scenario;
  }
  EXPECT_NE(record("cycle", 7, false), record("cycle", 8, false));
}

TEST(Stage, PatchesOfARecordingGiveTheSnapshots) {
  const Json recording = record("broken-barrier", 1, true);
  Stage stage("broken-barrier", 1);
  stage.break_barrier(true);
  Json snapshot = recording["first"];
  EXPECT_EQ(snapshot, stage.snapshot());
  for (const Json& patch : recording["patches"]) {
    snapshot = snapshot.patch(patch);
    stage.step();
    ASSERT_EQ(snapshot, stage.snapshot());
  }
}

TEST(Stage, RecordingsAreSmall) { EXPECT_LT(recordings().dump().size(), 400'000u); }

// Of a snapshot's map: keys in the chains that have not been evacuated.
std::set<std::string> keys_of(const Json& map) {
  std::set<std::string> keys;
  for (const char* table : {"buckets", "oldbuckets"}) {
    for (const Json& bucket : map[table]) {
      for (const Json& link : bucket["chain"]) {
        for (const Json& entry : link["entries"]) {
          if (entry.is_null()) continue;
          EXPECT_TRUE(keys.insert(entry[0]).second) << entry[0] << " twice";
        }
      }
    }
  }
  return keys;
}

TEST(Stage, TheMapsSnapshotHoldsItsEntriesThroughEveryGrowth) {
  Stage stage("map-growth", 1);
  bool growing = false, overflow = false;
  for (int i = 0; i < kMostSteps && !stage.finished(); ++i) {
    stage.step();
    const Json map = stage.snapshot()["map"];
    EXPECT_EQ(keys_of(map).size(), map["count"].get<size_t>());
    EXPECT_EQ(maps::verify_map(BoxMap::type(), stage.map()), "");
    const std::set<std::string> keys = keys_of(map);
    stage.look_up(0, {keys.begin(), keys.end()});
    const std::string all = std::to_string(keys.size());
    EXPECT_TRUE(stage.event().starts_with("A looks up " + all + " keys and finds " + all + ":"))
        << stage.event();
    if (map["growing"]) {
      growing = true;
      size_t evacuated = 0;
      for (const Json& bucket : map["oldbuckets"]) evacuated += bucket["evacuated"] ? 1 : 0;
      EXPECT_EQ(evacuated, map["evacuated"].get<size_t>());
      EXPECT_GE(evacuated, map["nevacuate"].get<size_t>());
    }
    overflow = overflow || map["overflow_buckets"] != 0;
  }
  EXPECT_TRUE(growing);
  EXPECT_TRUE(overflow);
  EXPECT_EQ(stage.snapshot()["map"]["count"], 57);
}

TEST(Stage, LookupsNeitherEvacuateNorAllocate) {
  Stage stage("map-growth", 1);
  while (!stage.snapshot()["map"]["growing"].get<bool>()) stage.step();
  const Json before = stage.snapshot();
  stage.look_up(1, {"k00", "k01", "absent"});
  const Json after = stage.snapshot();
  EXPECT_EQ(before["map"], after["map"]);
  EXPECT_EQ(before["objects"].size(), after["objects"].size());
}

TEST(Stage, MutatorsStoreAllocateAndAssignOnCommand) {
  Stage stage("broken-barrier", 1);
  Json now =
      stage.apply(command(R"({"command":"mutate","do":"allocate","mutator":"A","root":"mine"})"));
  const size_t made = now["roots"].back()["to"];
  const size_t top = now["roots"][0]["to"];
  Json store = command(R"({"command":"mutate","do":"store","mutator":"A","field":"right"})");
  store["from"] = top;
  store["to"] = made;
  now = stage.apply(store);
  const Json references = now["objects"][std::to_string(top)]["refs"];
  EXPECT_EQ(references.back(), Json::array({"right", made}));
  now = stage.apply(
      command(R"({"command":"mutate","do":"assign","mutator":"B","key":"k","value":1000})"));
  EXPECT_EQ(now["map"]["count"], 1);
  now = stage.apply(command(R"({"command":"mutate","do":"erase","mutator":"B","key":"k"})"));
  EXPECT_EQ(now["map"]["count"], 0);
  now = stage.apply(
      command(R"({"command":"mutate","do":"root","mutator":"A","root":"mine","to":null})"));
  stage.apply(command(R"({"command":"run","to":"idle"})"));
  EXPECT_TRUE(stage.snapshot()["objects"].contains(std::to_string(made))) << "top.right holds it";
}

TEST(Stage, AutomaticStepsWaitWhilePaused) {
  Stage stage("cycle", 1);
  stage.apply(command(R"({"command":"pause"})"));
  const Json before = stage.snapshot();
  EXPECT_EQ(stage.apply(command(R"({"command":"step","auto":true})")), before);
  EXPECT_NE(stage.apply(command(R"({"command":"step"})")), before);
  EXPECT_FALSE(stage.apply(command(R"({"command":"play"})"))["paused"].get<bool>());
}

struct Refusal {
  const char* command;
  const char* says;
};
void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.command; }

class StageRefuses : public ::testing::TestWithParam<Refusal> {};

TEST_P(StageRefuses, WithASentenceAndNoChange) {
  Stage stage("cycle", 1);
  const Json before = stage.snapshot();
  EXPECT_NE(refused(stage, GetParam().command).find(GetParam().says), std::string::npos)
      << refused(stage, GetParam().command);
  EXPECT_EQ(stage.snapshot(), before);
}

INSTANTIATE_TEST_SUITE_P(
    Bad, StageRefuses,
    ::testing::Values(
        Refusal{"[]", "a command is a JSON object"}, Refusal{"{}", "needs \"command\""},
        Refusal{R"({"command":"stop"})", "the nearest is 'step'"},
        Refusal{R"({"command":3})", "needs \"command\", a string"},
        Refusal{R"({"command":"run","to":"drian"})", "the nearest is 'drain'"},
        Refusal{R"({"command":"run"})", "needs \"to\""},
        Refusal{R"({"command":"reset","scenario":"cycles"})", "the nearest is 'cycle'"},
        Refusal{R"({"command":"reset","seed":-1})", "whole number"},
        Refusal{R"({"command":"reset","seed":"x"})", "whole number"},
        Refusal{R"({"command":"break_barrier"})", "true or false"},
        Refusal{R"({"command":"checkmark"})", "barrier-off"},
        Refusal{R"({"command":"mutate","do":"explode","mutator":"A"})", "unknown mutation"},
        Refusal{R"({"command":"mutate","do":"allocate","mutator":"C","root":"r"})",
                "there are 'A' and 'B'"},
        Refusal{R"({"command":"mutate","do":"allocate","mutator":"A"})", "needs \"root\""},
        Refusal{R"({"command":"mutate","do":"allocate","mutator":"A","root":""})", "1 to 24"},
        Refusal{
            R"({"command":"mutate","do":"store","mutator":"A","from":999,"field":"left","to":null})",
            "there is no object #999"},
        Refusal{
            R"({"command":"mutate","do":"store","mutator":"A","from":22,"field":"left","to":null})",
            "none of its roots leads there"},
        Refusal{
            R"({"command":"mutate","do":"store","mutator":"A","from":1,"field":"up","to":null})",
            "'left' and 'right'"},
        Refusal{R"({"command":"mutate","do":"assign","mutator":"A","key":"k"})", "needs \"value\""},
        Refusal{R"({"command":"mutate","do":"root","mutator":"A","root":"map","to":null})",
                "holds the map"}));

// Random commands: what is refused changes nothing, and what is carried out keeps the collector's
// promises.
TEST(Stage, KeepsItsPromisesUnderRandomCommands) {
#if defined(GREYHOUND_ASAN) || defined(GREYHOUND_TSAN)
  constexpr uint64_t kSeeds = 4;  // ten times slower
#else
  constexpr uint64_t kSeeds = 12;
#endif
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Stage stage("cycle", seed);
    for (int i = 0; i < 250; ++i) {
      const char* mutator = random() % 2 == 0 ? "A" : "B";
      Json c = {{"command", "step"}};
      switch (random() % 6) {
        case 0:
          c = {{"command", "mutate"}, {"do", "allocate"}, {"mutator", mutator}, {"root", "r"}};
          break;
        case 1:
          c = {{"command", "mutate"},   {"do", "store"},   {"mutator", mutator},
               {"from", random() % 40}, {"field", "left"}, {"to", random() % 40}};
          break;
        case 2:
          c = {{"command", "mutate"},
               {"do", "assign"},
               {"mutator", mutator},
               {"key", "k" + std::to_string(random() % 30)},
               {"value", 500 + i}};
          break;
        case 3:
          c = {{"command", "mutate"},
               {"do", "root"},
               {"mutator", mutator},
               {"root", "s"},
               {"to", random() % 40}};
          break;
        default:
          break;
      }
      try {
        stage.apply(c);
      } catch (const CommandError&) {
      }
      ASSERT_TRUE(stage.snapshot()["lost"].empty());
      expect_invariants(stage.snapshot());
    }
  }
}

}  // namespace
}  // namespace greyhound::stage
