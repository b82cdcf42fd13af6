// SPDX-License-Identifier: MIT
// A ring of fixed-size events: the last so many that one thread noted, the oldest overwritten.
//
// Reading while it is written: a writer stores an event's words with release before it raises the
// count, so a reader that got a word of event n sees a count of at least n, and drops event
// n - capacity, whose slot that was. What it keeps is whole.
//
// Thread rules: push() by one thread at a time (what hands the ring from one to the next orders
// them); everything else from any thread, a signal handler included.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace greyhound::gc {

// What an event is about; what `detail`, `a` and `b` say of it. Spans come as a beginning and an
// end, or, when they are short, as one event pushed at their end.
enum class EventKind : uint8_t {
  // By the collector's driver.
  kCycle,         // at its end a: bytes marked, b: rounds; detail: forced
  kPhase,         // detail: Phase; at the end of a handshake's, a: requested at, b: mutators asked
  kMark,          // from the first round to quiet
  kRound,         // a: its number
  kResolveRoots,  // a: root words that H3 collected
  kHoldWorld,     // the wait until every mutator is held; a: mutators
  kHeap,          // counter; a: live bytes, b: goal, UINT64_MAX when there is none
  // By workers.
  kDrain,
  // By mutators.
  kAcknowledge,  // detail: Handshake; a: requested at; b: 1 when it was blocked
  kScanStack,    // a: root words copied
  kAssist,       // a: marking work paid for (MarkCounts::work)
  kWaitForCycle,
  kBlocked,   // text: where
  kSweep,     // of 5 us and more, for a span to allocate from; a: slot size
  kMapGrow,   // text: map type; a: buckets before, b: after
  kMapGrown,  // instant: the last old bucket is evacuated; text, a: old buckets
  kFinalizer,
  kCleanup,
};

enum class EventShape : uint8_t { kBegin, kEnd, kWhole, kInstant, kCounter };

struct Event {
  uint64_t at_ns = 0;        // monotonic clock; of a whole span, its start
  uint64_t duration_ns = 0;  // of a whole span
  uint64_t cycle = 0;        // cycles begun at that time; 48 bits are kept
  EventKind kind{};
  EventShape shape = EventShape::kInstant;
  uint8_t detail = 0;
  const char* text = nullptr;  // must stay valid as long as the runtime
  uint64_t a = 0;
  uint64_t b = 0;
};

class EventRing {
 public:
  static constexpr size_t kWords = 6;  // of an event

  // `words`: room for `capacity` events, which outlives the ring.
  EventRing(uint64_t* words, size_t capacity) : words_(words), capacity_(capacity) {}
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  void push(const Event& event);
  // Ever pushed.
  uint64_t count() const { return count_.load(std::memory_order_acquire); }
  size_t capacity() const { return capacity_; }
  // Event `index` (0: the first ever pushed); false when it is overwritten or not there yet.
  bool read(uint64_t index, Event* event) const;

 private:
  uint64_t* const words_;
  const size_t capacity_;
  std::atomic<uint64_t> count_{0};
};

}  // namespace greyhound::gc
