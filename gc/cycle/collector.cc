// SPDX-License-Identifier: MIT
// The cycle's state machine. The threads that drive it are in coordinator.cc, what it prints in
// gctrace.cc, its oracle in checkmark.cc.
#include "gc/cycle/collector.h"

#include <algorithm>
#include <utility>

#include "gc/bug.h"
#include "gc/cycle/verify.h"
#include "gc/heap/sweep.h"
#include "gc/mark/root_resolver.h"
#include "runtime/base/check.h"
#include "runtime/base/probes.h"

namespace greyhound::gc {

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::kIdle:
      return "idle";
    case Phase::kBarrierOn:
      return "barrier on (H1)";
    case Phase::kAllocBlack:
      return "allocate black (H2)";
    case Phase::kDrain:
      return "drain";
    case Phase::kScanRoots:
      return "scan roots (H3)";
    case Phase::kSpecials:
      return "weak cells and finalizers";
    case Phase::kBarrierOff:
      return "barrier off (H4)";
    case Phase::kAllocWhite:
      return "allocate white (H5)";
    case Phase::kSweep:
      return "sweep";
  }
  return "unknown";
}

Progress Collector::advance(size_t objects) {
  const Phase now = phase();
  switch (now) {
    case Phase::kIdle:
      if (!wanted_.exchange(false, std::memory_order_acq_rel)) return Progress::kIdle;
      begin_cycle();
      return Progress::kAdvanced;
    case Phase::kBarrierOn:
      if (!world.done() && !bug(Bug::kBlackBeforeH1Done)) return Progress::kWaiting;
      enter(Phase::kAllocBlack);
      asked_ = world.begin(Handshake::kAllocBlack);
      return Progress::kAdvanced;
    case Phase::kAllocBlack:
      if (!world.done()) return Progress::kWaiting;
      cycle_.start_handshakes_ns = monotonic_ns() - handshake_started_;
      cycle_.longest_start_hold_ns = world.take_longest_hold();
      mark_started_ = monotonic_ns();
      // Exact: with its answer each mutator handed in what it had counted.
      cycle_mallocs_ = mallocs_.load(std::memory_order_relaxed);
      begin_round();
      grey_persistent_roots();
      return Progress::kAdvanced;
    case Phase::kDrain:
      if (options_.mode == Mode::kStepping && objects != SIZE_MAX) {
        if (marker_->drain_objects(objects)) return Progress::kAdvanced;
        if (!pool.quiet()) return Progress::kWaiting;
      } else if (!drain_parallel()) {
        return Progress::kAdvanced;
      }
      if (specials.mark_ephemerons(marker_.get())) {
        marker_->flush();
        return Progress::kAdvanced;
      }
      if (bug(Bug::kFlagClearedAfterDrain))
        round_.store(Round::kQuietSoFar, std::memory_order_seq_cst);
      enter(Phase::kScanRoots);
      asked_ = world.begin(Handshake::kScanRoots);
      return Progress::kAdvanced;
    case Phase::kScanRoots:
      if (!world.done()) return Progress::kWaiting;
      finish_scan();
      return Progress::kAdvanced;
    case Phase::kSpecials:
      process_specials();
      finish_marking();
      return Progress::kAdvanced;
    case Phase::kBarrierOff:
      if (!world.done()) return Progress::kWaiting;
      pacer.end_cycle(cycle_.heap_marked, cycle_.metadata_bytes);
      enter(Phase::kAllocWhite);
      asked_ = world.begin(Handshake::kAllocWhite);
      return Progress::kAdvanced;
    case Phase::kAllocWhite:
      if (!world.done()) return Progress::kWaiting;
      finish_cycle();
      enter(Phase::kSweep);
      return Progress::kAdvanced;
    case Phase::kSweep: {
      const uint64_t start = monotonic_ns();
      const size_t spans = sweep_all(this);
      return_surplus();
      const uint64_t end = monotonic_ns();
      cpu_lap_.charge(CpuWork::kSweep);
      tell_limiter(end);
      GREYHOUND_PROBE3(sweep__done, cycle_.cycle, spans, end - start);
      std::lock_guard lock(stats_mutex_);
      totals_.sweep_ns += end - start;
      totals_.spans_swept += spans;
      totals_.limited_cycles += limiter.limiting() ? 1 : 0;
      enter(Phase::kIdle);
      completed_.fetch_add(1, std::memory_order_acq_rel);
      return Progress::kAdvanced;
    }
  }
  return Progress::kIdle;
}

void Collector::enter(Phase phase) {
  if (tracer.on()) [[unlikely]]
    trace_phases(this->phase(), phase);
  phase_.store(phase, std::memory_order_relaxed);
  events.note(phase, started_.load(std::memory_order_relaxed));
  if (phase == Phase::kDrain || phase == Phase::kSweep || phase == Phase::kIdle) let_mutators_go();
}

