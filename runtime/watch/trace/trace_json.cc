// SPDX-License-Identifier: MIT
#include "runtime/watch/trace/trace_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gc/cycle/collector.h"

namespace greyhound::trace {
namespace {

using gc::EventKind;
using gc::EventShape;
using gc::Handshake;
using gc::Phase;
using gc::TraceSpan;
using gc::TraceTrack;
using gc::TrackRole;
using nlohmann::ordered_json;

double us(uint64_t ns) { return static_cast<double>(ns) / 1000; }

const char* handshake_label(Handshake handshake) {
  switch (handshake) {
    case Handshake::kBarrierOn:
      return "H1";
    case Handshake::kAllocBlack:
      return "H2";
    case Handshake::kScanRoots:
      return "H3";
    case Handshake::kBarrierOff:
      return "H4";
    case Handshake::kAllocWhite:
      return "H5";
    case Handshake::kPark:
      return "park";
    case Handshake::kNone:
      break;
  }
  return "none";
}

// The handshake that a phase consists of; kNone for one that is none.
Handshake handshake_of(Phase phase) {
  switch (phase) {
    case Phase::kBarrierOn:
      return Handshake::kBarrierOn;
    case Phase::kAllocBlack:
      return Handshake::kAllocBlack;
    case Phase::kScanRoots:
      return Handshake::kScanRoots;
    case Phase::kBarrierOff:
      return Handshake::kBarrierOff;
    case Phase::kAllocWhite:
      return Handshake::kAllocWhite;
    default:
      return Handshake::kNone;
  }
}

const char* category(const TraceSpan& span) {
  switch (span.kind) {
    case EventKind::kCycle:
    case EventKind::kHeap:
      return "gc";
    case EventKind::kPhase: {
      const auto phase = static_cast<Phase>(span.detail);
      if (handshake_of(phase) != Handshake::kNone) return "handshake";
      return phase == Phase::kSweep ? "sweep" : "mark";
    }
    case EventKind::kMark:
    case EventKind::kRound:
    case EventKind::kResolveRoots:
    case EventKind::kDrain:
      return "mark";
    case EventKind::kHoldWorld:
    case EventKind::kAcknowledge:
    case EventKind::kScanStack:
      return "handshake";
    case EventKind::kAssist:
    case EventKind::kWaitForCycle:
      return "assist";
    case EventKind::kBlocked:
      return "mutator";
    case EventKind::kSweep:
      return "sweep";
    case EventKind::kMapGrow:
    case EventKind::kMapGrown:
      return "map";
    case EventKind::kFinalizer:
    case EventKind::kCleanup:
      return "finalizer";
  }
  return "gc";
}

std::string name_of(const TraceSpan& span) {
  switch (span.kind) {
    case EventKind::kCycle:
      return "GC cycle";
    case EventKind::kPhase:
      return gc::phase_name(static_cast<Phase>(span.detail));
    case EventKind::kMark:
      return "mark";
    case EventKind::kRound:
      return "round";
    case EventKind::kResolveRoots:
      return "resolve root words";
    case EventKind::kHoldWorld:
      return "hold all mutators";
    case EventKind::kHeap:
      return "heap";
    case EventKind::kDrain:
      return "gcDrain";
    case EventKind::kAcknowledge:
      return std::string("answer ") + handshake_label(static_cast<Handshake>(span.detail));
    case EventKind::kScanStack:
      return "scan stack";
    case EventKind::kAssist:
      return "gcAssistAlloc";
    case EventKind::kWaitForCycle:
      return "wait for the collector";
    case EventKind::kBlocked:
      return span.text.empty() ? "blocked" : "blocked: " + span.text;
    case EventKind::kSweep:
      return "sweep for a refill";
    case EventKind::kMapGrow:
      return "hashGrow";
    case EventKind::kMapGrown:
      return "map evacuated";
    case EventKind::kFinalizer:
      return "finalizer";
    case EventKind::kCleanup:
      return "cleanup";
  }
  return "event";
}

void add_phase_args(const TraceSpan& span, uint64_t shift, ordered_json* args) {
  const Handshake handshake = handshake_of(static_cast<Phase>(span.detail));
  if (handshake == Handshake::kNone) return;
  (*args)["handshake"] = handshake_label(handshake);
  if (span.unfinished) return;  // what follows is noted at the end
  (*args)["requested_us"] = us(span.a + shift);
  (*args)["mutators"] = span.b;
}

ordered_json args_of(const TraceSpan& span, const TraceTrack& track, uint64_t shift) {
  ordered_json args = ordered_json::object();
  args["cycle"] = span.cycle;
  if (track.role == TrackRole::kMutator) args["mutator"] = track.id;
  const bool whole = !span.unfinished;
  switch (span.kind) {
    case EventKind::kCycle:
      if (!whole) break;
      args["forced"] = span.detail != 0;
      args["rounds"] = span.b;
      args["marked_bytes"] = span.a;
      break;
    case EventKind::kPhase:
      add_phase_args(span, shift, &args);
      break;
    case EventKind::kMark:
      if (whole) args["rounds"] = span.a;
      break;
    case EventKind::kRound:
      if (whole) args["round"] = span.a;
      break;
    case EventKind::kResolveRoots:
    case EventKind::kScanStack:
      args["words"] = span.a;
      break;
    case EventKind::kHoldWorld:
      args["mutators"] = span.a;
      break;
    case EventKind::kAcknowledge:
      args["handshake"] = handshake_label(static_cast<Handshake>(span.detail));
      args["requested_us"] = us(span.a + shift);
      args["time_to_answer_us"] = us(span.end_ns - std::min(span.end_ns, span.a));
      args["held_us"] = span.b == 0 ? us(span.end_ns - span.start_ns) : 0.0;
      args["answered_by"] = span.b == 0 ? "itself" : "the collector, while it was blocked";
      break;
    case EventKind::kAssist:
      args["work_paid"] = span.a;
      break;
    case EventKind::kSweep:
      args["slot_bytes"] = span.a;
      break;
    case EventKind::kMapGrow:
      args["map"] = span.text;
      args["buckets_before"] = span.a;
      args["buckets_after"] = span.b;
      break;
    case EventKind::kMapGrown:
      args["map"] = span.text;
      args["buckets"] = span.a;
      break;
    default:
      break;
  }
  if (span.begun_before) args["begun_before_the_trace"] = true;
  if (span.unfinished) args["unfinished"] = true;
  return args;
}

// Writes the array of events, one a line.
class Writer {
 public:
  explicit Writer(uint64_t first_ns) : first_ns_(first_ns) {}

