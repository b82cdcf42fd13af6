// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/heap_profile.h"

#include <chrono>
#include <cmath>

#include "runtime/watch/pprof/hide_runtime.h"
#include "runtime/watch/pprof/location_table.h"

namespace greyhound::pprof {
namespace {

int64_t rounded(double value) { return static_cast<int64_t>(std::llround(value)); }

class Builder {
 public:
  Builder(uint64_t rate, const HeapProfileOptions& options) : rate_(rate), options_(options) {
    profile_.sample_types = {{"alloc_objects", "count"},
                             {"alloc_space", "bytes"},
                             {"inuse_objects", "count"},
                             {"inuse_space", "bytes"}};
    profile_.default_sample_type = "inuse_space";
    profile_.period_type = {"space", "bytes"};
    profile_.period = static_cast<int64_t>(rate);
    profile_.time_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  }

  void add(const gc::MemRecord& record) {
    Sample sample;
    for (const uintptr_t address : record.stack)
      sample.locations.push_back(locations_.call_before(address));
    const double size = static_cast<double>(record.size);
    const double allocs = gc::unsampled(record.allocs, record.size, rate_);
    const double live = gc::unsampled(record.allocs - record.frees, record.size, rate_);
    sample.values = {rounded(allocs), rounded(allocs * size), rounded(live), rounded(live * size)};
    sample.labels = record.labels;
    if (record.type != nullptr) sample.labels.emplace_back("type", record.type->name);
    sample.numbers.push_back({"bytes", static_cast<int64_t>(record.size), "bytes"});
    profile_.samples.push_back(std::move(sample));
  }

  Profile take() {
    profile_.locations = locations_.take();
    if (options_.hide_runtime) hide_runtime(&profile_);
    return std::move(profile_);
  }

 private:
  const uint64_t rate_;
  const HeapProfileOptions options_;
  LocationTable locations_;
  Profile profile_;
};

}  // namespace

void name_type(gc::MemRecord* record) {
  if (record->type != nullptr) record->labels.emplace_back("type", record->type->name);
  record->type = nullptr;
}

Profile heap_profile(const std::vector<gc::MemRecord>& records, uint64_t rate,
                     const HeapProfileOptions& options) {
  Builder builder(rate, options);
  for (const gc::MemRecord& record : records) builder.add(record);
  return builder.take();
}

}  // namespace greyhound::pprof
