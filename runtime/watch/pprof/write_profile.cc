// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/write_profile.h"

#include <cstdint>
#include <vector>

#include "gc/cycle/collector.h"
#include "runtime/watch/pprof/gc_profile.h"
#include "runtime/watch/pprof/wait_profile.h"

namespace greyhound::pprof {
namespace {

// Making a profile takes too long for an attached thread to answer nobody.
class Writing {
  const gc::BlockingScope blocking_{gc::current_mutator_or_null(), "writing a profile"};
};

uint64_t heap_rate(runtime::Runtime& runtime) {
  const uint64_t rate = runtime.collector().mem_profile.rate();
  if (rate != 0) return rate;
  throw runtime::ProfileError(
      "the runtime has no heap profile: make it with Options::mem_profile_rate, or run with "
      "GREYHOUND_DEBUG=memprofilerate=524288");
}

}  // namespace

void write_heap_profile(runtime::Runtime& runtime, const std::string& path,
                        const HeapProfileOptions& options) {
  const uint64_t rate = heap_rate(runtime);
  const std::vector<gc::MemRecord> records = runtime.heap_profile();
  const Writing writing;
  write_file(heap_profile(records, rate, options), path);
}

void write_cpu_profile(const runtime::CpuProfile& profile, const std::string& path,
                       const CpuProfileView& view) {
  const Writing writing;
  write_file(cpu_profile(profile, view), path);
}

void write_wait_profile(runtime::Runtime& runtime, const std::string& path) {
  const uint64_t rate = runtime.collector().waits.rate();
  if (rate == 0)
    throw runtime::ProfileError(
        "the runtime has no wait profile: call set_wait_profile_rate when you have made it");
  const std::vector<gc::WaitRecord> records = runtime.wait_profile();
  const Writing writing;
  write_file(wait_profile(records, rate), path);
}

void write_gc_profile(runtime::Runtime& runtime, const runtime::CpuProfile& cpu,
                      const std::string& path) {
  heap_rate(runtime);
  const std::vector<gc::MemRecord> records = runtime.heap_profile();
  const gc::MarkTimes uncharged = runtime.uncharged_marking();
  const Writing writing;
  write_file(gc_profile(records, uncharged, cpu), path);
}

}  // namespace greyhound::pprof
