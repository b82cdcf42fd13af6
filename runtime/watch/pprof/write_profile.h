// SPDX-License-Identifier: MIT
// A runtime's profiles as files, a call each: for programs that embed Greyhound.
//
//   options.mem_profile_rate = 512 << 10;                         // bytes from sample to sample
//   ...
//   pprof::write_heap_profile(runtime, "heap.pb.gz");
//
//   runtime::CpuProfiler profiler;
//   profiler.add(runtime);
//   ...
//   pprof::write_cpu_profile(profiler.stop(), "cpu.pb.gz");
//
// The files are gzipped protocol buffers as google/pprof describes them: `greyhound pprof`,
// `go tool pprof` and others show them. profile_files.h is for programs with many runtimes, and
// heap_profile.h and its like make profiles without writing them.
//
// Errors: each throws FileError (whole_file.h), a sentence that names the file, when it cannot be
// written; what was there before then stays as it was. What else they throw is said with each.
//
// Thread rules: any thread, attached or not, several at a time; the runtime must be there until the
// call returns. To name functions, the program's debugging information is read, which takes long
// for a large one. A calling thread that is attached counts as blocked meanwhile: the collector
// waits for nothing, and what the thread's frames hold stays alive.
#pragma once

#include <string>

#include "runtime/profile/cpu_profiler.h"
#include "runtime/runtime.h"
#include "runtime/watch/pprof/cpu_profile.h"
#include "runtime/watch/pprof/heap_profile.h"
#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

// What was allocated where since the runtime was made, in objects and bytes (alloc_objects,
// alloc_space), and what of it the last collection found alive (inuse_objects, inuse_space): for
// what lives now, collect first. Estimates from one sample every Options::mem_profile_rate bytes;
// where that is 0 nothing was sampled, and runtime::ProfileError says so.
void write_heap_profile(runtime::Runtime& runtime, const std::string& path,
                        const HeapProfileOptions& options = {});

// Processor time, in samples and nanoseconds (samples, cpu). It is the profiler's: of all the
// runtimes that were added to it.
void write_cpu_profile(const runtime::CpuProfile& profile, const std::string& path,
                       const CpuProfileView& view = {});

// What the runtime's own locks, handshakes and waits took since it was made, in waits and
// nanoseconds (contentions, delay). One is recorded for every so many nanoseconds waited as
// set_wait_profile_rate says, which is to be called once, before there is anything to wait for.
// Throws runtime::ProfileError where it never was.
void write_wait_profile(runtime::Runtime& runtime, const std::string& path);

// What collecting cost, by who caused it, in nanoseconds (gc_mark, gc_assist, write_barrier,
// evacuate): gc_profile.h has the method. `cpu`: of this runtime alone. Marking is charged to the
// sites that were sampled for the heap profile; throws runtime::ProfileError where there are none,
// as Options::mem_profile_rate is 0.
void write_gc_profile(runtime::Runtime& runtime, const runtime::CpuProfile& cpu,
                      const std::string& path);

}  // namespace greyhound::pprof
