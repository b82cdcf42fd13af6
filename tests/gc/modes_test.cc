// SPDX-License-Identifier: MIT
// The same program in every mode of the collector, and what each mode promises.
#include <thread>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

struct ModeCase {
  const char* name;
  Mode mode;
  const char* flags;
  unsigned workers;
  Barrier barrier = Barrier::kDijkstra;
};
void PrintTo(const ModeCase& mode, std::ostream* out) { *out << mode.name; }

const ModeCase kModes[] = {
    {"Concurrent", Mode::kConcurrent, "", 1},
    {"ConcurrentWithWorkers", Mode::kConcurrent, "", 3},
    {"Serial", Mode::kConcurrent, "gcserial=1", 3},
    {"StopTheWorld", Mode::kStopTheWorld, "", 1},
    {"StopTheWorldByFlag", Mode::kConcurrent, "gcstoptheworld=1", 2},
    {"Stepping", Mode::kStepping, "", 1},
    {"Stress", Mode::kConcurrent, "gcstress=50,clobberfree=1", 1},
    {"StressStopTheWorld", Mode::kStopTheWorld, "gcstress=50,clobberfree=1", 2},
    {"StressStepping", Mode::kStepping, "gcstress=50,clobberfree=1", 1},
    {"Checkmark", Mode::kConcurrent, "gccheckmark=1,gcstress=200", 2},
    {"CheckmarkStopTheWorld", Mode::kStopTheWorld, "gccheckmark=1,gcstress=200", 1},
    {"VerifyHeap", Mode::kConcurrent, "verifyheap=1,gcstress=100", 1},
    {"Hybrid", Mode::kConcurrent, "", 2, Barrier::kHybrid},
    {"HybridStress", Mode::kConcurrent, "gccheckmark=1,gcstress=50,clobberfree=1", 1,
     Barrier::kHybrid},
    {"HybridStepping", Mode::kStepping, "", 1, Barrier::kHybrid},
};

Options options_of(const ModeCase& mode) {
  Options options = usual_options();
  options.mode = mode.mode;
  options.workers = mode.workers;
  options.barrier = mode.barrier;
  options.gc_percent = 20;
  EXPECT_TRUE(parse_debug_flags(mode.flags, &options.debug).empty());
  return options;
}

class InMode : public ::testing::TestWithParam<ModeCase> {};

// A window of live lists over a stream of garbage; every node carries what it should.
void churn(Mutator* mutator, uint64_t seed, int operations) {
  constexpr size_t kLists = 32;
  std::array<uintptr_t, kLists> heads{};
  RootRange range{heads.data(), heads.size()};
  mutator->add_root_range(&range);
  std::mt19937_64 random(seed);
  for (int i = 0; i < operations; ++i) {
    const size_t at = random() % kLists;
    auto* head = reinterpret_cast<Node*>(heads[at]);
    if (random() % 16 == 0) {
      for (Node* node = head; node != nullptr; node = node->next) {
        ASSERT_EQ(node->value, at);
        ASSERT_EQ(node->other->value, at + 1);
      }
      heads[at] = 0;
      continue;
    }
    auto* node = static_cast<Node*>(newobject(type_of<Node>()));
    node->value = at;
    // Between the two allocations the first is in a register or on the stack only.
    auto* satellite = static_cast<Node*>(newobject(type_of<Node>()));
    satellite->value = at + 1;
    node->other = satellite;
    node->next = reinterpret_cast<Node*>(heads[at]);
    heads[at] = address_of(node);
    if (random() % 8 == 0) mallocgc(1 + random() % 5000, nullptr);
  }
  mutator->remove_root_range(&range);
}

TEST_P(InMode, OneThreadsDataIsKept) {
  GREYHOUND_SEEDED(random);
  Collector collector(options_of(GetParam()));
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "test");
  mutator.bind();
  churn(&mutator, random(), 4000);
  collector.collect();
  EXPECT_GE(collector.completed_cycles(), 1u);
}

TEST_P(InMode, SeveralThreadsDataIsKept) {
  GREYHOUND_SEEDED(random);
  Collector collector(options_of(GetParam()));
  ASSERT_TRUE(collector.start());
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, seed = random()] {
      Mutator mutator(&collector, "worker");
      mutator.bind();
      churn(&mutator, seed, 1200);
    });
  }
  for (std::thread& thread : threads) thread.join();
  collector.collect();
  EXPECT_EQ(collector.stats().last_cycle.mark.objects_greyed, 0u) << "nobody is left";
}

