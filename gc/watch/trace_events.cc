// SPDX-License-Identifier: MIT
#include "gc/watch/trace_events.h"

#include <time.h>

#include <algorithm>
#include <utility>

#include "gc/memory/os_memory.h"
#include "gc/watch/stats.h"

namespace greyhound::gc {
namespace {

constexpr size_t kLeastEvents = 16;
constexpr size_t kMostEvents = size_t{1} << 20;

}  // namespace

struct TraceRecorder::Track {
  Track(TrackRole track_role, size_t capacity)
      : role(track_role),
        words(static_cast<uint64_t*>(
            try_metadata_alloc(capacity * EventRing::kWords * sizeof(uint64_t)))),
        ring(words, capacity) {}
  ~Track() {
    if (words != nullptr) metadata_free(words);
  }
  Track(const Track&) = delete;
  Track& operator=(const Track&) = delete;

  const TrackRole role;
  uint64_t* const words;  // null: there is no memory for it
  EventRing ring;
  uint32_t id = 0;
  std::string name;
  std::atomic<EventRing*>* user = nullptr;  // where the writer finds the ring; null: detached
  uint64_t first = 0;                       // events before this one are of earlier traces
  uint64_t ended_ns = UINT64_MAX;           // when the writer detached
};

namespace {

// Pairs what one thread noted into spans. A span whose beginning was overwritten or came before
// the trace begins with it; one that has not ended yet ends with it.
class Pairing {
 public:
  Pairing(uint64_t from_ns, uint64_t until_ns) : from_ns_(from_ns), until_ns_(until_ns) {}

  void take(const Event& event) {
    switch (event.shape) {
      case EventShape::kBegin:
        open_.push_back(spans_.size());
        add(event, event.at_ns, until_ns_).unfinished = true;
        break;
      case EventShape::kEnd:
        end(event);
        break;
      case EventShape::kWhole:
        for (size_t i : headless_) {
          if (spans_[i].end_ns > since_start(event.at_ns))  // so it is inside
            spans_[i].start_ns = std::max(spans_[i].start_ns, since_start(event.at_ns));
        }
        add(event, event.at_ns, event.at_ns + event.duration_ns);
        break;
      case EventShape::kInstant:
      case EventShape::kCounter:
        add(event, event.at_ns, event.at_ns).shape = event.shape;
        break;
    }
  }

  std::vector<TraceSpan> spans() && {
    std::ranges::stable_sort(spans_, [](const TraceSpan& x, const TraceSpan& y) {
      return x.start_ns != y.start_ns ? x.start_ns < y.start_ns : x.end_ns > y.end_ns;
    });
    return std::move(spans_);
  }

 private:
  uint64_t since_start(uint64_t at_ns) const {
    return std::clamp(at_ns, from_ns_, until_ns_) - from_ns_;
  }

  TraceSpan& add(const Event& event, uint64_t start_ns, uint64_t end_ns) {
    TraceSpan& span = spans_.emplace_back();
    span.start_ns = since_start(start_ns);
    span.end_ns = since_start(end_ns);
    span.cycle = event.cycle;
    span.kind = event.kind;
    span.detail = event.detail;
    span.begun_before = start_ns < from_ns_;
    if (event.text != nullptr) span.text = event.text;
    const bool requested = event.kind == EventKind::kAcknowledge || event.kind == EventKind::kPhase;
    span.a = requested ? since_start(event.a) : event.a;
    span.b = event.b;
    return span;
  }

  void end(const Event& event) {
    if (open_.empty()) {
      headless_.push_back(spans_.size());
      add(event, 0, event.at_ns);
      return;
    }
    TraceSpan& span = spans_[open_.back()];
    open_.pop_back();
    span.unfinished = false;
    span.end_ns = since_start(event.at_ns);
    const bool requested = event.kind == EventKind::kPhase;
    span.a = requested ? since_start(event.a) : event.a;
    span.b = event.b;
    if (event.kind == EventKind::kCycle) span.detail = event.detail;
  }

