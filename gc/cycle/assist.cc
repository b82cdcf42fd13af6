// SPDX-License-Identifier: MIT
#include "gc/cycle/assist.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "gc/mark/marker.h"
#include "gc/mutator/collector_state.h"
#include "gc/mutator/mutator.h"
#include "gc/pace/limiter.h"
#include "runtime/base/futex.h"
#include "runtime/base/probes.h"

namespace greyhound::gc {
namespace {

// An assist marks at least this much once it starts, so that starting pays, looks at the clock so
// often, and gives up so late, so that no allocation waits long: the next refill goes on.
constexpr int64_t kAssistLeast = 8 << 10;
constexpr uint64_t kLatePatienceNs = 1'000'000;

}  // namespace

MarkCounts Assist::take_counts() {
  std::lock_guard lock(counts_mutex_);
  return std::exchange(counts_, {});
}

// Whether a mutator can do nothing for the cycle that runs or is due.
bool Assist::waits_for_coordinator() const {
  if (gc_->options().mode == Mode::kStepping) return false;
  switch (gc_->phase()) {
    case Phase::kDrain:
      return !assists_allowed();
    case Phase::kIdle:
    case Phase::kSweep:
      return cycle_wanted_->load(std::memory_order_relaxed);
    default:
      return true;
  }
}

bool Assist::assists_allowed() const {
  return gc_->options().debug.gcserial == 0 && gc_->options().mode == Mode::kConcurrent &&
         !limiter_->limiting();
}

uint64_t Assist::patience_ns(uint64_t bytes) const {
  return gc_->pacer.patience_ns(
      limiter_->limiting(), bytes,
      held_back_.load(std::memory_order_relaxed) / static_cast<unsigned>(limiter_->cpus()));
}

GREYHOUND_NOINLINE void Assist::hold_back(Mutator* mutator, uint64_t bytes) {
  const uint32_t turn = this->turn();
  if (!waits_for_coordinator()) return;
  const uint64_t patience = patience_ns(bytes);
  if (patience == 0) return;
  const uint64_t start = monotonic_ns();
  wait_for_turn(mutator, turn, patience);
  gc_->counters.add_wait(monotonic_ns() - start);
  if (gc_->tracer.on()) mutator->trace_since(start, EventKind::kWaitForCycle);
}

GREYHOUND_NOINLINE void Assist::wait_for_turn(Mutator* mutator, uint32_t turn,
                                              uint64_t patience_ns) {
  BlockingScope blocking(mutator, "waiting for the collector");
  const TimedWait wait("collector behind");
  // seq_cst: partner of let_mutators_go, which changes the word first and looks here then.
  held_back_.fetch_add(1, std::memory_order_seq_cst);
  futex_wait(turn_, turn, std::max<uint64_t>(patience_ns, 1));
  held_back_.fetch_sub(1, std::memory_order_relaxed);
}

void Assist::let_mutators_go() {
  turn_.fetch_add(1, std::memory_order_seq_cst);
  if (held_back_.load(std::memory_order_seq_cst) != 0) futex_wake_all(turn_);
}

void Assist::merge_counts(Mutator* mutator) {
  std::lock_guard lock(counts_mutex_);
  counts_.merge(mutator->assist.marker->take_counts());
}

// Rule 7: gcDrainN is an active marker from its first pop to its last donation, with no safepoint
// inside. Between two of them a pending handshake ends the assist: its acknowledgement must not
// wait.
GREYHOUND_NOINLINE void Assist::gcAssistAlloc(Mutator* mutator, uint64_t bytes) {
  if (!assists_allowed()) {
    mutator->assist.debt = 0;
    return;
  }
  mutator->assist.debt -= gc_->pacer.take_credit(mutator->assist.debt);
  if (mutator->assist.debt <= 0) return;
  const uint64_t start = monotonic_ns();
  // Well beyond the goal the markers are not getting the processor: let them have this one.
  const bool late = gc_->pacer.overshot(false, bytes);
  if (!late && !mutator->assist.allowance.may_be_at(start)) return;
  const uint64_t cpu_start = thread_cpu_ns();
  const int64_t allowance = mutator->assist.allowance.at(cpu_start, start);
  if (allowance <= 0 && !late) return;
  if (mutator->assist.marker == nullptr)
    mutator->assist.marker = std::make_unique<Marker>(&gc_->heap, &gc_->pool, &gc_->pacer);
  const int64_t owed = mutator->assist.debt;
  GREYHOUND_PROBE2(mark__assist__start, mutator->name().c_str(), owed);
  const uint64_t may_take =
      late ? std::max(kLatePatienceNs, patience_ns(bytes)) : static_cast<uint64_t>(allowance);
  uint64_t may_wait = std::min<uint64_t>(may_take, AssistAllowance::kMostNs);
  uint64_t taken = 0;
  uint64_t waited = 0;  // for the wait profile
  int64_t budget = std::max(mutator->assist.debt, kAssistLeast);
  while (budget > 0 && gc_->marking() &&
         mutator->request.load(std::memory_order_relaxed) == Handshake::kNone) {
    const uint32_t turn = this->turn();
    int64_t paid = mutator->assist.marker->gcDrainN(kAssistLeast);
    if (paid < 0) {
      // The others hold all there is: have them share, and let what they do meanwhile count.
      gc_->pool.ask_to_share();
      if (late) {
        // Blocked, not yielding: what runs here runs instead of who holds the work. The cycle may
        // end meanwhile, and what was marked so far is to be counted in it.
        merge_counts(mutator);
        wait_for_turn(mutator, turn, std::min(patience_ns(bytes), may_take - taken));
      } else {
        const uint64_t wait_start = gc_->waits.rate() != 0 ? monotonic_ns() : 0;
        for (int i = 0; i < 64; ++i) cpu_pause();
        if (wait_start != 0) [[unlikely]]
          waited += monotonic_ns() - wait_start;
      }
      paid = gc_->pacer.take_credit(budget);
      may_wait = may_take;
    }
    budget -= paid;
    mutator->assist.debt -= paid;
    taken = monotonic_ns() - start;
    if (taken >= may_wait) break;
  }
  const uint64_t worked = thread_cpu_ns() - cpu_start;
  gc_->cpu.add(CpuWork::kAssist, worked);
  mutator->assist.allowance.took(worked, taken);
  gc_->counters.add_assist(taken);
  if (waited != 0) [[unlikely]]
    gc_->waits.record("assist", waited);
  const int64_t work_paid = owed - mutator->assist.debt;
  GREYHOUND_PROBE3(mark__assist__done, mutator->name().c_str(), taken, work_paid);
  if (gc_->tracer.on())
    mutator->trace_since(start, EventKind::kAssist, static_cast<uint64_t>(work_paid));
  merge_counts(mutator);
}

}  // namespace greyhound::gc
