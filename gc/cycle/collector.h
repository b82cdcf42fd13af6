// SPDX-License-Identifier: MIT
// The collector of one runtime: the cycle as a state machine, and who drives it. The cycle is on
// the fly: no phase stops the mutators; each hears of a phase change in a handshake of its own.
//
//   idle ─▶ H1 barrier on ─▶ H2 allocate black
//        ─▶ { clear flag ▸ drain ▸ H3 scan roots }* until quiet
//        ─▶ closed: weak cells cleared, finalizable objects revived
//        ─▶ H4 barrier off ─▶ H5 allocate white, raise sweepgen ─▶ sweep ─▶ idle
//
// Quiet (rule 2 of docs/protocol.md): after H3's last acknowledgement and after
// its root words were resolved, the flag "something was shaded, donated or newly greyed from a
// root" is still clear, and the pool is quiet. The flag is cleared before the round's drain, never
// later (rule 3). Then, by compare and swap on the same word, the round is closed: from there on
// nothing white becomes reachable, weak loads included.
//
// Drivers: in kConcurrent mode a coordinator thread calls advance() and the workers join it in
// drains; in kStepping mode whoever calls step() or collect() does; kStopTheWorld is the same
// machine inside park_all()/release_all(). One thread at a time advances: driver_mutex_ sees to it.
//
// Thread rules: options, heap, world, pool, pacer may be used from any thread by their own rules;
// everything else as said.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "gc/cycle/collector_fork.h"
#include "gc/cycle/crash_report.h"
#include "gc/heap/heap.h"
#include "gc/mark/marker.h"
#include "gc/mark/work_pool.h"
#include "gc/memory/own_containers.h"
#include "gc/mutator/persistent.h"
#include "gc/mutator/world.h"
#include "gc/options.h"
#include "gc/pace/cpu_account.h"
#include "gc/pace/limiter.h"
#include "gc/pace/pacer.h"
#include "gc/watch/mprof.h"
#include "gc/watch/stats.h"
#include "gc/watch/thread_list.h"
#include "gc/watch/trace_events.h"
#include "gc/watch/wait_profile.h"
#include "gc/weak/specials.h"
#include "runtime/base/os_thread.h"

namespace greyhound::gc {

enum class Phase : uint8_t {
  kIdle,
  kBarrierOn,
  kAllocBlack,
  kDrain,
  kScanRoots,
  kSpecials,  // skipped while nothing has a weak cell, an ephemeron, a finalizer or a cleanup
  kBarrierOff,
  kAllocWhite,
  kSweep
};
const char* phase_name(Phase phase);

enum class Progress : uint8_t {
  kAdvanced,  // did something; call again
  kWaiting,   // a mutator has to acknowledge first
  kIdle,      // no cycle is running and none was asked for
};

// What checkmark finds: an object that is reachable, by `parent` or, if that is 0, by a root, and
// was not marked.
struct UnmarkedObject {
  uintptr_t object;
  uintptr_t parent;
  const char* from;  // "field", or the kind of root
};

class Collector {
 public:
  // After this many rounds the mutators are held for one last one, so that a program that keeps
  // hiding pointers from the scan cannot keep a cycle from ending.
  static constexpr unsigned kMaxRounds = 8;
  // Room for so many root words, half a megabyte, is kept by whoever had a use for it once.
  static constexpr size_t kKeptRootWords = 64 << 10;

  explicit Collector(const Options& options);
  // Fatal when mutators are still attached.
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  // Reserves the heap and starts the coordinator; false when something for it cannot be had.
  bool start() { return (outcome_ = try_start()) == Start::kStarted; }
  Start outcome() const { return outcome_; }

  // A full cycle that begins after the call, swept to its end. From an attached mutator (it blocks,
  // its roots count) or from a thread without one.
  void collect();
  // Asks for a cycle; returns at once. In stepping mode it only marks it as wanted.
  void request_cycle();
  // The same when the pacer still wants one; what a mutator calls that saw should_start().
  void request_due_cycle();
  // Stepping mode: advances by at most one phase change or `objects` scanned; farther only where
  // the mutators are held and the caller is one of them, to where they are let go.
  Progress step(size_t objects);

  Phase phase() const { return phase_.load(std::memory_order_relaxed); }
  uint64_t started_cycles() const { return started_.load(std::memory_order_relaxed); }
  uint64_t completed_cycles() const { return completed_.load(std::memory_order_acquire); }
  GcStats stats();
  bool start_trace(const TraceOptions& options) { return tracer.start(options, worker_count_ - 1); }

