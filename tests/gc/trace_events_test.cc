// SPDX-License-Identifier: MIT
// What a trace says of a cycle that a test steps, and of threads that come and go meanwhile.
#include "gc/watch/trace_events.h"

#include <atomic>
#include <thread>

#include "tests/gc/fixture.h"
#include "tests/gc/trace_checks.h"

namespace greyhound::gc {
namespace {

class TraceTest : public SteppingTest {
 protected:
  void start(size_t events = 16384) { ASSERT_TRUE(collector.start_trace({events})); }
  Trace stop() {
    Trace trace = collector.tracer.stop();
    expect_nesting(trace);
    return trace;
  }
  static std::vector<TraceSpan> driver_spans(const Trace& trace, EventKind kind) {
    return spans_of(*track_named(trace, "coordinator"), kind);
  }
};

TEST_F(TraceTest, NothingIsNotedWhileItIsOff) {
  collect();
  EXPECT_FALSE(collector.tracer.on());
  const Trace trace = stop();
  EXPECT_TRUE(trace.tracks.empty());
  EXPECT_EQ(trace.duration_ns, 0u);
}

TEST_F(TraceTest, OnlyOneTraceAtATime) {
  start();
  EXPECT_FALSE(collector.start_trace({}));
  stop();
  EXPECT_TRUE(collector.start_trace({}));
  stop();
}

TEST_F(TraceTest, ACycleHasAllItsPhasesInOrder) {
  start();
  collect();
  collect();
  const Trace trace = stop();
  EXPECT_EQ(expect_cycles(trace), 2u);
  EXPECT_EQ(driver_spans(trace, EventKind::kMark).size(), 2u);
  EXPECT_EQ(driver_spans(trace, EventKind::kCycle)[1].detail, 1u) << "forced";
}

TEST_F(TraceTest, PhasesFollowEachOtherWithoutAGap) {
  start();
  collect();
  const Trace trace = stop();
  const std::vector<TraceSpan> phases = driver_spans(trace, EventKind::kPhase);
  for (size_t i = 1; i < phases.size(); ++i) EXPECT_EQ(phases[i - 1].end_ns, phases[i].start_ns);
  const TraceSpan cycle = driver_spans(trace, EventKind::kCycle).at(0);
  EXPECT_EQ(cycle.start_ns, phases.front().start_ns);
  EXPECT_EQ(cycle.end_ns, phases.back().end_ns);
}

TEST_F(TraceTest, EachRoundHasItsNumber) {
  TestRoot root(*a, make(a));
  start();
  collect();
  const std::vector<TraceSpan> rounds = driver_spans(stop(), EventKind::kRound);
  ASSERT_EQ(rounds.size(), 2u);
  EXPECT_EQ(rounds[0].a, 1u);
  EXPECT_EQ(rounds[1].a, 2u);
}

TEST_F(TraceTest, EveryMutatorAnswersEveryHandshakeOnce) {
  start();
  collect();
  attach("c");
  collect();
  const Trace trace = stop();
  EXPECT_EQ(expect_answers(trace), 10u);
  EXPECT_EQ(spans_of(*track_named(trace, "a"), EventKind::kAcknowledge).size(), 10u);
  EXPECT_EQ(spans_of(*track_named(trace, "c"), EventKind::kAcknowledge).size(), 5u);
}

TEST_F(TraceTest, WhoAnswersForItselfIsToldFromWhoIsAnsweredFor) {
  hold_back(b);
  start();
  ASSERT_TRUE(step_to(Phase::kBarrierOn));
  EXPECT_EQ(step(), Progress::kWaiting);
  answer(b);
  finish();
  const Trace trace = stop();
  const TraceSpan by_itself = spans_of(*track_named(trace, "b"), EventKind::kAcknowledge).at(0);
  EXPECT_EQ(by_itself.b, 0u);
  EXPECT_EQ(static_cast<Handshake>(by_itself.detail), Handshake::kBarrierOn);
  EXPECT_EQ(spans_of(*track_named(trace, "a"), EventKind::kAcknowledge).at(0).b, 1u);
}

TEST_F(TraceTest, AStackScanIsPartOfTheAnswer) {
  TestRoot root(*a, make(a));
  start();
  collect();
  const Trace trace = stop();
  const TraceTrack& track = *track_named(trace, "a");
  const TraceSpan scan = spans_of(track, EventKind::kScanStack).at(0);
  EXPECT_EQ(scan.a, 1u);
  const auto answers = spans_of(track, EventKind::kAcknowledge);
  const auto outer = std::ranges::find_if(answers, [](const TraceSpan& answer) {
    return static_cast<Handshake>(answer.detail) == Handshake::kScanRoots;
  });
  ASSERT_NE(outer, answers.end());
  EXPECT_EQ(outer->start_ns, scan.start_ns);
  EXPECT_EQ(driver_spans(trace, EventKind::kResolveRoots).at(0).a, 1u);
}

TEST_F(TraceTest, TheHeapIsCountedAtEveryChangeOfPhase) {
  start();
  collect();
  const Trace trace = stop();
  const auto counters = driver_spans(trace, EventKind::kHeap);
  EXPECT_EQ(counters.size(), driver_spans(trace, EventKind::kPhase).size() + 1);
  for (const TraceSpan& counter : counters) {
    EXPECT_EQ(counter.shape, EventShape::kCounter);
    EXPECT_EQ(counter.b, UINT64_MAX) << "no goal";
  }
}

TEST_F(TraceTest, ATraceOfTheMiddleOfACycleSaysSo) {
  ASSERT_TRUE(step_to(Phase::kDrain));
  start();
  ASSERT_TRUE(step_to(Phase::kScanRoots));
  const Trace begun = stop();
  const auto phases = driver_spans(begun, EventKind::kPhase);
  ASSERT_EQ(phases.size(), 2u);
  EXPECT_EQ(static_cast<Phase>(phases[0].detail), Phase::kDrain);
  EXPECT_TRUE(phases[0].begun_before);
  EXPECT_EQ(phases[0].start_ns, 0u);
  EXPECT_TRUE(phases[1].unfinished);
  EXPECT_EQ(phases[1].end_ns, begun.duration_ns);

  start();
  finish();
  const Trace rest = stop();
  const auto cycles = driver_spans(rest, EventKind::kCycle);
  ASSERT_EQ(cycles.size(), 1u);
  EXPECT_TRUE(cycles[0].begun_before);
  EXPECT_EQ(expect_cycles(rest), 0u);
}

TEST_F(TraceTest, AFullRingKeepsTheLatestAndCountsTheRest) {
  start(16);
  for (int i = 0; i < 10; ++i) collect();
  const Trace trace = stop();
  const TraceTrack& track = *track_named(trace, "coordinator");
  EXPECT_GT(track.overwritten, 100u);
  const auto cycles = spans_of(track, EventKind::kCycle);
  ASSERT_FALSE(cycles.empty());
  EXPECT_EQ(cycles.back().cycle, 10u);
}

TEST_F(TraceTest, WhatWasNotedBeforeIsNotInTheNextTrace) {
  start();
  collect();
  stop();
  collect();
  start();
  collect();
  const Trace trace = stop();
  EXPECT_EQ(expect_cycles(trace), 1u);
  EXPECT_EQ(driver_spans(trace, EventKind::kCycle).at(0).cycle, 3u);
  EXPECT_EQ(expect_answers(trace), 5u);
}

TEST_F(TraceTest, MutatorsThatComeAndGoAreInTheTrace) {
  start();
  Mutator* c = attach("c");
  collect();
  detach(c);
  const Trace trace = stop();
  const TraceTrack* track = track_named(trace, "c");
  ASSERT_NE(track, nullptr);
  EXPECT_EQ(track->role, TrackRole::kMutator);
  EXPECT_EQ(spans_of(*track, EventKind::kAcknowledge).size(), 5u);
  const auto blocked = spans_of(*track, EventKind::kBlocked);
  ASSERT_EQ(blocked.size(), 1u);
  EXPECT_EQ(blocked[0].text, "attach");
  EXPECT_TRUE(blocked[0].unfinished) << "it was never bound to a thread";
  EXPECT_LT(blocked[0].end_ns, trace.duration_ns);

  start();
  EXPECT_EQ(track_named(stop(), "c"), nullptr);
}

TEST_F(TraceTest, MoreThreadsThanAreTracedAreCounted) {
  start(16);
  for (size_t i = 0; i < TraceRecorder::kMostMutators; ++i) detach(attach("short-lived"));
  const Trace trace = stop();
  EXPECT_GT(trace.untraced_threads, 0u);
  EXPECT_EQ(trace.tracks.size() + trace.untraced_threads, TraceRecorder::kMostMutators + 3);
}

TEST_F(TraceTest, TracksHaveNamesAndIdsOfTheirOwn) {
  start();
  const Trace trace = stop();
  ASSERT_EQ(trace.tracks.size(), 3u);
  EXPECT_EQ(trace.tracks[0].role, TrackRole::kCoordinator);
  for (size_t i = 0; i < 3; ++i) {
    for (size_t k = 0; k < i; ++k) EXPECT_NE(trace.tracks[i].id, trace.tracks[k].id);
  }
  EXPECT_NE(track_named(trace, "a"), nullptr);
  EXPECT_NE(track_named(trace, "b"), nullptr);
}

// As the collector's answers in tests/stress, but with the recorder on, off and on again meanwhile.
class TraceThreads : public ::testing::TestWithParam<Mode> {};

TEST_P(TraceThreads, ATraceOfBusyThreadsHoldsTogether) {
  Options options = usual_options();
  options.mode = GetParam();
  options.workers = 3;
  options.gc_percent = 20;
  Collector collector(options);
  ASSERT_TRUE(collector.start());
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      while (!stop) {
        Mutator mutator(&collector, "busy " + std::to_string(t));
        mutator.bind();
        TestRoot head(mutator);
        for (int i = 0; i < 20'000 && !stop; ++i) {
          auto* node = static_cast<Node*>(newobject(type_of<Node>()));
          if (i % 1000 != 0) node->next = head.as<Node>();
          head = node;
        }
        const BlockingScope blocking(&mutator, "the end of a round");
        std::this_thread::yield();
      }
    });
  }
  size_t cycles = 0;
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(collector.start_trace({}));
    for (int k = 0; k < 3; ++k) collector.collect();
    const Trace trace = collector.tracer.stop();
    expect_nesting(trace);
    cycles += expect_cycles(trace);
    collector.collect();
  }
  EXPECT_GE(cycles, 5u);
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

