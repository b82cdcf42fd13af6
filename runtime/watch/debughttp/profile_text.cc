// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/profile_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "runtime/watch/pprof/symbolizer.h"

namespace greyhound::serve {
namespace {

using pprof::Frame;
using pprof::Location;
using pprof::Profile;
using pprof::Sample;

struct Totals {
  uint64_t objects = 0, bytes = 0, live_objects = 0, live_bytes = 0;
  void add(const gc::MemRecord& record) {
    objects += record.allocs;
    bytes += record.allocs * record.size;
    live_objects += record.allocs - record.frees;
    live_bytes += (record.allocs - record.frees) * record.size;
  }
  std::string to_string() const {
    return fmt::format("{}: {} [{}: {}]", live_objects, live_bytes, objects, bytes);
  }
};

void add_frames(const Location& location, std::string* text) {
  for (const Frame& frame : location.frames) {
    fmt::format_to(std::back_inserter(*text), "#\t{:#x}\t{}", location.address, frame.name);
    if (!frame.file.empty())
      fmt::format_to(std::back_inserter(*text), "\t{}:{}", frame.file, frame.line);
    *text += '\n';
  }
}

void add_stack(const Profile& profile, const Sample& sample, std::string* text) {
  *text += " @";
  for (const size_t at : sample.locations)
    fmt::format_to(std::back_inserter(*text), " {:#x}", profile.locations[at].address);
  *text += '\n';
  for (const auto& [key, value] : sample.labels)
    fmt::format_to(std::back_inserter(*text), "# label {}: {}\n", key, value);
  for (const size_t at : sample.locations) add_frames(profile.locations[at], text);
  *text += '\n';
}

void add_record(const gc::MemRecord& record, pprof::Symbolizer* symbolizer, std::string* text) {
  Totals totals;
  totals.add(record);
  *text += totals.to_string() + " @";
  for (const uintptr_t address : record.stack)
    fmt::format_to(std::back_inserter(*text), " {:#x}", address);
  *text += '\n';
  for (const uintptr_t address : record.stack) add_frames(symbolizer->call_before(address), text);
  *text += '\n';
}

std::vector<const Sample*> greatest_first(const Profile& profile) {
  std::vector<const Sample*> samples;
  for (const Sample& sample : profile.samples) samples.push_back(&sample);
  std::ranges::stable_sort(samples, [](const Sample* a, const Sample* b) {
    return a->values.back() > b->values.back();
  });
  return samples;
}

}  // namespace

std::string heap_text(const HeapSamples& samples, const Snapshot& snapshot) {
  Totals totals;
  std::vector<gc::MemRecord> records;
  for (const auto& [rate, of_rate] : samples) {
    for (const gc::MemRecord& record : of_rate) {
      totals.add(record);
      records.push_back(record);
    }
  }
  std::ranges::stable_sort(records, [](const gc::MemRecord& a, const gc::MemRecord& b) {
    return (a.allocs - a.frees) * a.size > (b.allocs - b.frees) * b.size;
  });
  // Twice the rate, as Go writes it: pprof's reader of this format halves it.
  const uint64_t rate = samples.empty() ? 0 : samples.begin()->first;
  std::string text = fmt::format("heap profile: {} @ heap/{}\n", totals.to_string(), 2 * rate);
  pprof::Symbolizer symbolizer;
  for (const gc::MemRecord& record : records) add_record(record, &symbolizer, &text);
  const gc::GcStats& stats = snapshot.stats;
  text += fmt::format(
      "\n# runtime.MemStats\n# Alloc = {}\n# TotalAlloc = {}\n# Mallocs = {}\n# HeapAlloc = {}\n"
      "# HeapInuse = {}\n# HeapSys = {}\n# NextGC = {}\n# NumGC = {}\n# NumForcedGC = {}\n",
      stats.heap_live, stats.alloc_bytes, stats.mallocs, stats.heap_live, stats.heap_pages_bytes,
      stats.heap_resident_bytes, stats.heap_goal, stats.cycles, stats.forced_cycles);
  return text;
}

std::string count_text(const std::string& name, const Profile& profile) {
  int64_t total = 0;
  for (const Sample& sample : profile.samples) total += sample.values[0];
  std::string text = fmt::format("{} profile: total {}\n", name, total);
  for (const Sample* sample : greatest_first(profile)) {
    text += fmt::format("{}", sample->values[0]);
    add_stack(profile, *sample, &text);
  }
  return text;
}

std::string contention_text(const std::string& name, const Profile& profile) {
  // Of times in nanoseconds, a "cycle" is one.
  std::string text =
      fmt::format("--- {}:\ncycles/second=1000000000\n", name == "block" ? "contention" : name);
  for (const Sample* sample : greatest_first(profile)) {
    text += fmt::format("{} {}", sample->values[1], sample->values[0]);
    add_stack(profile, *sample, &text);
  }
  return text;
}

std::string mutators_text(const std::vector<MutatorLine>& mutators) {
  std::string text;
  for (size_t i = 0; i < mutators.size(); ++i) {
    text += fmt::format("mutator {} [{}]:\n\tname: {}\n\tlast safepoint: {}\n\n", i + 1,
                        mutators[i].state, mutators[i].name, mutators[i].last_safepoint);
  }
  return text;
}

}  // namespace greyhound::serve
