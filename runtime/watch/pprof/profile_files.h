// SPDX-License-Identifier: MIT
// What a program's --heapprofile, --cpuprofile, --gcprofile and --blockprofile gather and write: of
// every runtime that was announced to it. The lab and the benchmark programs have one each.
//
// Thread rules: one of it at a time; runtimes are announced on one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gc/options.h"
#include "gc/watch/mprof.h"
#include "gc/watch/wait_profile.h"
#include "runtime/profile/cpu_profiler.h"
#include "runtime/runtime.h"
#include "runtime/watch/pprof/heap_profile.h"
#include "runtime/watch/pprof/whole_file.h"

namespace greyhound::pprof {

// Files; empty: not wanted.
struct ProfileNames {
  std::string heap;
  std::string cpu;
  std::string gc;     // gc_profile.h
  std::string block;  // wait_profile.h
  bool hide_runtime = false;
  // Bytes from sample to sample for the heap's; 0: as GREYHOUND_DEBUG=memprofilerate says, else 512
  // KiB.
  uint64_t heap_rate = 0;
  bool any() const { return !(heap.empty() && cpu.empty() && gc.empty() && block.empty()); }
};

std::vector<OutputFile> output_files(const ProfileNames& names);

class ProfileFiles {
 public:
  // Starts the CPU profiler where one is wanted. Throws runtime::ProfileError, and FileError when a
  // file cannot be written or two are one, so that nothing is measured for these.
  explicit ProfileFiles(ProfileNames names);
  ~ProfileFiles() { current_ = nullptr; }
  ProfileFiles(const ProfileFiles&) = delete;
  ProfileFiles& operator=(const ProfileFiles&) = delete;

  // The one there is, or null.
  static ProfileFiles* current() { return current_; }

  // What a runtime to be announced has to be made with.
  runtime::Options options(runtime::Options options) const;
  void runtime_started(runtime::Runtime& runtime);
  // REQUIRES: it is still there.
  void runtime_ending(runtime::Runtime& runtime);
  // Once, at the end. Throws FileError.
  void write();

 private:
  static inline ProfileFiles* current_ = nullptr;

  const ProfileNames names_;
  uint64_t heap_rate_ = 0;
  std::unique_ptr<runtime::CpuProfiler> cpu_;
  std::vector<gc::MemRecord> records_;
  gc::MarkTimes uncharged_;
  std::vector<gc::WaitRecord> waits_;
};

// What was recorded under the labels side=before and side=after, where there is any: each in a file
// of its own beside `path`, as heap.before.pb.gz, so that the two can be compared. Throws
// FileError.
void write_heap_sides(const std::vector<gc::MemRecord>& records, uint64_t rate,
                      const HeapProfileOptions& options, const std::string& path);
// The files that these are.
std::vector<OutputFile> heap_side_files(const std::string& path);

// A runtime that is announced, if there is anybody to tell.
class ProfiledRuntime : public runtime::Runtime {
 public:
  explicit ProfiledRuntime(const runtime::Options& options = {});
  ~ProfiledRuntime();
};

}  // namespace greyhound::pprof
