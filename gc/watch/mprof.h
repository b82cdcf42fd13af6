// SPDX-License-Identifier: MIT
// The heap profile: which calls allocated what, and what of it lives. As Go's mprof.go, but that
// every frame of the runtime is kept and samples carry labels.
//
// Of every `rate` bytes allocated one is sampled on average, at gaps from an exponential
// distribution; the object that has it is recorded with its stack. So an object of s bytes is
// recorded with probability 1 - exp(-s / rate), and unsampled() divides by that. With a rate of 1
// every object is. The fast path knows nothing of this: a refill ends a run of free slots in front
// of the next object to be sampled, so that its allocation comes by the slow path. The gaps of
// different runs are drawn apart, which changes nothing, as the distribution has no memory.
//
// What was recorded counts as freed once a cycle found it unreachable.
//
// Marking is charged to the sites whose objects were marked: a cycle's time, as measured, in
// proportion to the work that the site's recorded survivors stand for, in the pacer's measure of
// work (MarkCounts::work: objects and pointer words; each survivor by the inverse of its chance to
// be recorded). So the sum is measured and only the shares are estimated. They err by the sampling,
// and by whatever makes one object dearer to mark than another of the same shape: its place in
// memory above all. A cycle that found no recorded survivor is charged to nobody, and counted.
//
// Thread rules: what has a Sampler on the thread whose it is, a running mutator's; record and
// make_room likewise; free_dead and charge from the collector's; the rest from any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "gc/memory/own_containers.h"
#include "runtime/base/profile_labels.h"
#include "runtime/base/random.h"
#include "runtime/base/type.h"

namespace greyhound::gc {

// One allocation site, one slot size, one type, one set of labels.
struct MemRecord {
  std::vector<uintptr_t> stack;  // return addresses, innermost first: the first is in mallocgc
  uint64_t size = 0;             // bytes of the slot
  const Type* type = nullptr;    // null for bytes without pointers
  LabelSet labels;
  uint64_t allocs = 0;  // objects sampled
  uint64_t frees = 0;   // and of them, found dead
  // Attributed: of the time that cycles took for marking and mutators for assists.
  uint64_t mark_ns = 0;    // CPU time of coordinator and workers
  uint64_t assist_ns = 0;  // CPU time of assists, without their waits (cpu_account.h)
};

struct MarkTimes {
  uint64_t mark_ns = 0;
  uint64_t assist_ns = 0;
};

// How many objects `sampled` ones of `size` bytes stand for.
double unsampled(uint64_t sampled, uint64_t size, uint64_t rate);

// A mutator's part in sampling.
struct Sampler {
  SplitMix64* random;
  bool due = false;  // the object being allocated is to be recorded
};

// An object to be recorded, just allocated.
struct MemSample {
  uintptr_t object = 0;
  uint64_t size = 0;  // bytes of its slot
  const Type* type = nullptr;
  uintptr_t frame = 0;      // of the function whose caller allocated it
  uintptr_t stack_end = 0;  // of the stack that this is on, exclusive
  uint64_t black_in = 0;    // the cycle() that it was allocated black in; 0: white
};

class MemProfile {
 public:
  MemProfile() = default;
  MemProfile(const MemProfile&) = delete;
  MemProfile& operator=(const MemProfile&) = delete;

  // Bytes from sample to sample on average; 0: no profile. To be set before the first allocation.
  void set_rate(uint64_t rate) { rate_ = rate; }
  uint64_t rate() const { return rate_; }

  // How many of `count` free slots of `size` bytes, the first of which is allocated next, a run is
  // to have. Says when that first one is to be recorded: `*first_due`, which the cut before gave,
  // says that it is; afterwards, whether the first one behind this run is.
  uint32_t cut_run(Sampler* sampler, uint64_t size, uint32_t count, bool* first_due) const;
  // Says whether a large object of `bytes` is to be recorded.
  void sample_large(Sampler* sampler, uint64_t bytes) const;
  // Whether the next record() would have to move a table of millions. Then make_room(), in a
  // blocking region, takes as long as that takes.
  bool wants_room();
  void make_room();
  void record(const MemSample& sample);

  // What is allocated black from here on belongs to this cycle, which does not mark it.
  void begin_cycle() { cycle_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t cycle() const { return cycle_.load(std::memory_order_relaxed); }
  // What is recorded and not marked is dead. When marking is over and nothing was swept.
  void free_dead(const std::function<bool(uintptr_t)>& is_marked);
  // What the cycle took, to be charged to those that free_dead found alive.
  void charge(MarkTimes times);

  std::vector<MemRecord> records();
  // Of cycles without a recorded survivor.
  MarkTimes uncharged() const;

 private:
  friend class CollectorFork;
  static constexpr size_t kMaxDepth = 64;

  struct Hash {
    size_t operator()(const MemRecord& record) const;
  };
  struct SameSite {
    bool operator()(const MemRecord& a, const MemRecord& b) const;
  };
  struct Counts {
    std::atomic<uint64_t> allocs{0};
    std::atomic<uint64_t> frees{0};
    std::atomic<double> mark_ns{0};  // written by the collector only
    std::atomic<double> assist_ns{0};
    double work = 0;           // of marking what one recorded object stands for
    double work_in_cycle = 0;  // the collector's
  };
  struct Recorded {
    Counts* counts = nullptr;
    uint64_t black_in = 0;  // the cycle that it was allocated black in; 0: white
  };
  using Sites = OwnMap<MemRecord, Counts, Hash, SameSite>;  // counts of the key unused
  using Live = OwnMap<uintptr_t, Recorded>;

  uint64_t next_gap(SplitMix64* random) const;
  double work_of(const MemRecord& site) const;

  uint64_t rate_ = 0;
  // Relaxed: an object of the cycle's first moments may be taken for one of the last.
  std::atomic<uint64_t> cycle_{0};
  OwnVector<Counts*> survivors_;  // sites, of this cycle; the collector's
  std::atomic<uint64_t> uncharged_mark_ns_{0};
  std::atomic<uint64_t> uncharged_assist_ns_{0};
  std::mutex mutex_;  // of what follows; held for a few instructions and an allocation
  Sites sites_;       // entries are never removed, so their counts stay where they are
  Live live_;         // recorded objects, by address, that were not found dead
};

}  // namespace greyhound::gc
