// SPDX-License-Identifier: MIT
// Who drives the cycle: the coordinator thread, the marking workers, assisting mutators, and
// callers of collect() and step(). The order of things is collector.cc's; this file only runs it.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>

#include "gc/cycle/collector.h"
#include "gc/watch/log.h"
#include "runtime/base/check.h"
#include "runtime/base/futex.h"
#include "runtime/base/probes.h"
#include "runtime/base/processors.h"

namespace greyhound::gc {
namespace {

// An assist marks at least this much once it starts, so that starting pays, looks at the clock so
// often, and gives up so late, so that no allocation waits long: the next refill goes on.
constexpr int64_t kAssistLeast = 8 << 10;
constexpr uint64_t kLatePatienceNs = 1'000'000;

// What this thread scans before it wakes the workers: it takes about as long as waking one. Most
// rounds, and whole cycles of a small heap, are over by then.
constexpr size_t kObjectsAlone = 4096;
// Between two looks whether a thread wants to fork: some milliseconds.
constexpr size_t kObjectsInSlice = size_t{1} << 17;

}  // namespace

Collector::Collector(const Options& options)
    : limiter(processors(), monotonic_ns()), world(&heap, &options_), options_(options) {
  worker_count_ =
      options.workers != 0 ? std::min(options.workers, 64u) : std::max(1u, this->cpus() / 4);
  if (options_.debug.gcserial != 0 || options_.mode == Mode::kStepping) worker_count_ = 1;
  if (options_.debug.gcstoptheworld != 0 && options_.mode == Mode::kConcurrent)
    options_.mode = Mode::kStopTheWorld;
  made_at_ns_ = monotonic_ns();
  uint64_t seed = static_cast<uint64_t>(options_.debug.seed);
  if (seed == 0) seed = random_seed();
  seed_state_.store(seed, std::memory_order_relaxed);
}

Start Collector::try_start() {
  if (options_.debug.crashreport != 0) install_crash_handler();
  if (const Start start = heap.initialise(options_); start != Start::kStarted) return start;
  pacer.initialise(options_);
  mem_profile.set_rate(options_.mem_profile_rate);
  marker_ = std::make_unique<Marker>(&heap, &pool, &pacer);
  if (options_.mode != Mode::kStepping &&
      coordinator_.start<&Collector::coordinator_loop>("gh-gc", this) != 0)
    return Start::kNoThread;
  return fork.begin() ? Start::kStarted : Start::kNoMemory;
}

Collector::~Collector() {
  if (const size_t attached = world.count(); attached != 0) {
    fatal("a runtime is destroyed with %zu mutator%s attached; detach every thread first", attached,
          attached == 1 ? "" : "s");
  }
  fork.end();
  {
    std::lock_guard lock(request_mutex_);
    stop_ = true;
  }
  request_changed_.notify_all();
  coordinator_.join();
  {
    std::lock_guard lock(worker_mutex_);
    workers_stop_ = true;
  }
  worker_wake_.notify_all();
  for (const auto& worker : workers_) worker->thread.join();
}

uint64_t Collector::next_seed() {
  return seed_state_.fetch_add(0x9e3779b97f4a7c15u, std::memory_order_relaxed) *
         0xbf58476d1ce4e5b9u;
}

// Sees to it that somebody advances the cycle. False: the caller has to (drive_here).
// REQUIRES: request_mutex_ held.
bool Collector::wake_driver() {
  if (options_.mode == Mode::kStepping) return true;  // whoever steps
  if (!coordinator_.running()) {
    // In a forked child, the first time it is needed. What the fork suspended goes on.
    pacer.resume();
    if (coordinator_.start<&Collector::coordinator_loop>("gh-gc", this) != 0) return false;
  }
  request_changed_.notify_one();
  return true;
}

void Collector::request_cycle() {
  fork.require_usable();
  bool driven = false;
  {
    std::lock_guard lock(request_mutex_);
    wanted_.store(true, std::memory_order_release);
    wanted_forced_ = true;
    driven = wake_driver();
  }
  if (!driven) drive_here();
}

void Collector::request_due_cycle() {
  fork.require_usable();
  if (wanted_.load(std::memory_order_relaxed)) {
    // The coordinator may be resting, and this may be more than it should sleep through.
    if (!resting_.load(std::memory_order_relaxed) || !pacer.overshot(true)) return;
    std::lock_guard lock(request_mutex_);
    request_changed_.notify_one();
    return;
  }
  bool driven = false;
  {
    std::lock_guard lock(request_mutex_);
    // One that a fork suspended is only to be driven on.
    const bool suspended = phase() != Phase::kIdle && !coordinator_.running();
    if (!suspended || options_.mode == Mode::kStepping) {
      // Looked at again under the lock: while the caller waited for it the cycle may have begun,
      // and another one straight after it would find next to no garbage.
      if (wanted_.load(std::memory_order_relaxed) || !pacer.should_start()) return;
      wanted_.store(true, std::memory_order_release);
    }
    driven = wake_driver();
  }
  if (!driven) drive_here();
}

void Collector::collect() {
  fork.require_usable();
  // Whichever runtime the thread's current mutator belongs to: it waits here, so it blocks.
  BlockingScope blocking(current_mutator_or_null(), "collect");
  if (options_.mode == Mode::kStepping) {
    // Finishes the cycle that runs, if one does, then runs a whole one.
    drive();
    request_cycle();
    drive();
    return;
  }
  std::unique_lock lock(request_mutex_);
  // A cycle that has begun may have scanned what is garbage by now: only the next one counts.
  const uint64_t target = started_.load(std::memory_order_acquire) + 1;
  wanted_.store(true, std::memory_order_release);
  wanted_forced_ = true;
  if (!wake_driver()) {
    lock.unlock();
    while (completed_.load(std::memory_order_acquire) < target) drive();
    return;
  }
  const TimedWait wait("collect");
  cycle_done_.wait(lock, [&] { return completed_.load(std::memory_order_acquire) >= target; });
}

// Advances the cycle that runs or is wanted to its end. Lets go of driver_mutex_ in between, when a
// thread wants to fork: where no handshake is under way and the mutators are not held, anybody may
// go on with the cycle later, in a child too.
void Collector::drive() {
  while (true) {
    {
      std::lock_guard driving(driver_mutex_);
      // What this thread did before is not the collector's.
      cpu_lap_.start();
      do {
        if (advance(SIZE_MAX) == Progress::kWaiting) world.wait_done();
        if (phase() == Phase::kIdle) return;
      } while (!fork.wanted() || world.parked() || !world.done());
      charge_driver();
    }
    fork.wait_until_over();
  }
}

void Collector::charge_driver() {
  cpu_lap_.charge(phase() == Phase::kIdle || phase() == Phase::kSweep ? CpuWork::kSweep
                                                                      : CpuWork::kMark);
}

// By a thread that wants a cycle, where there is no coordinator to be had.
GREYHOUND_NOINLINE void Collector::drive_here() {
  BlockingScope blocking(current_mutator_or_null(), "collecting without a thread for it");
  drive();
}

Progress Collector::step(size_t objects) {
  GREYHOUND_CHECK(options_.mode == Mode::kStepping);
  Mutator* const caller = current_mutator_or_null();
  BlockingScope blocking(caller, "step");
  std::lock_guard lock(driver_mutex_);
  // What the caller does between two steps is its own.
  cpu_lap_.start();
  world.answer_blocked();
  const Progress progress = advance(objects);
  // Where rounds do not end the mutators are held, the caller's, too: it could not come back for
  // the next step.
  while (caller != nullptr && world.parked()) {
    if (advance(SIZE_MAX) == Progress::kWaiting) world.wait_done();
  }
  charge_driver();
  return progress;
}

// Lets the mutators have their half before the cycle that is wanted, unless somebody waits for it
// or they make too much of it.
void Collector::rest(std::unique_lock<std::mutex>* lock) {
  const auto wanted_now = [this] { return stop_ || wanted_forced_ || pacer.overshot(true); };
  resting_.store(true, std::memory_order_relaxed);
  for (uint64_t now = monotonic_ns(); now < limiter.rest_until_ns() && !wanted_now();
       now = monotonic_ns()) {
    request_changed_.wait_for(*lock, std::chrono::nanoseconds(limiter.rest_until_ns() - now),
                              wanted_now);
  }
  resting_.store(false, std::memory_order_relaxed);
}

// Until a cycle is wanted, or nobody wanted one for so long that there is one all the same, or one
// runs already: in a child, whose parent forked in the middle of it.
void Collector::wait_for_request(std::unique_lock<std::mutex>* lock) {
  const auto asked = [this] {
    return stop_ || wanted_.load(std::memory_order_acquire) || phase() != Phase::kIdle;
  };
  // More overflows in nanoseconds, and would not be a wait.
  constexpr uint64_t kYearMs = uint64_t{365} * 24 * 3600 * 1000;
  const std::chrono::milliseconds period(std::min(options_.idle_cycle_ms, kYearMs));
  if (period.count() == 0) return request_changed_.wait(*lock, asked);
  while (!request_changed_.wait_for(*lock, period, asked)) {
    if (!idle_cycle_due()) continue;
    idle_wanted_ = true;
    wanted_.store(true, std::memory_order_relaxed);
  }
}

// A thread that runs without allocating may be one that does not come by a safepoint for long, and
// nobody asked for what it would hold up. Where none ran since the last idle cycle, another would
// find nothing. With collection off there is none, as in Go.
bool Collector::idle_cycle_due() {
  uint64_t activity = 0;
  if (pacer.gc_percent() < 0 || !world.all_blocked(&activity)) return false;
  return std::exchange(idle_activity_, activity) != activity;
}

void Collector::coordinator_loop() {
  const ListedThread listed(&threads, ThreadKind::kCoordinator, "coordinator", this);
  tls_waits = &waits;
  set_fatal_context(describe_collector, this);
  std::unique_lock lock(request_mutex_);
  while (true) {
    wait_for_request(&lock);
    if (phase() == Phase::kIdle) rest(&lock);
    if (stop_) return;
    lock.unlock();
    drive();
    lock.lock();
    cycle_done_.notify_all();
  }
}

// Starts the workers that do not run yet; gives how many do. A system that gives no more threads
// now may later, so every drain tries.
size_t Collector::ready_workers() {
  const size_t wanted = worker_count_ - 1;
  std::lock_guard lock(worker_mutex_);
  size_t running = 0;
  for (; running < wanted; ++running) {
    if (running == workers_.size()) workers_.push_back(std::make_unique<Worker>(this, running));
    Worker* worker = workers_[running].get();
    if (worker->thread.running()) continue;
    worker->seen_epoch = drain_epoch_;
    const std::string name = "gh-mark-" + std::to_string(running + 1);
    if (const int error = worker->thread.start<&Worker::run>(name.c_str(), worker); error != 0) {
      if (!std::exchange(told_of_missing_, true)) {
        log_message(options_,
                    "%zu of %zu marking workers cannot be started: %s; marking goes on with fewer "
                    "threads",
                    wanted - running, wanted, std::strerror(error));
      }
      break;
    }
  }
  missing_workers_.store(wanted - running, std::memory_order_relaxed);
  return running;
}

// Gives false when it stopped for a fork; then the marker is active no more, and what it held is in
// the pool. REQUIRES: active in the pool.
bool Collector::drain_slices(Marker* marker) {
  while (marker->gcDrain(kObjectsInSlice)) {
    if (!fork.wanted() || world.parked()) continue;
    marker->flush();
    pool.finish();
    return false;
  }
  return true;
}

// Every marker is active from before the first one starts, so none sees the pool quiet too early.
// Gives false when there may be more to mark, since a thread wants to fork.
bool Collector::drain_parallel() {
  const size_t helpers = worker_count_ > 1 ? ready_workers() : 0;
  pool.become_active();
  if (helpers > 0) {
    if (!marker_->gcDrain(kObjectsAlone)) {
      pacer.revise();
      return true;
    }
    std::lock_guard lock(worker_mutex_);
    for (size_t i = 0; i < helpers; ++i) pool.become_active();
    workers_busy_ = helpers;
    drain_stopped_ = false;
    ++drain_epoch_;
    worker_wake_.notify_all();
  }
  const bool drained = drain_slices(marker_.get());
  pacer.revise();
  if (helpers == 0) return drained;
  std::unique_lock lock(worker_mutex_);
  const TimedWait wait("workers");
  worker_done_.wait(lock, [this] { return workers_busy_ == 0; });
  return drained && !drain_stopped_;
}

void Collector::worker_loop(Worker* worker) {
  const ListedThread listed(&threads, ThreadKind::kWorker,
                            "worker " + std::to_string(worker->index + 1), this);
  tls_waits = &waits;
  set_fatal_context(describe_collector, this);
  std::unique_lock lock(worker_mutex_);
  while (true) {
    worker_wake_.wait(lock, [&] { return workers_stop_ || drain_epoch_ != worker->seen_epoch; });
    if (workers_stop_) return;
    worker->seen_epoch = drain_epoch_;
    lock.unlock();
    CpuLap lap(&cpu);
    lap.start();
    const uint64_t traced_from = tracer.on() ? monotonic_ns() : 0;
    const bool drained = drain_slices(&worker->marker);
    if (traced_from != 0) [[unlikely]] {
      tracer.note_worker(worker->index, {.at_ns = traced_from,
                                         .duration_ns = monotonic_ns() - traced_from,
                                         .cycle = started_cycles(),
                                         .kind = EventKind::kDrain,
                                         .shape = EventShape::kWhole});
    }
    lap.charge(CpuWork::kMark);
    lock.lock();
    drain_stopped_ |= !drained;
    if (--workers_busy_ == 0) worker_done_.notify_all();
  }
}

// Whether a mutator can do nothing for the cycle that runs or is due.
bool Collector::waits_for_coordinator() const {
  if (options_.mode == Mode::kStepping) return false;
  switch (phase()) {
    case Phase::kDrain:
      return !assists_allowed();
    case Phase::kIdle:
    case Phase::kSweep:
      return wanted_.load(std::memory_order_relaxed);
    default:
      return true;
  }
}

bool Collector::assists_allowed() const {
  return options_.debug.gcserial == 0 && options_.mode == Mode::kConcurrent && !limiter.limiting();
}

uint64_t Collector::patience_ns(uint64_t bytes) const {
  return pacer.patience_ns(limiter.limiting(), bytes,
                           held_back_.load(std::memory_order_relaxed) / cpus());
}

GREYHOUND_NOINLINE void Collector::hold_back(Mutator* mutator, uint64_t bytes) {
  const uint32_t turn = this->turn();
  if (!waits_for_coordinator()) return;
  const uint64_t patience = patience_ns(bytes);
  if (patience == 0) return;
  const uint64_t start = monotonic_ns();
  wait_for_turn(mutator, turn, patience);
  assist_times_.add(monotonic_ns() - start);
  if (tracer.on()) mutator->trace_since(start, EventKind::kWaitForCycle);
}

GREYHOUND_NOINLINE void Collector::wait_for_turn(Mutator* mutator, uint32_t turn,
                                                 uint64_t patience_ns) {
  BlockingScope blocking(mutator, "waiting for the collector");
  const TimedWait wait("collector behind");
  // seq_cst: partner of let_mutators_go, which changes the word first and looks here then.
  held_back_.fetch_add(1, std::memory_order_seq_cst);
  futex_wait(turn_, turn, std::max<uint64_t>(patience_ns, 1));
  held_back_.fetch_sub(1, std::memory_order_relaxed);
}

void Collector::let_mutators_go() {
  turn_.fetch_add(1, std::memory_order_seq_cst);
  if (held_back_.load(std::memory_order_seq_cst) != 0) futex_wake_all(turn_);
}

void Collector::merge_assist_counts(Mutator* mutator) {
  std::lock_guard lock(assist_counts_mutex_);
  assist_counts_.merge(mutator->assist_marker->take_counts());
}

// Rule 7: gcDrainN is an active marker from its first pop to its last donation, with no safepoint
// inside. Between two of them a pending handshake ends the assist: its acknowledgement must not
// wait.
GREYHOUND_NOINLINE void Collector::gcAssistAlloc(Mutator* mutator, uint64_t bytes) {
  if (!assists_allowed()) {
    mutator->assist_debt = 0;
    return;
  }
  mutator->assist_debt -= pacer.take_credit(mutator->assist_debt);
  if (mutator->assist_debt <= 0) return;
  const uint64_t start = monotonic_ns();
  // Well beyond the goal the markers are not getting the processor: let them have this one.
  const bool late = pacer.overshot(false, bytes);
  if (!late && !mutator->assist_allowance.may_be_at(start)) return;
  const uint64_t cpu_start = thread_cpu_ns();
  const int64_t allowance = mutator->assist_allowance.at(cpu_start, start);
  if (allowance <= 0 && !late) return;
  if (mutator->assist_marker == nullptr)
    mutator->assist_marker = std::make_unique<Marker>(&heap, &pool, &pacer);
  const int64_t owed = mutator->assist_debt;
  GREYHOUND_PROBE2(mark__assist__start, mutator->name().c_str(), owed);
  const uint64_t may_take =
      late ? std::max(kLatePatienceNs, patience_ns(bytes)) : static_cast<uint64_t>(allowance);
  uint64_t may_wait = std::min<uint64_t>(may_take, AssistAllowance::kMostNs);
  uint64_t taken = 0;
  uint64_t waited = 0;  // for the wait profile
  int64_t budget = std::max(mutator->assist_debt, kAssistLeast);
  while (budget > 0 && marking() &&
         mutator->request.load(std::memory_order_relaxed) == Handshake::kNone) {
    const uint32_t turn = this->turn();
    int64_t paid = mutator->assist_marker->gcDrainN(kAssistLeast);
    if (paid < 0) {
      // The others hold all there is: have them share, and let what they do meanwhile count.
      pool.ask_to_share();
      if (late) {
        // Blocked, not yielding: what runs here runs instead of who holds the work. The cycle may
        // end meanwhile, and what was marked so far is to be counted in it.
        merge_assist_counts(mutator);
        wait_for_turn(mutator, turn, std::min(patience_ns(bytes), may_take - taken));
      } else {
        const uint64_t wait_start = waits.rate() != 0 ? monotonic_ns() : 0;
        for (int i = 0; i < 64; ++i) cpu_pause();
        if (wait_start != 0) [[unlikely]]
          waited += monotonic_ns() - wait_start;
      }
      paid = pacer.take_credit(budget);
      may_wait = may_take;
    }
    budget -= paid;
    mutator->assist_debt -= paid;
    taken = monotonic_ns() - start;
    if (taken >= may_wait) break;
  }
  const uint64_t worked = thread_cpu_ns() - cpu_start;
  cpu.add(CpuWork::kAssist, worked);
  mutator->assist_allowance.took(worked, taken);
  assists_.fetch_add(1, std::memory_order_relaxed);
  assist_times_.add(taken);
  if (waited != 0) [[unlikely]]
    waits.record("assist", waited);
  const int64_t work_paid = owed - mutator->assist_debt;
  GREYHOUND_PROBE3(mark__assist__done, mutator->name().c_str(), taken, work_paid);
  if (tracer.on())
    mutator->trace_since(start, EventKind::kAssist, static_cast<uint64_t>(work_paid));
  merge_assist_counts(mutator);
}

}  // namespace greyhound::gc