void Collector::begin_cycle() {
  cycle_ = CycleStats{};
  {
    std::lock_guard lock(request_mutex_);
    cycle_.forced = wanted_forced_;
    wanted_forced_ = false;
    cycle_.idle = std::exchange(idle_wanted_, false) && !cycle_.forced;
    // Together: a collect() in between would wait for this cycle and have another one made as well.
    cycle_.cycle = started_.fetch_add(1, std::memory_order_acq_rel) + 1;
  }
  cycle_.start_ns = monotonic_ns() - made_at_ns_;
  cycle_.heap_before = pacer.live();
  cycle_.heap_goal = pacer.goal();
  idle_before_cycle_ = cycle_.heap_before - std::min(cycle_.heap_before, pacer.survivors()) <=
                       pacer.survivors() / 16;
  cycle_hits_ = barrier_hits_.load(std::memory_order_relaxed);
  cycle_shades_ = barrier_shades_.load(std::memory_order_relaxed);
  cycle_cpu_ = cpu.times();
  cycle_assists_ = assists_.load(std::memory_order_relaxed);
  world.take_longest_hold();
  pacer.begin_cycle();
  mem_profile.begin_cycle();
  {
    // A mutator may have asked again between the driver's taking of the request and the line above,
    // which disarms the trigger. What it asked for is this cycle; a forced one stays asked for.
    std::lock_guard lock(request_mutex_);
    if (!wanted_forced_) wanted_.store(false, std::memory_order_relaxed);
  }
  GREYHOUND_PROBE3(gc__start, cycle_.cycle, cycle_.heap_before, cycle_.heap_goal);
  if (options_.debug.verifyheap != 0) verify_heap(this, "the start of a cycle");
  if (options_.mode == Mode::kStopTheWorld) {
    hold_world();
    parked_for_cycle_ = true;
    held_since_ns_ = monotonic_ns();  // to wait for the last one is not to collect
  }
  handshake_started_ = monotonic_ns();
  // The last cycle closed its last round; a barrier that is on must find this one open.
  if (!bug(Bug::kRoundStaysClosed)) round_.store(Round::kQuietSoFar, std::memory_order_seq_cst);
  enter(Phase::kBarrierOn);
  asked_ = world.begin(Handshake::kBarrierOn);
}

void Collector::begin_round() {
  // seq_cst: partner of ask_for_round; the clear precedes everything this round drains (rule 3).
  round_.store(Round::kQuietSoFar, std::memory_order_seq_cst);
  ++cycle_.rounds;
  enter(Phase::kDrain);
}

void Collector::grey_persistent_roots() {
  if (bug(Bug::kSkipPersistentRoots)) return;
  persistents.for_each([this](uintptr_t word) { marker_->grey_root(word); });
  if (!bug(Bug::kParkedStacksSkipped)) {
    parked_stacks.for_each_words(
        heap.base(), heap.size(), [this](const uintptr_t* words, size_t count) {
          for_each_root_object(heap, words, count, [this](const FoundObject& object) {
            marker_->grey_object(object.base);
          });
        });
  }
  marker_->flush();
}

// The words that H3 collected: whatever they newly grey asks for another round, unless it has no
// pointers, so that nothing can be hidden behind it, and is no ephemeron's key.
void Collector::resolve_root_words() {
  // Taken out under the list's lock, resolved outside it: attach and detach need not wait for that.
  root_words_.clear();
  precise_root_words_.clear();
  world.for_each([this](Mutator* mutator) {
    RootWords& words = mutator->root_words();
    const auto precise = words.begin() + static_cast<ptrdiff_t>(mutator->conservative_words());
    root_words_.insert(root_words_.end(), words.begin(), precise);
    precise_root_words_.insert(precise_root_words_.end(), precise, words.end());
    mutator->clear_root_words();
  });
  const uint64_t start = tracer.on() ? monotonic_ns() : 0;
  const bool may_be_key = specials.has_ephemerons();
  bool greyed = false;
  for_each_root_object(heap, root_words_.data(), root_words_.size(),
                       [&](const FoundObject& object) {
                         if (marker_->grey_object(object.base))
                           greyed |= !object.span->noscan || may_be_key;
                       });
  for (uintptr_t word : precise_root_words_) greyed |= marker_->grey_root(word);
  marker_->flush();
  if (greyed) ask_for_round();
  if (start != 0)
    trace_since(start, EventKind::kResolveRoots, root_words_.size() + precise_root_words_.size());
}

