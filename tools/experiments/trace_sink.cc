// SPDX-License-Identifier: MIT
#include "tools/experiments/trace_sink.h"

#include <utility>

#include "runtime/base/profile_labels.h"

namespace greyhound::trace {
namespace {

// "X1, write any 1000+": the values of the labels, the outermost first.
std::string labelled_name() {
  std::string name;
  for (const ProfileLabels* label = ProfileLabels::current(); label != nullptr;
       label = label->outer()) {
    name = name.empty() ? label->value() : label->value() + ", " + name;
  }
  return name.empty() ? "greyhound" : name;
}

}  // namespace

bool TraceSink::wants_another() {
  if (events_ < kMostEvents) return true;
  ++left_out_;
  return false;
}

void TraceSink::take(NamedTrace trace) {
  for (const gc::TraceTrack& track : trace.trace.tracks) events_ += track.spans.size();
  traces_.push_back(std::move(trace));
}

TracedScope::TracedScope(runtime::Runtime& runtime) {
  if (TraceSink* sink = TraceSink::current(); sink == nullptr || !sink->wants_another()) return;
  name_ = labelled_name();
  if (runtime.trace_start()) runtime_ = &runtime;
}

TracedScope::~TracedScope() {
  if (runtime_ == nullptr) return;
  gc::Trace trace = runtime_->trace_stop();
  if (TraceSink* sink = TraceSink::current(); sink != nullptr)
    sink->take({std::move(name_), std::move(trace)});
}

}  // namespace greyhound::trace
