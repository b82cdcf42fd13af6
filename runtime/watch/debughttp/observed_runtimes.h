// SPDX-License-Identifier: MIT
// The runtimes that a debug server shows, as one: counts are sums over those that are there and
// those that were, so that a counter never goes back; sizes are sums over those that are there.
// The lab makes a runtime for each repetition, hence "were".
//
// Nothing here writes to a runtime but collect(), and what a watcher does.
//
// Thread rules: any thread. remove() waits until nobody looks at the runtime, and while it waits
// the calling thread's mutator is blocked, as a reader may wait for a collection.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "gc/watch/mprof.h"
#include "gc/watch/stats.h"
#include "gc/watch/wait_profile.h"
#include "runtime/runtime.h"

namespace greyhound::serve {

// Bytes from heap sample to heap sample where nothing else is said, as Go's.
inline constexpr uint64_t kUsualProfileRate = 512 << 10;

// A mutator, as of a moment ago.
struct MutatorLine {
  std::string name;
  std::string state;           // "running", or "blocked" where the collector answers for it
  std::string last_safepoint;  // where it answered last, or what it blocks for
};

// The runtimes at one moment.
struct Snapshot {
  gc::GcStats stats;  // summed; last_cycle is of the cycle that ended last
  uint64_t runtimes = 0;
  uint64_t mutators = 0;
  int64_t last_cycle_end_ns = 0;    // since 1970; 0: no cycle yet
  uint64_t memory_limit = 0;        // soft; of the runtimes that have one; 0: none has
  uint64_t max_heap = 0;            // hard
  int64_t gc_percent = gc::kGcOff;  // of the runtime made last
  bool limiter_on = false;          // of any
  std::string phase = "idle";       // of the runtime made last
};

// Samples by the rate that they were taken at.
using HeapSamples = std::map<uint64_t, std::vector<gc::MemRecord>>;
using WaitSamples = std::map<uint64_t, std::vector<gc::WaitRecord>>;

// What wants to hear of runtimes that come and go. Called by the thread that adds or removes one,
// or that makes the Watch; one call at a time.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void added(runtime::Runtime& runtime) = 0;     // or there already
  virtual void removing(runtime::Runtime& runtime) = 0;  // or there still, when the Watch ends
};

class ObservedRuntimes {
 public:
  ObservedRuntimes() = default;
  ObservedRuntimes(const ObservedRuntimes&) = delete;
  ObservedRuntimes& operator=(const ObservedRuntimes&) = delete;

  void add(runtime::Runtime& runtime);
  // Before the runtime is destroyed. What it counted stays in the sums; what lived in it is freed.
  void remove(runtime::Runtime& runtime);

  Snapshot snapshot();
  std::vector<MutatorLine> mutators();
  // Of runtimes that sample, and of those that did.
  HeapSamples heap_samples();
  WaitSamples wait_samples();
  // Of marking and assists, what the heap samples charge to no site.
  gc::MarkTimes uncharged_marking();
  // A whole collection of each; returns when they are swept.
  void collect();

  // Has `watcher` called for as long as this lives.
  class Watch {
   public:
    Watch(ObservedRuntimes* observed, Watcher* watcher);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    ObservedRuntimes* const observed_;
    Watcher* const watcher_;
  };

 private:
  struct Entry {
    runtime::Runtime* runtime;
    size_t users = 0;      // that look at it now
    bool leaving = false;  // no more collections
  };
  // The entries, held so that none of them ends.
  class Held;

  void take_leave(const Entry& entry);  // REQUIRES: mutex_ held

  std::mutex watch_mutex_;  // of watchers_; taken before mutex_
  std::vector<Watcher*> watchers_;
  std::mutex mutex_;  // of what follows
  std::condition_variable unused_;
  std::list<Entry> entries_;
  gc::GcStats gone_;  // counts of the runtimes that were
  int64_t gone_cycle_end_ns_ = 0;
  HeapSamples gone_samples_;
  WaitSamples gone_waits_;
  gc::MarkTimes gone_uncharged_;
};

// Adds the counts of `from`, histograms included; sizes and last_cycle are left alone.
void add_counts(gc::GcStats* to, const gc::GcStats& from);

}  // namespace greyhound::serve
