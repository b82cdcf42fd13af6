// SPDX-License-Identifier: MIT
// The phases of a cycle, in their order. What is printed and traced of them is in gctrace.cc and
// trace_phases.cc, their oracle in checkmark.cc.
#include "gc/cycle/cycle.h"

#include <algorithm>
#include <utility>

#include "gc/bug.h"
#include "gc/cycle/collector.h"
#include "gc/cycle/verify.h"
#include "gc/heap/sweep.h"
#include "gc/mark/root_resolver.h"
#include "runtime/base/check.h"
#include "runtime/base/probes.h"

namespace greyhound::gc {

Progress Cycle::advance(size_t objects) {
  switch (c_->phase()) {
    case Phase::kIdle:
      return begin();
    case Phase::kBarrierOn:
      return allocate_black();
    case Phase::kAllocBlack:
      return begin_marking();
    case Phase::kDrain:
      return drain(objects);
    case Phase::kScanRoots:
      return gcMarkDone();
    case Phase::kReferences:
      return process_references();
    case Phase::kBarrierOff:
      return allocate_white();
    case Phase::kAllocWhite:
      return begin_sweep();
    case Phase::kSweep:
      return sweep();
  }
  return Progress::kIdle;
}

void Cycle::enter(Phase phase) {
  if (c_->tracer.on()) [[unlikely]]
    trace_phases(c_->phase(), phase);
  c_->set_phase(phase);
  if (phase == Phase::kDrain || phase == Phase::kSweep || phase == Phase::kIdle)
    c_->assist.let_mutators_go();
}

void Cycle::ask(Handshake handshake) { asked_ = c_->world.begin(handshake); }

// --- idle, to H1

Progress Cycle::begin() {
  if (!c_->coordinator.take_wanted()) return Progress::kIdle;
  const CycleRequest request = c_->coordinator.begin_cycle();
  stats_ = CycleStats{};
  stats_.forced = request.forced;
  stats_.idle = request.idle;
  stats_.cycle = request.number;
  stats_.start_ns = monotonic_ns() - c_->made_at_ns();
  stats_.heap_before = c_->pacer.live();
  stats_.heap_goal = c_->pacer.goal();
  const uint64_t grown = stats_.heap_before - std::min(stats_.heap_before, c_->pacer.survivors());
  const Counters::Values last = std::exchange(before_.counted, c_->counters.values());
  before_.counted.map_growths = last.map_growths;
  before_.counted.map_growth_buckets = last.map_growth_buckets;
  before_.idle = grown <= c_->pacer.survivors() / 16;
  before_.cpu = c_->cpu.times();
  c_->world.take_longest_hold();
  c_->pacer.begin_cycle();
  c_->mem_profile.begin_cycle();
  c_->coordinator.forget_due_request();
  GREYHOUND_PROBE3(gc__start, stats_.cycle, stats_.heap_before, stats_.heap_goal);
  if (c_->options().debug.verifyheap != 0) verify_heap(c_, "the start of a cycle");
  if (c_->options().mode == Mode::kStopTheWorld) {
    hold_world();
    held_.for_cycle = true;
    held_.since_ns = monotonic_ns();  // to wait for the last one is not to collect
  }
  handshakes_started_ns_ = monotonic_ns();
  // The last cycle closed its last round; a barrier that is on must find this one open.
  if (!bug(Bug::kRoundStaysClosed)) c_->round.begin();
  enter(Phase::kBarrierOn);
  ask(Handshake::kBarrierOn);
  return Progress::kAdvanced;
}

// --- H1 to the first round

Progress Cycle::allocate_black() {
  if (!c_->world.done() && !bug(Bug::kBlackBeforeH1Done)) return Progress::kWaiting;
  enter(Phase::kAllocBlack);
  ask(Handshake::kAllocBlack);
  return Progress::kAdvanced;
}

Progress Cycle::begin_marking() {
  if (!c_->world.done()) return Progress::kWaiting;
  stats_.start_handshakes_ns = monotonic_ns() - handshakes_started_ns_;
  stats_.longest_start_hold_ns = c_->world.take_longest_hold();
  mark_started_ns_ = monotonic_ns();
  // Exact: with its answer each mutator handed in what it had counted.
  before_.mallocs = c_->counters.values().mallocs;
  begin_round();
  markroot_shared();
  return Progress::kAdvanced;
}

// The clear of the flag precedes everything that this round drains (rule 3).
void Cycle::begin_round() {
  c_->round.begin();
  ++stats_.rounds;
  enter(Phase::kDrain);
}

// What no mutator scans: persistent handles, and stacks that nobody runs on.
void Cycle::markroot_shared() {
  if (bug(Bug::kSkipPersistentRoots)) return;
  Marker& marker = c_->team.marker();
  c_->persistents.for_each([&](uintptr_t word) { marker.grey_root(word); });
  if (!bug(Bug::kParkedStacksSkipped)) {
    c_->parked_stacks.for_each_words(
        c_->heap.base(), c_->heap.size(), [&](const uintptr_t* words, size_t count) {
          for_each_root_object(c_->heap, words, count,
                               [&](const FoundObject& object) { marker.grey_object(object.base); });
        });
  }
  marker.flush();
}

// --- rounds

Progress Cycle::drain(size_t objects) {
  Marker& marker = c_->team.marker();
  if (c_->options().mode == Mode::kStepping && objects != SIZE_MAX) {
    if (marker.drain_objects(objects)) return Progress::kAdvanced;
    if (!c_->pool.quiet()) return Progress::kWaiting;
  } else if (!c_->team.drain()) {
    return Progress::kAdvanced;
  }
  if (c_->references.mark_ephemerons(&marker)) {
    marker.flush();
    return Progress::kAdvanced;
  }
  if (bug(Bug::kFlagClearedAfterDrain)) c_->round.begin();
  enter(Phase::kScanRoots);
  ask(Handshake::kScanRoots);
  return Progress::kAdvanced;
}

// As Go's: whether marking is over, or another round is needed. H3 has been answered.
Progress Cycle::gcMarkDone() {
  if (!c_->world.done()) return Progress::kWaiting;
  markroot_scanned();
  if (close_round()) {
    if (c_->references.empty()) {
      finish_marking();
    } else {
      enter(Phase::kReferences);
    }
    return Progress::kAdvanced;
  }
  if (stats_.rounds >= kMaxRounds && !held_.for_round && !held_.for_cycle) {
    // What the held mutators have is scanned in the next round; then nothing can be hidden any
    // more.
    hold_world();
    held_.for_round = true;
    ++stats_.escalations;
  }
  begin_round();
  return Progress::kAdvanced;
}

// The words that H3 collected: whatever they newly grey asks for another round (rule 9).
void Cycle::markroot_scanned() {
  roots_.take_from(&c_->world);
  const uint64_t start = c_->tracer.on() ? monotonic_ns() : 0;
  if (roots_.markroot(c_->heap, &c_->team.marker(), c_->references.has_ephemerons()))
    c_->round.ask_for_another();
  if (start != 0) {
    trace_since(start, EventKind::kResolveRoots,
                roots_.ambiguous().size() + roots_.precise().size());
  }
}

// Judges the round: whether it was quiet, and from now on stays so.
bool Cycle::close_round() {
  if (bug(Bug::kOneRoundOnly) && stats_.rounds >= 2) {
    c_->round.close_regardless();
    return true;
  }
  if (!c_->pool.quiet() && !bug(Bug::kQuietIgnoresPool)) return false;
  return c_->round.close();
}

// --- the end of marking

// What marking left white is dead, but for what a finalizer is still to see. Nobody but this thread
// and the workers can reach a white object here, so its marking needs no barrier and no root scan.
Progress Cycle::process_references() {
  c_->references.clear_dead();
  Marker& marker = c_->team.marker();
  const auto drain = [&] {
    do {
      marker.flush();
      while (!c_->team.drain()) {
      }
    } while (c_->references.mark_ephemerons(&marker));
  };
  if (const std::vector<uintptr_t> objects = c_->references.finalizable(); !objects.empty()) {
    for (const uintptr_t object : objects) marker.grey_fields(c_->heap.findObject(object).base);
    if (!bug(Bug::kRevivedNotDrained)) drain();
    c_->references.revive(objects);
  }
  c_->references.finish();
  finish_marking();
  return Progress::kAdvanced;
}

void Cycle::finish_marking() {
  c_->mem_profile.free_dead([this](uintptr_t object) { return c_->heap.marks.test(object); });
  if (c_->options().debug.gccheckmark != 0) checkmark("the end of marking");
  if (held_.for_round) {
    c_->world.release_all();
    held_.for_round = false;
  }
  const uint64_t now = monotonic_ns();
  stats_.mark_ns = now - mark_started_ns_;
  stats_.longest_scan_hold_ns = c_->world.take_longest_hold();
  stats_.heap_at_end = c_->pacer.live();
  stats_.metadata_bytes = c_->heap.metadata_bytes() + c_->pool.bytes();
  stats_.heap_pages_bytes = c_->heap.page_bytes();
  stats_.heap_resident_bytes = c_->heap.resident_bytes();
  stats_.mark = c_->team.take_counts();
  stats_.mark.merge(c_->assist.take_counts());
  stats_.heap_marked = stats_.mark.bytes_marked;
  handshakes_started_ns_ = now;
  enter(Phase::kBarrierOff);
  ask(Handshake::kBarrierOff);
}

// --- H4 to idle

Progress Cycle::allocate_white() {
  if (!c_->world.done()) return Progress::kWaiting;
  c_->pacer.end_cycle(stats_.heap_marked, stats_.metadata_bytes);
  enter(Phase::kAllocWhite);
  ask(Handshake::kAllocWhite);
  return Progress::kAdvanced;
}

Progress Cycle::begin_sweep() {
  if (!c_->world.done()) return Progress::kWaiting;
  finish();
  enter(Phase::kSweep);
  return Progress::kAdvanced;
}

Progress Cycle::sweep() {
  const uint64_t start = monotonic_ns();
  const size_t spans = sweep_all(&c_->heap);
  return_surplus();
  const uint64_t end = monotonic_ns();
  c_->coordinator.cpu_lap().charge(CpuWork::kSweep);
  tell_limiter(end);
  GREYHOUND_PROBE3(sweep__done, stats_.cycle, spans, end - start);
  c_->statistics.add_sweep(spans, end - start, c_->limiter.limiting());
  enter(Phase::kIdle);
  c_->count_completed();
  return Progress::kAdvanced;
}

void Cycle::finish() {
  stats_.end_handshakes_ns = monotonic_ns() - handshakes_started_ns_;
  stats_.longest_end_hold_ns = c_->world.take_longest_hold();
  stats_.heap_marked = c_->pacer.survivors();
  // What the driver does from here on counts as sweeping.
  c_->coordinator.cpu_lap().charge(CpuWork::kMark);
  const CpuTimes taken = c_->cpu.times() - before_.cpu;
  stats_.mark_cpu_ns = taken.mark_ns;
  stats_.assist_ns = taken.assist_ns;
  c_->mem_profile.charge({taken.mark_ns, taken.assist_ns});
  const Counters::Values now = c_->counters.values();
  stats_.barrier_hits = now.barrier_hits - before_.counted.barrier_hits;
  stats_.barrier_shades = now.barrier_shades - before_.counted.barrier_shades;
  stats_.assists = now.assists - before_.counted.assists;
  stats_.map_growths = now.map_growths - before_.counted.map_growths;
  stats_.map_growth_buckets = now.map_growth_buckets - before_.counted.map_growth_buckets;
  before_.counted = now;  // of maps, what grows before the next cycle is the next one's
  c_->pool.trim();
  roots_.trim(&c_->world);
  if (held_.for_cycle) {
    c_->world.release_all();
    held_.for_cycle = false;
    held_.for_ns = monotonic_ns() - held_.since_ns;
  }
  c_->statistics.add_cycle(stats_, before_.mallocs);
  GREYHOUND_PROBE4(gc__done, stats_.cycle, stats_.mark_ns, stats_.heap_marked, stats_.rounds);
  print_trace();
}

// What the heap will not need before its goal goes back to the system, but for a tenth, so that a
// heap that breathes does not fault its pages in again and again. A program that asks for a cycle
// though it has allocated next to nothing since the last one is not about to reach its goal, nor is
// one that did nothing for minutes: then all but a tenth beyond what lives goes back.
void Cycle::return_surplus() {
  const bool idle = stats_.idle || (stats_.forced && before_.idle);
  const uint64_t needed = idle ? c_->pacer.live() : c_->pacer.goal();
  if (needed == UINT64_MAX) return;
  const size_t resident = c_->heap.resident_bytes();
  const size_t keep = needed + needed / 10 + (size_t{1} << 20);
  if (resident > keep + keep / 16) c_->heap.return_to_system(resident - keep);
}

void Cycle::tell_limiter(uint64_t now) {
  if (stats_.forced || stats_.idle) return c_->limiter.forced_cycle_ended(now);
  const CpuTimes taken = c_->cpu.times() - before_.cpu;
  // While the world is held nobody else runs, however few threads mark.
  const bool held = c_->options().mode == Mode::kStopTheWorld;
  c_->limiter.cycle_ended(
      c_->made_at_ns() + stats_.start_ns, now,
      held ? held_.for_ns * c_->limiter.cpus() + taken.sweep_ns : taken.total());
}

}  // namespace greyhound::gc
