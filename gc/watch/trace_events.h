// SPDX-License-Identifier: MIT
// Trace events: what each thread did for the collector, and when. Off until start(); then every
// thread notes into a ring of its own (event_ring.h), and stop() returns what the rings hold, spans
// paired, as values. runtime/watch/trace/ makes Chrome's trace-event JSON of it.
//
//   coordinator   cycle ▸ H1, H2, mark ▸ round ▸ drain, H3; H4, H5, sweep; heap and goal
//   workers       gcDrain
//   mutators      acknowledgements, stack scans, assists, waits, blocked regions, sweeps for a
//                 refill, map growth, finalizers
//
// The recorder is no part of the protocol: it takes no lock where events are noted, allocates
// nothing there, and orders nothing that was not ordered before. A mutator's ring belongs to
// whoever owns the mutator (mutator.h), so the collector's answers for a blocked one are in that
// one's ring. Off, it costs a relaxed load where a slow path begins.
//
// A full ring overwrites its oldest events, and the trace says how many. Rings stay with their
// threads until these detach, for the next start().
//
// Thread rules: on() and the note functions as said there; everything else from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gc/watch/event_ring.h"

namespace greyhound::gc {

struct TraceOptions {
  // 48 B each; from 16 to a million. A thread that was traced before keeps the ring it has.
  size_t events_per_thread = 16384;
};

// A span (start < end, or a short one with both alike), an instant or a counter, in nanoseconds
// since the trace's start.
struct TraceSpan {
  uint64_t start_ns = 0;
  uint64_t end_ns = 0;
  uint64_t cycle = 0;
  EventKind kind{};
  EventShape shape = EventShape::kWhole;  // kWhole, kInstant or kCounter
  uint8_t detail = 0;
  bool begun_before = false;  // its start was not recorded: it is that of the trace
  bool unfinished = false;    // its end was not: it is that of the trace
  std::string text;
  uint64_t a = 0;  // as said at EventKind; points in time are nanoseconds since the trace's start
  uint64_t b = 0;
};

enum class TrackRole : uint8_t { kCoordinator, kWorker, kMutator };

struct TraceTrack {
  uint32_t id = 0;  // unique in its trace
  TrackRole role{};
  std::string name;
  uint64_t overwritten = 0;  // events lost since the trace began
  // By start; of two that begin together the outer comes first. Spans of a track nest.
  std::vector<TraceSpan> spans;
};

struct Trace {
  uint64_t started_ns = 0;  // monotonic clock
  uint64_t duration_ns = 0;
  int64_t started_unix_ns = 0;
  // Those beyond the first kMostMutators, detached ones included, and those for whose events there
  // was no memory.
  uint64_t untraced_threads = 0;
  std::vector<TraceTrack> tracks;
};

// A mutator, as the recorder sees it.
struct TracedThread {
  std::string name;
  std::atomic<EventRing*> ring{nullptr};  // the recorder's; null until there was a trace
};

class TraceRecorder {
 public:
  using Visit = std::function<void(TracedThread*)>;
  // Calls its argument for every mutator that is listed.
  using ForEachThread = std::function<void(const Visit&)>;

  static constexpr size_t kMostMutators = 1024;
  static constexpr size_t kMostWorkers = 64;

  explicit TraceRecorder(ForEachThread mutators);
  ~TraceRecorder();
  TraceRecorder(const TraceRecorder&) = delete;
  TraceRecorder& operator=(const TraceRecorder&) = delete;

  // False when it is on already. `workers`: marking threads beside the coordinator.
  bool start(const TraceOptions& options, size_t workers);
  // What was noted since start(); an empty trace when it was not on.
  Trace stop();
  // Relaxed: a thread that sees a change late notes a little more or less.
  bool on() const { return on_.load(std::memory_order_relaxed); }

  // By whoever advances the cycle.
  void note_driver(const Event& event) { note(driver_, event); }
  // By that worker.
  void note_worker(size_t index, const Event& event) { note(workers_[index], event); }
  // By the owner of the ring; without effect while there is none.
  static void note(const std::atomic<EventRing*>& ring, const Event& event) {
    if (EventRing* to = ring.load(std::memory_order_acquire); to != nullptr) to->push(event);
  }

  // In a forked child: the trace is the parent's.
  void end_in_child();

  // By the constructor of a mutator, before it is `listed` and again when it is.
  void attach(TracedThread* mutator, bool listed);
  // By its destructor, when it is no longer.
  void detach(TracedThread* mutator);

 private:
  friend class CollectorFork;
  struct Track;

  std::unique_ptr<Track> make_track(TrackRole role, std::string name);
  void keep(std::unique_ptr<Track> track);
  void give_tracks_to_mutators();

  const ForEachThread mutators_;
  std::atomic<bool> on_{false};
  // Mutators that attach get a ring. Set before those that are attached get theirs, and seen by
  // whoever is listed later than that: the list's lock is between.
  std::atomic<bool> attaching_{false};
  std::atomic<EventRing*> driver_{nullptr};
  std::atomic<EventRing*> workers_[kMostWorkers] = {};

  std::mutex mutex_;  // of everything below; taken before that of the mutators' list
  TraceOptions options_;
  uint64_t started_ns_ = 0;
  int64_t started_unix_ns_ = 0;
  uint64_t untraced_ = 0;
  uint32_t next_id_ = 1;
  std::vector<std::unique_ptr<Track>> tracks_;
};

}  // namespace greyhound::gc
