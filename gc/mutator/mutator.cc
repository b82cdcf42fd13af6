// SPDX-License-Identifier: MIT
#include "gc/mutator/mutator.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>

#include "gc/bug.h"
#include "gc/mark/marker.h"
#include "gc/mark/root_resolver.h"
#include "gc/mutator/collector_state.h"
#include "runtime/base/check.h"
#include "runtime/base/futex.h"
#include "runtime/base/probes.h"

namespace greyhound::gc {
namespace {

#ifdef NDEBUG
constexpr bool kDebugBuild = false;
#else
constexpr bool kDebugBuild = true;
#endif

}  // namespace

const char* handshake_name(Handshake handshake) {
  switch (handshake) {
    case Handshake::kNone:
      return "no";
    case Handshake::kBarrierOn:
      return "barrier-on (H1)";
    case Handshake::kAllocBlack:
      return "allocate-black (H2)";
    case Handshake::kScanRoots:
      return "scan-roots (H3)";
    case Handshake::kBarrierOff:
      return "barrier-off (H4)";
    case Handshake::kAllocWhite:
      return "allocate-white (H5)";
    case Handshake::kPark:
      return "park";
  }
  return "unknown";
}

uint64_t fastrand() { return current_mutator()->allocation().random.next(); }

Mutator::Mutator(CollectorState* collector, std::string name)
    : gc_(collector),
      traced_{.name = std::move(name)},
      hybrid_(collector->options().barrier == Barrier::kHybrid),
      checks_refs_(kDebugBuild || collector->options().debug.checkrefs != 0),
      mcache_(collector, this, &cache),
      shades_(collector),
      roots_(this, collector, collector->options().stack_roots == StackRoots::kConservative) {
  self = this;
  scans_stacks = roots_.stacks.scanned();
  // In stepping mode it is whose turn it is.
  if (!collector->allows_nested_mutators())
    binding_.owner.store(pthread_self(), std::memory_order_relaxed);
  collector->process.require_usable();
  collector->tracer.attach(&traced_, false);
  collector->world.add(this);
  // A trace may have begun in between, and not have seen this one.
  collector->tracer.attach(&traced_, true);
}

void safepoint_slow(const char* where) { current_mutator()->answer_slow(where); }

GREYHOUND_NOINLINE void Mutator::answer_slow(const char* where) {
  if (tls_mutator != this) not_current("comes to a safepoint");
  check_stack();
  last_safepoint_.store(where, std::memory_order_relaxed);
  while (true) {
    const Handshake handshake = request.load(std::memory_order_acquire);
    if (handshake == Handshake::kNone) return;
    stacks().stop_here();  // this frame stays until the answer is given
    if (handshake == Handshake::kPark) {
      park();
    } else {
      acknowledge(handshake);
    }
  }
}

void Mutator::park() {
  trace_blocked(EventShape::kBegin, "held");
  state_.store(MutatorState::kClaimed, std::memory_order_seq_cst);
  // Nobody releases it when nobody heard of it.
  if (!acknowledge(Handshake::kPark)) release_claim();
  take_from_blocked();
}

GREYHOUND_NOINLINE void enter_blocking(Mutator* mutator, const char* where) {
  if (tls_attached != mutator) mutator->not_current("enters a blocking region");
  if (mutator->blocking_depth_ != 0) {
    ++mutator->blocking_depth_;
    return;
  }
  mutator->check_stack();
  mutator->blocking_depth_ = 1;
  // This frame is gone while the thread is blocked; what it holds of the caller's registers is not.
  mutator->stacks().stop_above(stack_pointer(),
                               reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
  tls_mutator = &no_mutator;
  mutator->publish_blocked(where);
}

void Mutator::publish_blocked(const char* where) {
  trace_blocked(EventShape::kBegin, where);
  last_safepoint_.store(where, std::memory_order_relaxed);
  state_.store(MutatorState::kBlocked, std::memory_order_seq_cst);
  // A handshake raised before that store, or while we hold our own claim, may be waiting for us
  // asleep: nobody else would claim us. So look again after every answer (tests/model/blocked.pml).
  while (request.load(std::memory_order_seq_cst) != Handshake::kNone && !hold_answers_) {
    MutatorState expected = MutatorState::kBlocked;
    if (!state_.compare_exchange_strong(expected, MutatorState::kClaimed,
                                        std::memory_order_seq_cst))
      return;
    const Handshake pending = request.load(std::memory_order_acquire);
    const bool answered = pending != Handshake::kNone && acknowledge(pending);
    if (answered && pending == Handshake::kPark) return;  // a parked world releases us itself
    release_claim();
  }
}

void leave_blocking(Mutator* mutator) {
  if (mutator->blocking_depth_ == 0) mutator->not_current("leaves a blocking region");
  if (--mutator->blocking_depth_ != 0) return;
  if (tls_attached != mutator) mutator->not_current("leaves a blocking region");
  mutator->take_from_blocked();
  tls_mutator = mutator;
  mutator->stacks().go_on();
  mutator->safepoint("leaving blocking");
}

void Mutator::after_longjmp(unsigned depth) {
  if (tls_attached != this) not_current("is to leave the regions that a longjmp left");
  if (blocking_depth_ <= depth) return;
  blocking_depth_ = depth + 1;
  leave_blocking(this);
}

NoCancellation::NoCancellation() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
NoCancellation::~NoCancellation() { pthread_setcancelstate(before_, nullptr); }

void Mutator::take_from_blocked() {
  uint64_t start = 0;
  while (true) {
    MutatorState expected = MutatorState::kBlocked;
    if (state_.compare_exchange_strong(expected, MutatorState::kRunning, std::memory_order_seq_cst))
      break;
    if (start == 0) start = monotonic_ns();
    // Says that a wake is wanted, so that releasing a claim nobody waits for costs no system call.
    expected = MutatorState::kClaimed;
    if (state_.compare_exchange_strong(expected, MutatorState::kClaimedAwaited,
                                       std::memory_order_seq_cst) ||
        expected == MutatorState::kClaimedAwaited) {
      futex_wait(state_, MutatorState::kClaimedAwaited);
    }
  }
  runs_.store(runs_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  trace_blocked(EventShape::kEnd, nullptr);
  if (start == 0) return;
  const uint64_t held = monotonic_ns() - start;
  GREYHOUND_PROBE2(mutator__hold, name().c_str(), held);
  gc_->world.record_hold(held);
  gc_->waits.record("held", held);
}

bool Mutator::try_claim() {
  if (hold_answers_) return false;
  MutatorState expected = MutatorState::kBlocked;
  return state_.compare_exchange_strong(expected, MutatorState::kClaimed,
                                        std::memory_order_seq_cst);
}

void Mutator::release_claim() {
  const MutatorState was = state_.exchange(MutatorState::kBlocked, std::memory_order_seq_cst);
  if (was == MutatorState::kClaimedAwaited) futex_wake_all(state_);
}

void Mutator::raise(Handshake handshake, uint64_t now) {
  raised_at_ns_ = now;
  request.store(handshake, std::memory_order_seq_cst);
}

bool Mutator::acknowledge(Handshake handshake) {
  const bool own_time = state_.load(std::memory_order_relaxed) == MutatorState::kRunning;
  const bool traced = tracing();
  const uint64_t start = own_time || traced ? monotonic_ns() : 0;
  const Inside was_inside = inside();
  if (own_time) set_inside(Inside::kAnswer);
  switch (handshake) {
    case Handshake::kBarrierOn:
      roots_scanned_ = false;
      set_shading(!barrier_broken_);
      break;
    case Handshake::kAllocBlack:
      mcache_.blacken();
      shades_.flush_counts();
      break;
    case Handshake::kScanRoots:
      shades_.donate();
      if (hybrid_ && roots_scanned_) break;
      roots_scanned_ = true;
      if (own_time) {
        sight_.stack_bytes_copied.store(stacks().stopped_bytes(), std::memory_order_relaxed);
      }
      if (own_time || !bug(Bug::kSkipBlockedAck)) roots_.collect();
      if (traced) trace_since(start, EventKind::kScanStack, roots_.words().size());
      break;
    case Handshake::kBarrierOff:
      set_shading(false);
      break;
    case Handshake::kAllocWhite:
      mcache_.whiten();
      shades_.donate();
      shades_.flush_counts();
      break;
    case Handshake::kPark:
    case Handshake::kNone:
      break;
  }
  const uint64_t raised = raised_at_ns_;
  if (own_time) set_inside(was_inside);
  Handshake asked = handshake;
  if (!request.compare_exchange_strong(asked, Handshake::kNone, std::memory_order_seq_cst))
    return false;
  const uint64_t took = start != 0 ? monotonic_ns() - start : 0;
  if (traced) {
    trace({.at_ns = start,
           .duration_ns = took,
           .kind = EventKind::kAcknowledge,
           .shape = EventShape::kWhole,
           .detail = static_cast<uint8_t>(handshake),
           .a = raised,
           .b = own_time ? 0u : 1u});
  }
  GREYHOUND_PROBE4(handshake__ack, name().c_str(), static_cast<uint32_t>(handshake),
                   start != 0 ? start + took - raised : 0, own_time ? took : 0);
  if (own_time) GREYHOUND_PROBE2(mutator__hold, name().c_str(), took);
  gc_->world.acknowledged(raised, own_time ? took : 0);
  return true;
}

void Mutator::shade_roots() {
  roots_.collect();
  const RootWords& words = roots_.words();
  for_each_root_object(gc_->heap, words.data(), roots_.ambiguous(),
                       [this](const FoundObject& object) { shades_.shade_object(object.base); });
  for (size_t i = roots_.ambiguous(); i < words.size(); ++i) shades_.shade(words[i], false);
  roots_.clear();
}

// --- tracing

bool Mutator::tracing() const { return gc_->tracer.on(); }

GREYHOUND_NOINLINE void Mutator::trace(Event event) const {
  event.cycle = gc_->started_cycles();
  TraceRecorder::note(traced_.ring, event);
}

GREYHOUND_NOINLINE void Mutator::trace_since(uint64_t start_ns, EventKind kind, uint64_t a,
                                             uint64_t b, const char* text) const {
  trace({.at_ns = start_ns,
         .duration_ns = monotonic_ns() - start_ns,
         .kind = kind,
         .shape = EventShape::kWhole,
         .text = text,
         .a = a,
         .b = b});
}

void Mutator::trace_blocked(EventShape shape, const char* where) const {
  if (!tracing()) [[likely]]
    return;
  trace({.at_ns = monotonic_ns(), .kind = EventKind::kBlocked, .shape = shape, .text = where});
}

}  // namespace greyhound::gc