  // --- for mutators
  // Something white was shaded or is about to be, or grey work was donated: the round is not the
  // last one. False, and without effect, when it is closed already.
  bool ask_for_round() {
    Round seen = round_.load(std::memory_order_seq_cst);
    while (seen == Round::kQuietSoFar &&
           !round_.compare_exchange_weak(seen, Round::kAnotherWanted, std::memory_order_seq_cst)) {
    }
    return seen != Round::kClosed;
  }
  // For a mutator that read `address` from where the marker does not look (a weak cell): true when
  // the object is alive, and from then on as if it had been reached by a pointer. Before the round
  // is closed that vetoes quiet (rule 11); afterwards an unmarked object is dead. REQUIRES: no
  // safepoint since the reading.
  bool weak_load(uintptr_t address);
  void add_allocs(uint64_t objects, uint64_t bytes) {
    mallocs_.fetch_add(objects, std::memory_order_relaxed);
    alloc_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  }
  void add_barriers(uint64_t hits, uint64_t shades) {
    if (hits == 0) return;
    barrier_hits_.fetch_add(hits, std::memory_order_relaxed);
    barrier_shades_.fetch_add(shades, std::memory_order_relaxed);
  }
  void add_map_growth(uint64_t old_buckets) {
    map_growths_.fetch_add(1, std::memory_order_relaxed);
    map_buckets_.fetch_add(old_buckets, std::memory_order_relaxed);
  }
  // Pays the debt of a mutator that is about to allocate `bytes` by taking background credit or
  // marking (rule 7). A safepoint, but not while it marks.
  void gcAssistAlloc(Mutator* mutator, uint64_t bytes);
  // Where the heap is beyond its bound and only the coordinator can go on (there is nothing yet, or
  // no more, that an assist could mark, or roots are being scanned), leaves the processors to it,
  // blocked, until it is the mutators' turn again or Pacer::patience_ns is over. Without this
  // mutators that allocate at full speed overshoot goal and limit without bound where there are
  // more of them than processors. A safepoint.
  void hold_back(Mutator* mutator, uint64_t bytes);
  // Changes whenever mutators may go on: marking begins, a cycle is swept or over.
  uint32_t turn() const {
    // acquire: partner of let_mutators_go; the phase that made it the mutators' turn is seen then.
    return turn_.load(std::memory_order_acquire);
  }
  // Blocked until turn() is no longer `turn`, or for `patience_ns`.
  void wait_for_turn(Mutator* mutator, uint32_t turn, uint64_t patience_ns);
  // Assists are due: marking runs and this mutator knows.
  bool marking() const { return phase() == Phase::kDrain; }
  uint64_t next_seed();

  const Options& options() const { return options_; }
  bool allows_nested_mutators() const { return options_.mode == Mode::kStepping; }

  Heap heap;
  WorkPool pool{&heap.metadata_pages};
  Pacer pacer;
  CpuLimiter limiter;
  CpuAccount cpu;
  World world;
  ThreadList threads;
  WaitProfile waits;
  PersistentRoots persistents;
  ParkedStacks parked_stacks;
  Specials specials{this};
  MemProfile mem_profile{&heap};
  EventLog events;
  TraceRecorder tracer{&world};
  CollectorFork fork{this};
  // Mutators that may be sweeping a span of the old generation right now.
  std::atomic<uint32_t> sweepers{0};

 private:
  friend class CollectorFork;
  friend struct CollectorTesting;
  friend struct Stepping;

  Start try_start();
  bool waits_for_coordinator() const;
  bool assists_allowed() const;
  uint64_t patience_ns(uint64_t bytes) const;
  void let_mutators_go();
  unsigned cpus() const { return static_cast<unsigned>(limiter.cpus()); }
  void wait_for_request(std::unique_lock<std::mutex>* lock);
  bool idle_cycle_due();
  void rest(std::unique_lock<std::mutex>* lock);
  Progress advance(size_t objects);
  void enter(Phase phase);
  void trace_phases(Phase from, Phase to);
  void trace_since(uint64_t start_ns, EventKind kind, uint64_t a);
  // park_all, traced.
  void hold_world();
  void begin_cycle();
  void begin_round();
  void grey_persistent_roots();
  bool drain_parallel();
  bool drain_slices(Marker* marker);
  size_t ready_workers();
  void finish_scan();
  bool close_round();
  void process_specials();
  void finish_marking();
  void finish_cycle();
  void count_map_growths();
  void resolve_root_words();
  void trim_root_words();
  void checkmark(const char* when);
  std::vector<UnmarkedObject> find_unmarked(size_t most);
  void print_trace(const CycleStats& cycle) const;
  void print_pacer_trace() const;
  void tell_limiter(uint64_t now);
  void return_surplus();

