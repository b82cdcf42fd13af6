// SPDX-License-Identifier: MIT
// The CPU profiler: where the threads of runtimes spend their processor time.
//
//   CpuProfiler profiler;                  // from here on
//   profiler.add(runtime);                 // this runtime's threads, as many runtimes as you like
//   ...
//   CpuProfile profile = profiler.stop();  // runtime/watch/pprof makes a file of it
//
// Every attached thread, the coordinator, the marking workers and the finalizer thread has a timer
// on its own CPU clock (timer_create with SIGEV_THREAD_ID) that sends it SIGPROF; those that start
// later get one when they do, those that end keep their samples. Beyond what such timers can do
// (the kernel's tick, 250 a second as a rule), perf_event_open's software task clock is tried
// first. The handler walks the frame pointers within the thread's stack and writes what it finds to
// a ring of the thread's own; a reader thread adds it up. A ring that is full drops the sample, and
// counts it.
//
// What a sample is worth is the CPU time that its thread has used since the sample before, by the
// thread's clock, so late and lost signals shift time but lose none. A thread that ends hands what
// it has used since its last sample, and what is left of the period, to the next thread of its
// name: threads that are shorter than a period are seen, too. What is left over in the end is
// spread over the samples of that name; where there are none it is a record without a stack. So the
// whole is the CPU time of the threads, whatever the rate.
//
// The signal is the process's, and so is the profiler: there is one at a time. The handler that was
// there before is put back by stop(); it sees no SIGPROF meanwhile.
//
// A forked child is not profiled: its copy of the profile is empty and over, its handler is the one
// that was there before, and another profile may begin there.
//
// Errors of the method: a call whose caller has not set up its frame yet, or has left it, is found
// by looking at the instruction; a function of a library without frame pointers is seen, but what
// called it only when it uses no stack itself, and broken_stacks counts the chains that end early
// for it. A thread on a stack of its own making (Mutator::switch_stack) is seen without callers.
//
// Thread rules: any thread, one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "runtime/base/profile_labels.h"

namespace greyhound::runtime {

class Runtime;

struct CpuProfileOptions {
  unsigned rate = 100;  // samples a second of CPU time, from 1 to kMostCpuProfileRate
  // Whether to try the perf clock: for rates that timers cannot serve, always, never.
  enum class Perf : uint8_t { kAuto, kAlways, kNever } perf = Perf::kAuto;
};
inline constexpr unsigned kMostCpuProfileRate = 10'000;

// Samples of one stack with one set of labels.
struct CpuRecord {
  // Innermost first: the interrupted instruction, then return addresses. Empty: CPU time of threads
  // of whose name none was ever sampled.
  std::vector<uintptr_t> stack;
  LabelSet labels;  // the scope's; "thread"; "gcphase" on the collector's threads
  uint64_t samples = 0;
  uint64_t cpu_ns = 0;
};

struct CpuProfile {
  std::vector<CpuRecord> records;
  unsigned rate = 0;
  std::string source;         // "thread CPU timers", "perf task clock", or both
  int64_t start_time_ns = 0;  // since 1970
  uint64_t duration_ns = 0;
  uint64_t cpu_ns = 0;         // of all threads while they were profiled: the sum of the records'
  uint64_t threads = 0;        // that were profiled
  uint64_t without_clock = 0;  // of them, for which the system had no timer; they have no samples
  uint64_t samples = 0;        // that are in the records
  uint64_t dropped = 0;        // that found the ring full
  uint64_t broken_stacks = 0;  // that end before the thread's first function
};

// Why a profile cannot be made: one sentence.
class ProfileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class CpuProfiler {
 public:
  // Installs the signal handler. Throws ProfileError when a profile is running in this process, for
  // a rate out of range, or when the system refuses the handler or a thread.
  explicit CpuProfiler(const CpuProfileOptions& options = {});
  // Ends the profile, if stop() has not.
  ~CpuProfiler();
  CpuProfiler(const CpuProfiler&) = delete;
  CpuProfiler& operator=(const CpuProfiler&) = delete;

  // From now on, until it ends or stop(): every thread of `runtime`. It may end before the profile
  // does, and be added twice.
  void add(Runtime& runtime);
  // Takes the handler away and gives what was found. Once.
  CpuProfile stop();

 private:
  class Session;
  std::shared_ptr<Session> session_;
};

}  // namespace greyhound::runtime