  void process(unsigned pid, const NamedTrace& named) {
    name(pid, 0, "process_name", named.name);
    const uint64_t shift = named.trace.started_ns - first_ns_;
    for (const TraceTrack& track : named.trace.tracks) {
      name(pid, track.id, "thread_name", thread_name(track));
      sort_index(pid, track);
      for (const TraceSpan& span : track.spans) add(pid, track, span, shift);
    }
  }

  std::string finish(const ordered_json& other) && {
    text_ += "\n],\"displayTimeUnit\":\"ms\",\"otherData\":" + dump(other) + "}\n";
    return std::move(text_);
  }

 private:
  // Names of threads and types may be anything.
  static std::string dump(const ordered_json& value) {
    return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }
  static std::string thread_name(const TraceTrack& track) {
    if (track.role != TrackRole::kMutator) return track.name;
    return "mutator " + std::to_string(track.id) + ": " + track.name;
  }

  void line(const ordered_json& event) {
    text_ += first_ ? "\n" : ",\n";
    first_ = false;
    text_ += dump(event);
  }

  void name(unsigned pid, unsigned tid, const char* what, const std::string& value) {
    line({{"ph", "M"}, {"name", what}, {"pid", pid}, {"tid", tid}, {"args", {{"name", value}}}});
  }

  // The coordinator first, then workers, then mutators.
  void sort_index(unsigned pid, const TraceTrack& track) {
    const unsigned index = static_cast<unsigned>(track.role) * 1'000'000 + track.id;
    line({{"ph", "M"},
          {"name", "thread_sort_index"},
          {"pid", pid},
          {"tid", track.id},
          {"args", {{"sort_index", index}}}});
  }

  void add(unsigned pid, const TraceTrack& track, const TraceSpan& span, uint64_t shift) {
    ordered_json event;
    event["ph"] = span.shape == EventShape::kCounter   ? "C"
                  : span.shape == EventShape::kInstant ? "i"
                                                       : "X";
    event["cat"] = category(span);
    event["name"] = name_of(span);
    event["ts"] = us(span.start_ns + shift);
    if (span.shape == EventShape::kWhole) event["dur"] = us(span.end_ns - span.start_ns);
    event["pid"] = pid;
    event["tid"] = track.id;
    if (span.shape == EventShape::kInstant) event["s"] = "t";
    if (span.shape == EventShape::kCounter) {
      event["args"]["live_bytes"] = span.a;
      if (span.b != UINT64_MAX) event["args"]["goal_bytes"] = span.b;
    } else {
      event["args"] = args_of(span, track, shift);
    }
    line(event);
  }

  const uint64_t first_ns_;
  std::string text_ = "{\"traceEvents\":[";
  bool first_ = true;
};

}  // namespace

std::string to_json(const gc::Trace& trace) {
  const NamedTrace named{"greyhound", trace};
  return to_json(std::span(&named, 1));
}

std::string to_json(std::span<const NamedTrace> traces) {
  uint64_t first = UINT64_MAX;
  int64_t unix_ns = 0;
  for (const NamedTrace& named : traces) {
    if (named.trace.started_ns >= first) continue;
    first = named.trace.started_ns;
    unix_ns = named.trace.started_unix_ns;
  }
  Writer writer(first);
  uint64_t overwritten = 0, untraced = 0;
  for (size_t i = 0; i < traces.size(); ++i) {
    writer.process(static_cast<unsigned>(i + 1), traces[i]);
    untraced += traces[i].trace.untraced_threads;
    for (const TraceTrack& track : traces[i].trace.tracks) overwritten += track.overwritten;
  }
  return std::move(writer).finish({{"source", "greyhound " GREYHOUND_VERSION},
                                   {"started_unix_ns", unix_ns},
                                   {"overwritten_events", overwritten},
                                   {"untraced_threads", untraced}});
}

}  // namespace greyhound::trace