// What a deep stack took to copy goes back once it is deep no more. Freeing it takes milliseconds,
// so it is done here and not by the mutator, and not under the list's lock.
void Collector::trim_root_words() {
  OwnVector<RootWords> surplus;
  const auto trim = [&](RootWords* words, size_t used) {
    if (words->capacity() > kKeptRootWords && words->capacity() / 4 > used)
      surplus.push_back(std::exchange(*words, {}));
  };
  trim(&root_words_, root_words_.size());
  trim(&precise_root_words_, precise_root_words_.size());
  world.for_each([&](Mutator* mutator) { trim(&mutator->root_words(), mutator->scanned_words()); });
}

// Judges the round: whether it was quiet, and from now on stays so.
bool Collector::close_round() {
  if (bug(Bug::kOneRoundOnly) && cycle_.rounds >= 2) {
    round_.store(Round::kClosed, std::memory_order_seq_cst);
    return true;
  }
  if (!pool.quiet() && !bug(Bug::kQuietIgnoresPool)) return false;
  Round seen = Round::kQuietSoFar;
  return round_.compare_exchange_strong(seen, Round::kClosed, std::memory_order_seq_cst);
}

bool Collector::weak_load(uintptr_t address) {
  Mutator* mutator = current_mutator();
  // Before H1's answer, marking cannot end without this thread; after H4's, the dead are cleared.
  if (!mutator->shading()) return true;
  const uintptr_t object = heap.find_object(address).base;
  if (heap.marks.test(object)) return true;
  if (bug(Bug::kWeakLoadWithoutVeto)) return true;
  // What was marked before the round was closed is alive; nothing else is.
  if (!ask_for_round()) return heap.marks.test(object);
  mutator->shade(object, true);
  return true;
}

// What marking left white is dead, but for what a finalizer is still to see. Nobody but this thread
// and the workers can reach a white object here, so its marking needs no barrier and no root scan.
void Collector::process_specials() {
  specials.clear_dead();
  const auto drain = [this] {
    do {
      marker_->flush();
      while (!drain_parallel()) {
      }
    } while (specials.mark_ephemerons(marker_.get()));
  };
  if (const std::vector<uintptr_t> objects = specials.finalizable(); !objects.empty()) {
    for (uintptr_t object : objects) marker_->grey_fields(heap.find_object(object).base);
    if (!bug(Bug::kRevivedNotDrained)) drain();
    specials.revive(objects);
  }
  specials.finish();
}

void Collector::finish_scan() {
  resolve_root_words();
  if (close_round()) {
    if (specials.empty()) {
      finish_marking();
    } else {
      enter(Phase::kSpecials);
    }
    return;
  }
  if (cycle_.rounds >= kMaxRounds && !escalated_ && !parked_for_cycle_) {
    // What the held mutators have is scanned in the next round; then nothing can be hidden any
    // more.
    hold_world();
    escalated_ = true;
    ++cycle_.escalations;
  }
  begin_round();
}

void Collector::finish_marking() {
  mem_profile.free_dead();
  if (options_.debug.gccheckmark != 0) checkmark("the end of marking");
  if (escalated_) {
    world.release_all();
    escalated_ = false;
  }
  const uint64_t now = monotonic_ns();
  cycle_.mark_ns = now - mark_started_;
  cycle_.longest_scan_hold_ns = world.take_longest_hold();
  cycle_.heap_at_end = pacer.live();
  cycle_.metadata_bytes = heap.metadata_bytes() + pool.bytes();
  cycle_.heap_pages_bytes = heap.page_bytes();
  cycle_.heap_resident_bytes = heap.resident_bytes();
  cycle_.mark = marker_->take_counts();
  for (const auto& worker : workers_) cycle_.mark.merge(worker->marker.take_counts());
  {
    std::lock_guard lock(assist_counts_mutex_);
    cycle_.mark.merge(assist_counts_);
    assist_counts_ = MarkCounts{};
  }
  cycle_.heap_marked = cycle_.mark.bytes_marked;
  handshake_started_ = now;
  enter(Phase::kBarrierOff);
  asked_ = world.begin(Handshake::kBarrierOff);
}