  // A marking thread beside the coordinator.
  struct Worker {
    Worker(Collector* owner, size_t number)
        : collector(owner), index(number), marker(&owner->heap, &owner->pool, &owner->pacer) {}
    void run() { collector->worker_loop(this); }

    Collector* const collector;
    const size_t index;
    Marker marker;
    uint64_t seen_epoch = 0;  // of drains; when it starts, then its own
    OsThread thread;
  };

  void coordinator_loop();
  void worker_loop(Worker* worker);
  bool wake_driver();
  void drive();
  void drive_here();
  void charge_driver();
  void merge_assist_counts(Mutator* mutator);

  Options options_;
  Start outcome_ = Start::kStarted;  // of start()
  unsigned worker_count_ = 1;

  // The machine; the driver's.
  std::mutex driver_mutex_;
  std::atomic<Phase> phase_{Phase::kIdle};
  enum class Round : uint32_t { kQuietSoFar, kAnotherWanted, kClosed };
  std::atomic<Round> round_{Round::kQuietSoFar};
  bool forced_ = false;
  bool parked_for_cycle_ = false;
  uint64_t held_since_ns_ = 0;  // in stop-the-world mode: since when the mutators are held
  uint64_t held_ns_ = 0;        // and, once they were let go, for how long
  bool escalated_ = false;
  bool idle_before_cycle_ = false;  // next to nothing was allocated since the last one
  CycleStats cycle_;
  HandshakeRequest asked_;  // the cycle's last one
  uint64_t handshake_started_ = 0;
  uint64_t mark_started_ = 0;
  uint64_t cycle_hits_ = 0;
  uint64_t cycle_shades_ = 0;
  uint64_t cycle_mallocs_ = 0;  // before allocation became black
  CpuTimes cycle_cpu_;          // of the account, when the cycle began
  uint64_t cycle_assists_ = 0;
  uint64_t cycle_map_growths_ = 0;  // when the last cycle ended
  uint64_t cycle_map_buckets_ = 0;
  CpuLap cpu_lap_{&cpu};            // the driver's
  RootWords root_words_;            // of the last H3, the ambiguous ones
  RootWords precise_root_words_;    // and those of handles and precise ranges
  std::unique_ptr<Marker> marker_;  // the driver's
  GcStats totals_;                  // protected by stats_mutex_
  std::mutex stats_mutex_;

  // Requests; protected by request_mutex_.
  std::mutex request_mutex_;
  std::condition_variable request_changed_;
  std::condition_variable cycle_done_;
  std::atomic<bool> wanted_{false};
  bool wanted_forced_ = false;
  bool idle_wanted_ = false;
  bool stop_ = false;
  uint64_t idle_activity_ = UINT64_MAX;  // World::all_blocked's; the coordinator's
  std::atomic<bool> resting_{false};     // the coordinator, since the limiter said so
  std::atomic<uint32_t> turn_{0};
  std::atomic<uint32_t> held_back_{0};  // mutators in wait_for_turn
  std::atomic<uint64_t> started_{0};    // cycles begun
  std::atomic<uint64_t> completed_{0};  // cycles swept to the end
  OsThread coordinator_;                // started and asked for under request_mutex_

  // Workers; protected by worker_mutex_.
  std::mutex worker_mutex_;
  std::condition_variable worker_wake_;
  std::condition_variable worker_done_;
  uint64_t drain_epoch_ = 0;
  size_t workers_busy_ = 0;
  bool workers_stop_ = false;
  bool drain_stopped_ = false;  // by a worker, for a fork: what it held is in the pool
  std::vector<std::unique_ptr<Worker>> workers_;  // the driver's; some may not be running
  std::atomic<size_t> missing_workers_{0};
  bool told_of_missing_ = false;  // the driver's

  std::atomic<uint64_t> mallocs_{0};
  std::atomic<uint64_t> alloc_bytes_{0};
  std::atomic<uint64_t> barrier_hits_{0};
  std::atomic<uint64_t> barrier_shades_{0};
  std::atomic<uint64_t> map_growths_{0};
  std::atomic<uint64_t> map_buckets_{0};
  std::atomic<uint64_t> assists_{0};
  SharedHistogram assist_times_;
  std::mutex assist_counts_mutex_;
  MarkCounts assist_counts_;  // protected by assist_counts_mutex_
  std::atomic<uint64_t> seed_state_{0};
  uint64_t made_at_ns_ = 0;
};

}  // namespace greyhound::gc
