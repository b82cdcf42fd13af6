// SPDX-License-Identifier: MIT
#include "gc/cycle/collector.h"

#include <algorithm>

#include "gc/cycle/crash_report.h"
#include "runtime/base/check.h"
#include "runtime/base/processors.h"

namespace greyhound::gc {
namespace {

unsigned marking_threads(const Options& options, unsigned cpus) {
  if (options.debug.gcserial != 0 || options.mode == Mode::kStepping) return 1;
  return options.workers != 0 ? std::min(options.workers, 64u) : std::max(1u, cpus / 4);
}

}  // namespace

Collector::Collector(const Options& options)
    : CollectorState(this, options),
      limiter(processors(), monotonic_ns()),
      team(this, marking_threads(options, static_cast<unsigned>(limiter.cpus())), &fork),
      made_at_ns_(monotonic_ns()) {}

Start Collector::try_start() {
  if (options().debug.crashreport != 0) install_crash_handler();
  if (const Start start = heap.initialise(options()); start != Start::kStarted) return start;
  pacer.initialise(options());
  mem_profile.set_rate(options().mem_profile_rate);
  if (options().mode != Mode::kStepping && !coordinator.start()) return Start::kNoThread;
  return fork.begin() ? Start::kStarted : Start::kNoMemory;
}

Collector::~Collector() {
  if (const size_t attached = world.count(); attached != 0) {
    fatal("a runtime is destroyed with %zu mutator%s attached; detach every thread first", attached,
          attached == 1 ? "" : "s");
  }
  fork.end();
  coordinator.stop();
}

GcStats Collector::stats() {
  process.require_usable();
  if (Mutator* mutator = current_mutator_or_null(); mutator != nullptr &&
                                                    mutator->collector() == this &&
                                                    mutator->state() == MutatorState::kRunning) {
    mutator->flush_counts();
  }
  return statistics.snapshot(this);
}

}  // namespace greyhound::gc