INSTANTIATE_TEST_SUITE_P(Modes, TraceThreads,
                         ::testing::Values(Mode::kConcurrent, Mode::kStopTheWorld),
                         [](const auto& mode) {
                           return mode.param == Mode::kConcurrent ? "Concurrent" : "StopTheWorld";
                         });

TEST(TraceThreadsFixed, EveryAnswerOfBusyThreadsIsThere) {
  Collector collector(usual_options());
  ASSERT_TRUE(collector.start());
  std::atomic<bool> stop{false};
  std::atomic<int> attached{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      Mutator mutator(&collector, "busy " + std::to_string(t));
      mutator.bind();
      ++attached;
      for (int i = 0; !stop; ++i) {
        newobject(type_of<Node>());
        if (i % 4096 != 0) continue;
        const BlockingScope blocking(&mutator, "now and then");
        std::this_thread::yield();
      }
    });
  }
  while (attached != 3) std::this_thread::yield();
  ASSERT_TRUE(collector.start_trace({1 << 17}));
  for (int k = 0; k < 5; ++k) collector.collect();
  const Trace trace = collector.tracer.stop();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  expect_nesting(trace);
  EXPECT_GE(expect_cycles(trace), 5u);
  EXPECT_GE(expect_answers(trace), 25u);
}

}  // namespace
}  // namespace greyhound::gc
