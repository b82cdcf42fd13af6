// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/sessions.h"

#include "runtime/watch/debughttp/profile_delta.h"
#include "runtime/watch/pprof/gc_profile.h"

namespace greyhound::serve {

using pprof::Profile;

CpuSession::CpuSession(ObservedRuntimes* observed) : watch_(std::in_place, observed, &adder_) {}

runtime::CpuProfile CpuSession::stop() {
  watch_.reset();  // a runtime that comes now is not to be added to a profiler that has stopped
  return profiler_.stop();
}

GcCosts gc_costs(ObservedRuntimes* observed) {
  return {observed->heap_samples(), observed->uncharged_marking()};
}

Profile gc_profile(const GcCosts& before, const GcCosts& after, const runtime::CpuProfile& cpu) {
  const auto records_of = [](const GcCosts& costs) {
    std::vector<gc::MemRecord> all;
    for (const auto& [rate, records] : costs.samples)
      all.insert(all.end(), records.begin(), records.end());
    return all;
  };
  // The time of the first is not that of its making, but of the CPU profile's start.
  Profile first = pprof::gc_profile(records_of(before), before.uncharged, {});
  first.time_ns = cpu.start_time_ns;
  Profile last = pprof::gc_profile(records_of(after), after.uncharged, cpu);
  last.time_ns = cpu.start_time_ns + static_cast<int64_t>(cpu.duration_ns);
  return profile_delta(first, last);
}

void TraceSession::Tracer::added(runtime::Runtime& runtime) {
  if (runtime.trace_start()) {
    started.push_back(&runtime);
  } else {
    ++busy;
  }
}

void TraceSession::Tracer::removing(runtime::Runtime& runtime) {
  if (std::erase(started, &runtime) == 0) return;
  traces.push_back({"runtime " + std::to_string(traces.size() + 1), runtime.trace_stop()});
}

std::string TraceSession::stop() {
  watch_.reset();
  return trace::to_json(tracer_.traces);
}

}  // namespace greyhound::serve
