// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/profile_files.h"

#include <algorithm>

#include "runtime/watch/pprof/cpu_profile.h"
#include "runtime/watch/pprof/gc_profile.h"
#include "runtime/watch/pprof/heap_profile.h"
#include "runtime/watch/pprof/profile.h"
#include "runtime/watch/pprof/wait_profile.h"

namespace greyhound::pprof {
namespace {

constexpr uint64_t kUsualHeapRate = 512 << 10;
// The runtime waits seldom enough for every wait to be recorded.
constexpr uint64_t kWaitRate = 1;
constexpr const char* kSides[] = {"before", "after"};

uint64_t rate_of_environment() {
  runtime::Options options;
  runtime::apply_environment(&options);
  return options.mem_profile_rate;
}

template <class Record>
void append(std::vector<Record> from, std::vector<Record>* to) {
  for (Record& record : from) to->push_back(std::move(record));
}

// "heap.pb.gz" and "before": "heap.before.pb.gz".
std::string side_name(const std::string& path, const std::string& side) {
  const size_t folder = path.find_last_of('/') + 1;  // 0 without one
  const size_t dot = path.find('.', folder);
  if (dot == std::string::npos) return path + "." + side;
  return path.substr(0, dot) + "." + side + path.substr(dot);
}

std::vector<gc::MemRecord> of_side(const std::vector<gc::MemRecord>& records,
                                   const std::string& side) {
  const std::pair<std::string, std::string> label("side", side);
  std::vector<gc::MemRecord> found;
  for (const gc::MemRecord& record : records) {
    if (std::ranges::find(record.labels, label) != record.labels.end()) found.push_back(record);
  }
  return found;
}

}  // namespace

std::vector<OutputFile> output_files(const ProfileNames& names) {
  return {{"--heapprofile", names.heap},
          {"--cpuprofile", names.cpu},
          {"--gcprofile", names.gc},
          {"--blockprofile", names.block}};
}

std::vector<OutputFile> heap_side_files(const std::string& path) {
  std::vector<OutputFile> files;
  for (const char* side : kSides) files.push_back({"--heapprofile", side_name(path, side)});
  return files;
}

void write_heap_sides(const std::vector<gc::MemRecord>& records, uint64_t rate,
                      const HeapProfileOptions& options, const std::string& path) {
  for (const char* side : kSides) {
    const std::vector<gc::MemRecord> chosen = of_side(records, side);
    if (!chosen.empty()) write_file(heap_profile(chosen, rate, options), side_name(path, side));
  }
}

ProfileFiles::ProfileFiles(ProfileNames names) : names_(std::move(names)) {
  check_outputs(output_files(names_));
  if (!names_.heap.empty() || !names_.gc.empty()) {
    heap_rate_ = rate_of_environment();
    if (heap_rate_ == 0) heap_rate_ = names_.heap_rate;
    if (heap_rate_ == 0) heap_rate_ = kUsualHeapRate;
  }
  if (!names_.cpu.empty() || !names_.gc.empty()) cpu_ = std::make_unique<runtime::CpuProfiler>();
  current_ = this;
}

runtime::Options ProfileFiles::options(runtime::Options options) const {
  if (heap_rate_ != 0) options.mem_profile_rate = heap_rate_;
  return options;
}

void ProfileFiles::runtime_started(runtime::Runtime& runtime) {
  if (cpu_ != nullptr) cpu_->add(runtime);
  if (!names_.block.empty()) runtime.set_wait_profile_rate(kWaitRate);
}

void ProfileFiles::runtime_ending(runtime::Runtime& runtime) {
  for (gc::MemRecord& record : runtime.heap_profile()) {
    name_type(&record);
    records_.push_back(std::move(record));
  }
  const gc::MarkTimes uncharged = runtime.uncharged_marking();
  uncharged_.mark_ns += uncharged.mark_ns;
  uncharged_.assist_ns += uncharged.assist_ns;
  append(runtime.wait_profile(), &waits_);
}

void ProfileFiles::write() {
  runtime::CpuProfile cpu;
  if (cpu_ != nullptr) cpu = cpu_->stop();
  cpu_.reset();
  if (!names_.heap.empty()) {
    const HeapProfileOptions options{names_.hide_runtime};
    write_file(heap_profile(records_, heap_rate_, options), names_.heap);
    write_heap_sides(records_, heap_rate_, options, names_.heap);
  }
  if (!names_.cpu.empty()) write_file(cpu_profile(cpu, {names_.hide_runtime}), names_.cpu);
  if (!names_.gc.empty()) write_file(gc_profile(records_, uncharged_, cpu), names_.gc);
  if (!names_.block.empty()) write_file(wait_profile(waits_, kWaitRate), names_.block);
}

ProfiledRuntime::ProfiledRuntime(const runtime::Options& options)
    : Runtime(ProfileFiles::current() != nullptr ? ProfileFiles::current()->options(options)
                                                 : options) {
  if (ProfileFiles* files = ProfileFiles::current(); files != nullptr)
    files->runtime_started(*this);
}

ProfiledRuntime::~ProfiledRuntime() {
  if (ProfileFiles* files = ProfileFiles::current(); files != nullptr) files->runtime_ending(*this);
}

}  // namespace greyhound::pprof
