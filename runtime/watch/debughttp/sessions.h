// SPDX-License-Identifier: MIT
// What is gathered over a span of time, of every runtime that is observed meanwhile, those that
// come and go included: CPU samples, what collecting cost, trace events.
//
// Thread rules: a session belongs to the thread that made it.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

#include "runtime/profile/cpu_profiler.h"
#include "runtime/watch/debughttp/observed_runtimes.h"
#include "runtime/watch/pprof/profile.h"
#include "runtime/watch/trace/trace_json.h"

namespace greyhound::serve {

// Of what happens from here to stop(). Throws runtime::ProfileError when one runs already.
class CpuSession {
 public:
  explicit CpuSession(ObservedRuntimes* observed);
  // Once.
  runtime::CpuProfile stop();

 private:
  class Adder final : public Watcher {
   public:
    explicit Adder(runtime::CpuProfiler* profiler) : profiler_(profiler) {}
    void added(runtime::Runtime& runtime) override { profiler_->add(runtime); }
    void removing(runtime::Runtime&) override {}

   private:
    runtime::CpuProfiler* const profiler_;
  };
  runtime::CpuProfiler profiler_;
  Adder adder_{&profiler_};
  std::optional<ObservedRuntimes::Watch> watch_;
};

// What marking, assists, barriers and evacuation cost since `before`, by who caused it
// (runtime/watch/pprof/gc_profile.h).
struct GcCosts {
  HeapSamples samples;
  gc::MarkTimes uncharged;
};
GcCosts gc_costs(ObservedRuntimes* observed);
pprof::Profile gc_profile(const GcCosts& before, const GcCosts& after,
                          const runtime::CpuProfile& cpu);

// Trace events of every runtime, those that come and go included.
class TraceSession {
 public:
  explicit TraceSession(ObservedRuntimes* observed) : watch_(std::in_place, observed, &tracer_) {}
  // Chrome's trace-event JSON. Once.
  std::string stop();
  // Of the runtimes, those that somebody else is tracing.
  size_t busy() const { return tracer_.busy; }

 private:
  struct Tracer final : Watcher {
    void added(runtime::Runtime& runtime) override;
    void removing(runtime::Runtime& runtime) override;
    std::vector<const runtime::Runtime*> started;
    std::vector<trace::NamedTrace> traces;
    std::atomic<size_t> busy{0};
  };
  Tracer tracer_;
  std::optional<ObservedRuntimes::Watch> watch_;
};

}  // namespace greyhound::serve
