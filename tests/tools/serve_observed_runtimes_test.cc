// SPDX-License-Identifier: MIT
// The runtimes behind a server: sums that never go back, runtimes that come and go while somebody
// looks.
#include "runtime/watch/debughttp/observed_runtimes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

#include "gc/cycle/collector.h"
#include "runtime/greyhound.h"
#include "runtime/watch/debughttp/sessions.h"
#include "tools/experiments/observed_scope.h"

namespace greyhound::serve {
namespace {

struct Node {
  Ref<Node> next;
  int64_t value;
};

runtime::Options options(uint64_t rate = 1) {
  runtime::Options options;
  options.use_environment = false;
  options.mem_profile_rate = rate;
  return options;
}

void allocate(runtime::Runtime& runtime, int64_t objects) {
  runtime::Thread thread(runtime);
  Node* list = nullptr;
  for (int64_t i = 0; i < objects; ++i) list = thread.make<Node>(list, i);
  runtime.collect();
  EXPECT_EQ(list->value, objects - 1);
}

uint64_t sampled(const HeapSamples& samples) {
  uint64_t allocs = 0;
  for (const auto& [rate, records] : samples)
    for (const gc::MemRecord& record : records) allocs += record.allocs;
  return allocs;
}

TEST(ObservedRuntimes, NobodyIsNothing) {
  ObservedRuntimes observed;
  const Snapshot snapshot = observed.snapshot();
  EXPECT_EQ(snapshot.runtimes, 0u);
  EXPECT_EQ(snapshot.stats.cycles, 0u);
  EXPECT_TRUE(observed.heap_samples().empty());
  observed.collect();
}

TEST(ObservedRuntimes, WhatIsThereAndWhatWasAddUp) {
  ObservedRuntimes observed;
  uint64_t cycles = 0, mallocs = 0;
  {
    runtime::Runtime gone(options());
    observed.add(gone);
    allocate(gone, 1000);
    cycles += gone.stats().cycles;
    mallocs += gone.stats().mallocs;
    observed.remove(gone);
  }
  runtime::Runtime here(options());
  observed.add(here);
  allocate(here, 500);
  cycles += here.stats().cycles;
  mallocs += here.stats().mallocs;
  const Snapshot snapshot = observed.snapshot();
  EXPECT_EQ(snapshot.runtimes, 1u);
  EXPECT_EQ(snapshot.stats.cycles, cycles);
  EXPECT_EQ(snapshot.stats.mallocs, mallocs);
  EXPECT_EQ(snapshot.stats.heap_live, here.stats().heap_live);
  EXPECT_EQ(snapshot.stats.last_cycle.cycle, here.stats().cycles);
  EXPECT_NE(snapshot.last_cycle_end_ns, 0);
  EXPECT_EQ(sampled(observed.heap_samples()), 1500u);
  observed.remove(here);
  EXPECT_EQ(observed.snapshot().stats.mallocs, mallocs);
  for (const auto& [rate, records] : observed.heap_samples()) {
    for (const gc::MemRecord& record : records) {
      EXPECT_EQ(record.allocs, record.frees) << "what lived in a runtime that is gone is freed";
      EXPECT_EQ(record.type, nullptr);
    }
  }
}

TEST(ObservedRuntimes, SitesOfRuntimesThatAreGoneAreOnce) {
  ObservedRuntimes observed;
  size_t sites = 0;
  for (int i = 0; i < 5; ++i) {
    runtime::Runtime runtime(options());
    observed.add(runtime);
    allocate(runtime, 10);
    observed.remove(runtime);
    if (i == 0) sites = observed.heap_samples().at(1).size();
  }
  EXPECT_EQ(observed.heap_samples().at(1).size(), sites);
  EXPECT_EQ(sampled(observed.heap_samples()), 50u);
}

TEST(ObservedRuntimes, RatesAreKeptApart) {
  ObservedRuntimes observed;
  runtime::Runtime every(options(1)), none(options(0)), some(options(64));
  for (runtime::Runtime* runtime : {&every, &none, &some}) {
    observed.add(*runtime);
    allocate(*runtime, 1000);
  }
  const HeapSamples samples = observed.heap_samples();
  EXPECT_EQ(samples.size(), 2u);
  EXPECT_TRUE(samples.contains(1) && samples.contains(64));
  for (runtime::Runtime* runtime : {&every, &none, &some}) observed.remove(*runtime);
}

TEST(ObservedRuntimes, CountsNeverGoBackWhileRuntimesComeAndGo) {
  ObservedRuntimes observed;
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&, i] {
      uint64_t mallocs = 0, cycles = 0;
      while (!done) {
        if (i == 2) observed.collect();
        const Snapshot snapshot = observed.snapshot();
        EXPECT_GE(snapshot.stats.mallocs, mallocs);
        EXPECT_GE(snapshot.stats.cycles, cycles);
        mallocs = snapshot.stats.mallocs;
        cycles = snapshot.stats.cycles;
        observed.heap_samples();
        observed.mutators();
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    runtime::Runtime runtime(options());
    const ObserveAll all(&observed);
    const ObservedScope shown(runtime);
    allocate(runtime, 2000);
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(observed.snapshot().stats.mallocs, 40'000u);
}

TEST(ObservedRuntimes, LeavesWhileItsOwnThreadIsAttachedAndSomebodyCollects) {
  ObservedRuntimes observed;
  std::atomic<bool> done{false};
  std::thread collecting([&] {
    while (!done) observed.collect();
  });
  for (int i = 0; i < 20; ++i) {
    runtime::Runtime runtime(options());
    runtime::Thread thread(runtime);
    observed.add(runtime);
    for (int k = 0; k < 100; ++k) thread.make<Node>();
    observed.remove(runtime);
  }
  done = true;
  collecting.join();
}

struct Recorder final : Watcher {
  void added(runtime::Runtime& runtime) override { seen.push_back({'+', &runtime}); }
  void removing(runtime::Runtime& runtime) override { seen.push_back({'-', &runtime}); }
  std::vector<std::pair<char, const runtime::Runtime*>> seen;
};

TEST(ObservedRuntimes, AWatcherHearsOfEachRuntimeOnceComingAndGoing) {
  ObservedRuntimes observed;
  runtime::Runtime first(options()), second(options());
  observed.add(first);
  Recorder recorder;
  {
    const ObservedRuntimes::Watch watch(&observed, &recorder);
    observed.add(second);
    observed.remove(first);
  }
  observed.remove(second);
  const decltype(recorder.seen) expected = {
      {'+', &first}, {'+', &second}, {'-', &first}, {'-', &second}};
  EXPECT_EQ(recorder.seen, expected);
}

TEST(Sessions, ATraceHasRuntimesThatEndedMeanwhile) {
  ObservedRuntimes observed;
  runtime::Runtime stays(options());
  observed.add(stays);
  TraceSession session(&observed);
  {
    runtime::Runtime goes(options());
    const ObserveAll all(&observed);
    const ObservedScope shown(goes);
    allocate(goes, 100);
  }
  const std::string json = session.stop();
  EXPECT_NE(json.find("runtime 1"), std::string::npos);
  EXPECT_NE(json.find("runtime 2"), std::string::npos);
  EXPECT_FALSE(stays.tracing());
  observed.remove(stays);
}

TEST(ShownRuntime, IsSampledOnlyWhereSomebodyLooks) {
  EXPECT_EQ(observed_options(options(0)).mem_profile_rate, 0u);
  ObservedRuntimes observed;
  const ObserveAll all(&observed);
  EXPECT_EQ(observed_options(options(0)).mem_profile_rate, kUsualProfileRate);
  EXPECT_EQ(observed_options(options(1)).mem_profile_rate, 1u);
}

}  // namespace
}  // namespace greyhound::serve
