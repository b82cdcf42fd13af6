// SPDX-License-Identifier: MIT
// The heap profiles of runtimes, as one pprof profile: alloc_objects, alloc_space, inuse_objects
// and inuse_space, as Go's. Unlike Go's, frames of the runtime are kept and samples carry labels.
#pragma once

#include <cstdint>
#include <vector>

#include "gc/watch/mprof.h"
#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

struct HeapProfileOptions {
  bool hide_runtime = false;  // as Go does (hide_runtime.h)
};

// `rate`: the one that all of the records were sampled at. What is in use is so as of the last
// collection.
Profile heap_profile(const std::vector<gc::MemRecord>& records, uint64_t rate,
                     const HeapProfileOptions& options = {});

// Makes a label of the type's name: records that are kept may outlive the type, which need only be
// there as long as its runtime is.
void name_type(gc::MemRecord* record);

}  // namespace greyhound::pprof