TEST_P(InMode, CollectFreesEverythingThatIsUnreachable) {
  Collector collector(options_of(GetParam()));
  ASSERT_TRUE(collector.start());
  std::thread([&] {
    Mutator mutator(&collector, "maker");
    mutator.bind();
    churn(&mutator, 1, 500);
  }).join();
  collector.collect();
  collector.collect();
  EXPECT_EQ(collector.stats().heap_pages_bytes, 0u);
}

INSTANTIATE_TEST_SUITE_P(Modes, InMode, ::testing::ValuesIn(kModes),
                         [](const auto& param) { return param.param.name; });

TEST(Modes, AutomaticCyclesKeepTheHeapNearItsGoal) {
  Options options = quiet_options();
  options.gc_percent = 100;
  Collector collector(options);
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "test");
  mutator.bind();
  for (int i = 0; i < 2'000'000; ++i) newobject(type_of<Node>());  // 64 MB, all garbage
  EXPECT_GE(collector.completed_cycles(), 2u);
  EXPECT_LE(collector.stats().heap_resident_bytes, uint64_t{40} << 20);
}

TEST(Modes, OffCollectsOnlyWhenAsked) {
  Collector collector(quiet_options());
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "test");
  mutator.bind();
  for (int i = 0; i < 500'000; ++i) newobject(type_of<Node>());
  EXPECT_EQ(collector.completed_cycles(), 0u);
  collector.collect();
  EXPECT_EQ(collector.completed_cycles(), 1u);
}

TEST(Modes, SteppingCollectsOnlyWhenStepped) {
  Options options = quiet_options(Mode::kStepping);
  options.gc_percent = 100;
  Collector collector(options);
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "test");
  mutator.bind();
  for (int i = 0; i < 500'000; ++i) newobject(type_of<Node>());
  EXPECT_EQ(collector.completed_cycles(), 0u);
  EXPECT_EQ(collector.phase(), Phase::kIdle);
  EXPECT_EQ(collector.step(1), Progress::kAdvanced) << "the pacer asked for a cycle";
  while (collector.step(1000) != Progress::kIdle) {
  }
  EXPECT_EQ(collector.completed_cycles(), 1u);
}

TEST(Modes, StressCollectsEveryNAllocations) {
  Options options = quiet_options(Mode::kStepping);
  options.debug.gcstress = 10;
  Collector collector(options);
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "test");
  mutator.bind();
  for (int i = 0; i < 100; ++i) mallocgc(16, nullptr);
  EXPECT_GE(collector.completed_cycles(), 9u);
  EXPECT_LE(collector.completed_cycles(), 12u);
}

TEST(Modes, StopTheWorldHoldsEverybodyForTheWholeCycle) {
  Collector collector(quiet_options(Mode::kStopTheWorld));
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "test");
  mutator.bind();
  std::atomic<bool> stop{false};
  std::thread other([&] {
    Mutator own(&collector, "runner");
    own.bind();
    while (!stop.load(std::memory_order_relaxed)) {
      newobject(type_of<Node>());
      // A mutator of a held world sees no phase but the idle ones around a cycle.
      const Phase phase = collector.phase();
      if (own.request.load() == Handshake::kNone) {
        EXPECT_FALSE(own.shading()) << phase_name(phase);
      }
    }
  });
  for (int i = 0; i < 50; ++i) collector.collect();
  stop = true;
  BlockingScope scope(&mutator, "join");
  other.join();
}

TEST(Modes, ManyThreadsMayAskForCyclesAtOnce) {
  Collector collector(quiet_options());
  ASSERT_TRUE(collector.start());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Mutator own(&collector, "asker");
      if (t % 2 == 0) own.bind();  // also from threads without a mutator
      for (int i = 0; i < 20; ++i) {
        const uint64_t before = collector.completed_cycles();
        collector.collect();
        EXPECT_GT(collector.completed_cycles(), before);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Modes, SettersMayRaceWithCycles) {
  Options options = quiet_options();
  options.gc_percent = 100;
  Collector collector(options);
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "test");
  mutator.bind();
  std::atomic<bool> stop{false};
  std::thread setter([&] {
    for (int64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
      collector.pacer.set_gc_percent(10 + i % 300);
      collector.pacer.set_memory_limit(i % 2 == 0 ? 0 : uint64_t{64} << 20);
      collector.stats();
      collector.heap.return_to_system(1 << 20);
    }
  });
  for (int i = 0; i < 300'000; ++i) newobject(type_of<Node>());
  collector.collect();
  stop = true;
  BlockingScope scope(&mutator, "join");
  setter.join();
}

}  // namespace
}  // namespace greyhound::gc
