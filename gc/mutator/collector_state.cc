// SPDX-License-Identifier: MIT
#include "gc/mutator/collector_state.h"

#include "runtime/base/system.h"

namespace greyhound::gc {

CollectorState::CollectorState(Collector* collector, const Options& options)
    : driver(collector),
      tracer([this](const TraceRecorder::Visit& visit) {
        world.for_each([&](Mutator* mutator) { visit(mutator->traced()); });
      }),
      options_(options),
      seed_(options.debug.seed != 0 ? static_cast<uint64_t>(options.debug.seed) : random_seed()) {
  if (options_.debug.gcstoptheworld != 0 && options_.mode == Mode::kConcurrent)
    options_.mode = Mode::kStopTheWorld;
}

uint64_t CollectorState::next_seed() {
  return seed_.fetch_add(0x9e3779b97f4a7c15u, std::memory_order_relaxed) * 0xbf58476d1ce4e5b9u;
}

}  // namespace greyhound::gc
