// SPDX-License-Identifier: MIT
// What holds mutators back whose heap is beyond its goal while only the coordinator can go on.
#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "tests/gc/fixture.h"

namespace greyhound::gc {
namespace {

Options with_a_goal() {
  Options options = quiet_options();
  options.gc_percent = 100;
  options.workers = 1;
  return options;
}

// A second mutator that answers every handshake, but `held` only once it may.
class SlowMutator {
 public:
  SlowMutator(Collector* collector, Handshake held)
      : thread_([this, collector, held] {
          Mutator mutator(collector, "slow");
          mutator.bind();
          while (!done_.load(std::memory_order_relaxed)) {
            // What is asked stays asked until this thread answers.
            const Handshake asked = mutator.request.load(std::memory_order_relaxed);
            holds_.store(asked == held, std::memory_order_relaxed);
            if (asked != Handshake::kNone && asked != held) mutator.safepoint();
            std::this_thread::yield();
          }
        }) {}
  ~SlowMutator() {
    done_.store(true, std::memory_order_relaxed);
    thread_.join();  // a mutator that leaves has answered
  }

  bool holds() const { return holds_.load(std::memory_order_relaxed); }

 private:
  std::atomic<bool> holds_{false};
  std::atomic<bool> done_{false};
  std::thread thread_;
};

struct Held {
  const char* name;
  Handshake handshake;
};
void PrintTo(const Held& held, std::ostream* out) { *out << held.name; }

class OvershootWhile : public ::testing::TestWithParam<Held> {};

// The phase never ends, as when other programs have the coordinator's processor: whatever the
// mutator allocates then is beyond the goal, and nothing but this wait slows it down.
TEST_P(OvershootWhile, EveryRefillWaits) {
  Collector collector(with_a_goal());
  ASSERT_TRUE(collector.start());
  Mutator mutator(&collector, "allocating");
  mutator.bind();
  SlowMutator slow(&collector, GetParam().handshake);
  while (!slow.holds()) {
    collector.request_cycle();  // one may be over before the other mutator is there
    mutator.safepoint();
    std::this_thread::yield();
  }
  while (!collector.pacer.overshot()) newobject(type_of<Node>());
  constexpr uint64_t kMore = uint64_t{512} << 10;
  const GcStats before = collector.stats();
  for (uint64_t i = 0; i < kMore / sizeof(Node); ++i) newobject(type_of<Node>());
  constexpr uint64_t kRun = 2 * kPageSize;  // at most, of objects as small as these
  const GcStats after = collector.stats();
  EXPECT_GE(after.assist_times.count - before.assist_times.count, kMore / kRun);
  EXPECT_EQ(after.assist_ns, before.assist_ns) << "to wait is not to work";
}

INSTANTIATE_TEST_SUITE_P(Phases, OvershootWhile,
                         ::testing::Values(Held{"BarrierOn", Handshake::kBarrierOn},
                                           Held{"AllocBlack", Handshake::kAllocBlack},
                                           Held{"ScanRoots", Handshake::kScanRoots},
                                           Held{"BarrierOff", Handshake::kBarrierOff},
                                           Held{"AllocWhite", Handshake::kAllocWhite}),
                         [](const auto& held) { return std::string(held.param.name); });

class TurnTest : public SteppingTest {};

// A wait is for the mutators' turn, not for the next phase: in the phases between, all that they
// could do is keep the collector from its processor.
TEST_F(TurnTest, ComesWithMarkingTheSweepAndTheEnd) {
  collector.request_cycle();
  std::vector<Phase> turns;
  uint32_t seen = AssistTesting::turn(collector);
  do {
    step();
    if (AssistTesting::turn(collector) != seen) turns.push_back(collector.phase());
    seen = AssistTesting::turn(collector);
  } while (collector.phase() != Phase::kIdle);
  const std::vector<Phase> expected{Phase::kDrain, Phase::kSweep, Phase::kIdle};
  EXPECT_EQ(turns, expected);
}

TEST_F(TurnTest, WakesThoseThatWaitForIt) {
  constexpr uint64_t kLonger = uint64_t{3600} * 1'000'000'000;  // than any test runs
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  const uint32_t turn = AssistTesting::turn(collector);
  std::vector<std::thread> threads;
  std::atomic<int> waiting{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Mutator mutator(&collector, "waits");
      mutator.bind();
      waiting.fetch_add(1);
      AssistTesting::wait_for_turn(collector, &mutator, turn, kLonger);
    });
  }
  while (waiting.load() != 4) std::this_thread::yield();
  while (collector.phase() != Phase::kDrain) {
    step();  // they are answered for, in whatever they are
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
}

// Threads that allocate whenever they are not held back, beside a collector that moves on by itself
// after a while: the clock is virtual.
TEST(Overshoot, StaysWithinAFifthHoweverManyThreadsAllocate) {
  constexpr uint64_t kMs = 1'000'000, kMiB = 1 << 20, kRun = 16 << 10;
  for (const uint64_t goal : {64 * kMiB, 512 * kMiB}) {
    for (uint64_t threads = 1; threads <= 128; threads *= 2) {
      Options options;
      options.gc_percent = kGcOff;
      options.memory_limit = goal;
      Pacer pacer;
      pacer.initialise(options);
      ASSERT_EQ(pacer.goal(), goal);
      pacer.allocated(goal, false);
      std::vector<uint64_t> wakes(threads, 0);  // when each goes on
      for (uint64_t now = 0; now < 100 * kMs;) {
        const auto next = std::min_element(wakes.begin(), wakes.end());
        now = std::max(now, *next);
        pacer.allocated(kRun, false);
        constexpr uint64_t kTakes = 5'000;  // a run, on one of two processors
        now += kTakes;
        const auto held =
            std::count_if(wakes.begin(), wakes.end(), [=](uint64_t wake) { return wake > now; });
        *next = now + pacer.patience_ns(false, kRun, static_cast<uint64_t>(held) / 2);
      }
      EXPECT_LE(pacer.live(), goal + goal / 5) << threads << " threads, goal " << goal;
    }
  }
}

}  // namespace
}  // namespace greyhound::gc
