// SPDX-License-Identifier: MIT
// What holds a mutator back whose heap is beyond its goal while only the coordinator can go on.
#include <atomic>
#include <thread>

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
  const auto allocate = [](uint64_t bytes) {
    for (uint64_t i = 0; i < bytes / sizeof(Node); ++i) newobject(type_of<Node>());
  };
  allocate(2 * collector.pacer.goal());
  ASSERT_TRUE(collector.pacer.overshot());
  constexpr uint64_t kMore = uint64_t{2} << 20;
  const uint64_t before = collector.stats().assist_times.count;
  allocate(kMore);
  constexpr uint64_t kRun = 2 * kPageSize;  // at most, of objects as small as these
  EXPECT_GE(collector.stats().assist_times.count - before, kMore / kRun);
}

INSTANTIATE_TEST_SUITE_P(Phases, OvershootWhile,
                         ::testing::Values(Held{"BarrierOn", Handshake::kBarrierOn},
                                           Held{"AllocBlack", Handshake::kAllocBlack},
                                           Held{"ScanRoots", Handshake::kScanRoots},
                                           Held{"BarrierOff", Handshake::kBarrierOff},
                                           Held{"AllocWhite", Handshake::kAllocWhite}),
                         [](const auto& held) { return std::string(held.param.name); });

}  // namespace
}  // namespace greyhound::gc