void Collector::finish_cycle() {
  cycle_.end_handshakes_ns = monotonic_ns() - handshake_started_;
  cycle_.longest_end_hold_ns = world.take_longest_hold();
  cycle_.heap_marked = pacer.survivors();
  cycle_.barrier_hits = barrier_hits_.load(std::memory_order_relaxed) - cycle_hits_;
  cycle_.barrier_shades = barrier_shades_.load(std::memory_order_relaxed) - cycle_shades_;
  // What the driver does from here on counts as sweeping.
  cpu_lap_.charge(CpuWork::kMark);
  const CpuTimes taken = cpu.times() - cycle_cpu_;
  cycle_.mark_cpu_ns = taken.mark_ns;
  cycle_.assist_ns = taken.assist_ns;
  mem_profile.charge({cycle_.mark_cpu_ns, cycle_.assist_ns});
  cycle_.assists = assists_.load(std::memory_order_relaxed) - cycle_assists_;
  count_map_growths();
  pool.trim();
  trim_root_words();
  if (parked_for_cycle_) {
    world.release_all();
    parked_for_cycle_ = false;
    held_ns_ = monotonic_ns() - held_since_ns_;
  }
  {
    std::lock_guard lock(stats_mutex_);
    ++totals_.cycles;
    totals_.forced_cycles += cycle_.forced ? 1 : 0;
    totals_.idle_cycles += cycle_.idle ? 1 : 0;
    totals_.rounds += cycle_.rounds;
    totals_.rounds_per_cycle.add(cycle_.rounds);
    totals_.escalations += cycle_.escalations;
    totals_.mark.merge(cycle_.mark);
    // What was there before and was not found. Never less than before: a cycle's first black
    // objects are counted among the dead until the next one finds them.
    const uint64_t found = std::min(cycle_mallocs_, cycle_.mark.objects_greyed);
    totals_.frees = std::max(totals_.frees, cycle_mallocs_ - found);
    totals_.last_cycle = cycle_;
  }
  GREYHOUND_PROBE4(gc__done, cycle_.cycle, cycle_.mark_ns, cycle_.heap_marked, cycle_.rounds);
  if (options_.debug.gctrace != 0) print_trace(cycle_);
  if (options_.debug.gcpacertrace != 0) print_pacer_trace();
}

void Collector::count_map_growths() {
  const uint64_t growths = map_growths_.load(std::memory_order_relaxed);
  const uint64_t buckets = map_buckets_.load(std::memory_order_relaxed);
  cycle_.map_growths = growths - std::exchange(cycle_map_growths_, growths);
  cycle_.map_growth_buckets = buckets - std::exchange(cycle_map_buckets_, buckets);
}

// What the heap will not need before its goal goes back to the system, but for a tenth, so that a
// heap that breathes does not fault its pages in again and again. A program that asks for a cycle
// though it has allocated next to nothing since the last one is not about to reach its goal, nor is
// one that did nothing for minutes: then all but a tenth beyond what lives goes back.
void Collector::return_surplus() {
  const bool idle = cycle_.idle || (cycle_.forced && idle_before_cycle_);
  const uint64_t needed = idle ? pacer.live() : pacer.goal();
  if (needed == UINT64_MAX) return;
  const size_t resident = heap.resident_bytes();
  const size_t keep = needed + needed / 10 + (size_t{1} << 20);
  if (resident > keep + keep / 16) heap.return_to_system(resident - keep);
}

void Collector::tell_limiter(uint64_t now) {
  if (cycle_.forced || cycle_.idle) return limiter.forced_cycle_ended(now);
  const CpuTimes taken = cpu.times() - cycle_cpu_;
  // While the world is held nobody else runs, however few threads mark.
  const bool held = options_.mode == Mode::kStopTheWorld;
  limiter.cycle_ended(made_at_ns_ + cycle_.start_ns, now,
                      held ? held_ns_ * limiter.cpus() + taken.sweep_ns : taken.total());
}

GcStats Collector::stats() {
  fork.require_usable();
  if (Mutator* mutator = current_mutator_or_null(); mutator != nullptr &&
                                                    mutator->collector() == this &&
                                                    mutator->state() == MutatorState::kRunning) {
    mutator->flush_counts();
  }
  GcStats result;
  {
    std::lock_guard lock(stats_mutex_);
    result = totals_;
  }
  result.memory_source = memory_source();
  result.mallocs = mallocs_.load(std::memory_order_relaxed);
  result.alloc_bytes = alloc_bytes_.load(std::memory_order_relaxed);
  result.heap_live = pacer.live();
  result.heap_goal = pacer.goal();
  result.heap_pages_bytes = heap.page_bytes();
  result.heap_resident_bytes = heap.resident_bytes();
  result.metadata_bytes = heap.metadata_bytes() + pool.bytes();
  result.barrier_hits = barrier_hits_.load(std::memory_order_relaxed);
  result.barrier_shades = barrier_shades_.load(std::memory_order_relaxed);
  result.map_growths = map_growths_.load(std::memory_order_relaxed);
  result.map_growth_buckets = map_buckets_.load(std::memory_order_relaxed);
  result.assists = assists_.load(std::memory_order_relaxed);
  const CpuTimes taken = cpu.times();
  result.mark_cpu_ns = taken.mark_ns;
  result.assist_ns = taken.assist_ns;
  result.sweep_cpu_ns = taken.sweep_ns;
  result.stalled_handshakes = world.stalled();
  result.missing_workers = missing_workers_.load(std::memory_order_relaxed);
  result.holds = world.holds();
  result.time_to_safepoint = world.time_to_safepoint();
  result.assist_times = assist_times_.snapshot();
  return result;
}

}  // namespace greyhound::gc