  const uint64_t from_ns_;
  const uint64_t until_ns_;
  std::vector<TraceSpan> spans_;
  std::vector<size_t> open_;      // spans begun and not ended, by index
  std::vector<size_t> headless_;  // spans of which only the end is known
};

// 0 when the system does not tell.
int64_t unix_ns() {
  uint64_t now = 0;
  read_clock(CLOCK_REALTIME, &now);
  return static_cast<int64_t>(now);
}

}  // namespace

TraceRecorder::TraceRecorder(ForEachThread mutators) : mutators_(std::move(mutators)) {}
TraceRecorder::~TraceRecorder() = default;

// Null when there is no memory for its ring.
std::unique_ptr<TraceRecorder::Track> TraceRecorder::make_track(TrackRole role, std::string name) {
  auto track = std::make_unique<Track>(role, options_.events_per_thread);
  if (track->words == nullptr) return nullptr;
  track->id = next_id_++;
  track->name = std::move(name);
  return track;
}

// From now on the writer finds its ring.
void TraceRecorder::keep(std::unique_ptr<Track> track) {
  track->user->store(&track->ring, std::memory_order_release);
  tracks_.push_back(std::move(track));
}

bool TraceRecorder::start(const TraceOptions& options, size_t workers) {
  std::lock_guard lock(mutex_);
  if (on()) return false;
  options_ = options;
  options_.events_per_thread = std::clamp(options.events_per_thread, kLeastEvents, kMostEvents);
  for (const auto& track : tracks_) track->first = track->ring.count();
  uint64_t unringed = 0;
  const auto add = [&](TrackRole role, std::string name, std::atomic<EventRing*>* user) {
    if (user->load(std::memory_order_relaxed) != nullptr) return;
    auto track = make_track(role, std::move(name));
    if (track == nullptr) {
      ++unringed;
      return;
    }
    track->user = user;
    keep(std::move(track));
  };
  add(TrackRole::kCoordinator, "coordinator", &driver_);
  for (size_t i = 0; i < std::min(workers, kMostWorkers); ++i) {
    add(TrackRole::kWorker, "mark worker " + std::to_string(i + 1), &workers_[i]);
  }
  attaching_.store(true, std::memory_order_relaxed);
  give_tracks_to_mutators();
  untraced_ += unringed;
  started_unix_ns_ = unix_ns();
  started_ns_ = monotonic_ns();
  on_.store(true, std::memory_order_relaxed);
  return true;
}

// Rings are made outside the list's lock, which a handshake may be waiting for.
void TraceRecorder::give_tracks_to_mutators() {
  std::vector<std::unique_ptr<Track>> spare;
  for (bool again = true; again;) {
    untraced_ = 0;
    mutators_([&](TracedThread* mutator) {
      if (mutator->ring.load(std::memory_order_relaxed) != nullptr) return;
      if (spare.empty()) {
        ++untraced_;
        return;
      }
      spare.back()->name = mutator->name;
      spare.back()->user = &mutator->ring;
      keep(std::move(spare.back()));
      spare.pop_back();
    });
    const size_t room = kMostMutators - std::min(kMostMutators, tracks_.size());
    again = untraced_ != 0 && room != 0;
    for (size_t i = 0; again && i < std::min<size_t>(untraced_, room); ++i) {
      spare.push_back(make_track(TrackRole::kMutator, {}));
      if (spare.back() == nullptr) {
        spare.pop_back();
        again = !spare.empty();
        break;
      }
    }
  }
}

void TraceRecorder::attach(TracedThread* mutator, bool listed) {
  if (!attaching_.load(std::memory_order_relaxed)) return;
  std::lock_guard lock(mutex_);
  if (!attaching_.load(std::memory_order_relaxed) ||
      mutator->ring.load(std::memory_order_relaxed) != nullptr)
    return;
  auto track =
      tracks_.size() < kMostMutators ? make_track(TrackRole::kMutator, mutator->name) : nullptr;
  if (track == nullptr) {
    untraced_ += listed ? 1 : 0;
    return;
  }
  track->user = &mutator->ring;
  // It is attached blocked, and leaves that when it is bound to a thread.
  track->ring.push({.at_ns = monotonic_ns(),
                    .kind = EventKind::kBlocked,
                    .shape = EventShape::kBegin,
                    .text = "attach"});
  keep(std::move(track));
}

void TraceRecorder::detach(TracedThread* mutator) {
  EventRing* ring = mutator->ring.load(std::memory_order_acquire);
  if (ring == nullptr) return;
  std::lock_guard lock(mutex_);
  const auto track = std::ranges::find_if(
      tracks_, [&](const auto& candidate) { return &candidate->ring == ring; });
  (*track)->user = nullptr;
  (*track)->ended_ns = monotonic_ns();
  if (!on()) tracks_.erase(track);
}

void TraceRecorder::end_in_child() {
  std::lock_guard lock(mutex_);
  on_.store(false, std::memory_order_relaxed);
  attaching_.store(false, std::memory_order_relaxed);
  std::erase_if(tracks_, [](const auto& track) { return track->user == nullptr; });
}

Trace TraceRecorder::stop() {
  std::lock_guard lock(mutex_);
  Trace trace;
  if (!on()) return trace;
  on_.store(false, std::memory_order_relaxed);
  attaching_.store(false, std::memory_order_relaxed);
  const uint64_t now = monotonic_ns();
  trace.started_ns = started_ns_;
  trace.duration_ns = now - started_ns_;
  trace.started_unix_ns = started_unix_ns_;
  trace.untraced_threads = untraced_;
  for (const auto& track : tracks_) {
    const uint64_t count = track->ring.count();
    const uint64_t kept = track->ring.capacity() - 1;
    const uint64_t first = std::max(track->first, count > kept ? count - kept : 0);
    Pairing pairing(started_ns_, std::min(now, track->ended_ns));
    uint64_t lost = first - track->first;
    Event event;
    for (uint64_t i = first; i < count; ++i) {
      if (track->ring.read(i, &event)) {
        pairing.take(event);
      } else {
        ++lost;
      }
    }
    trace.tracks.push_back({track->id, track->role, track->name, lost, std::move(pairing).spans()});
  }
  std::erase_if(tracks_, [](const auto& track) { return track->user == nullptr; });
  return trace;
}

}  // namespace greyhound::gc
