// SPDX-License-Identifier: MIT
// Who drives the cycle: the coordinator thread, the marking workers, assisting mutators, and
// callers of collect() and step(). The order of things is collector.cc's; this file only runs it.
#include <algorithm>
#include <chrono>
#include <string>

#include "gc/collector.h"
#include "runtime/base/check.h"
#include "runtime/base/futex.h"
#include "runtime/base/probes.h"

namespace greyhound::gc {
namespace {

// An assist marks at least this much once it starts, so that starting pays, looks at the clock so
// often, and gives up so late, so that no allocation waits long: the next refill goes on.
constexpr int64_t kAssistLeast = 8 << 10;
constexpr uint64_t kLatePatienceNs = 1'000'000;
// How long a refill sleeps when the heap has overshot its goal and there is nothing to mark. With
// the kernel's timer slack it is twice that, and a run of 8 KiB each time still makes 80 MB/s.
constexpr timespec kPhaseWait{0, 50'000};

// What this thread scans before it wakes the workers: it takes about as long as waking one. Most
// rounds, and whole cycles of a small heap, are over by then.
constexpr size_t kObjectsAlone = 4096;

unsigned processors() { return std::max(1u, std::thread::hardware_concurrency()); }

}  // namespace

Collector::Collector(const Options& options)
    : limiter(processors(), monotonic_ns()), world(&heap), options_(options) {
  const unsigned cpus = processors();
  worker_count_ = options.workers != 0 ? std::min(options.workers, 64u) : std::max(1u, cpus / 4);
  if (options_.debug.gcserial != 0 || options_.mode == Mode::kStepping) worker_count_ = 1;
  if (options_.debug.gcstoptheworld != 0 && options_.mode == Mode::kConcurrent)
    options_.mode = Mode::kStopTheWorld;
  made_at_ns_ = monotonic_ns();
  uint64_t seed = static_cast<uint64_t>(options_.debug.seed);
  if (seed == 0) seed = random_seed();
  seed_state_.store(seed, std::memory_order_relaxed);
}

bool Collector::start() {
  if (options_.debug.crashreport != 0) install_crash_handler();
  if (!heap.initialise(options_)) return false;
  pacer.initialise(options_);
  mem_profile.set_rate(options_.mem_profile_rate);
  marker_ = std::make_unique<Marker>(&heap, &pool, &pacer);
  if (options_.mode != Mode::kStepping) coordinator_ = std::thread([this] { coordinator_loop(); });
  return true;
}

Collector::~Collector() {
  if (const size_t attached = world.count(); attached != 0) {
    fatal("a runtime is destroyed with %zu mutator%s attached; detach every thread first", attached,
          attached == 1 ? "" : "s");
  }
  {
    std::lock_guard lock(request_mutex_);
    stop_ = true;
  }
  request_changed_.notify_all();
  if (coordinator_.joinable()) coordinator_.join();
  {
    std::lock_guard lock(worker_mutex_);
    workers_stop_ = true;
  }
  worker_wake_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

uint64_t Collector::next_seed() {
  return seed_state_.fetch_add(0x9e3779b97f4a7c15u, std::memory_order_relaxed) *
         0xbf58476d1ce4e5b9u;
}

void Collector::request_cycle() {
  {
    std::lock_guard lock(request_mutex_);
    wanted_.store(true, std::memory_order_release);
    wanted_forced_ = true;
  }
  request_changed_.notify_one();
}

void Collector::request_due_cycle() {
  {
    std::lock_guard lock(request_mutex_);
    // Looked at again under the lock: while the caller waited for it the cycle may have begun, and
    // another one straight after it would find next to no garbage.
    if (wanted_.load(std::memory_order_relaxed) || !pacer.should_start()) return;
    wanted_.store(true, std::memory_order_release);
  }
  request_changed_.notify_one();
}

void Collector::collect() {
  // Whichever runtime the thread's current mutator belongs to: it waits here, so it blocks.
  BlockingScope blocking(current_mutator_or_null(), "collect");
  if (options_.mode == Mode::kStepping) {
    std::unique_lock lock(driver_mutex_);
    drive_one_cycle(&lock);
    return;
  }
  std::unique_lock lock(request_mutex_);
  // A cycle that has begun may have scanned what is garbage by now: only the next one counts.
  const uint64_t target = started_.load(std::memory_order_acquire) + 1;
  wanted_.store(true, std::memory_order_release);
  wanted_forced_ = true;
  request_changed_.notify_one();
  const TimedWait wait("collect");
  cycle_done_.wait(lock, [&] { return completed_.load(std::memory_order_acquire) >= target; });
}

// Stepping mode: finishes the cycle that runs, if one does, then runs a whole one.
void Collector::drive_one_cycle(std::unique_lock<std::mutex>*) {
  const auto run = [this] {
    while (true) {
      const Progress progress = advance(SIZE_MAX);
      if (progress == Progress::kWaiting) world.wait_done();
      if (phase() == Phase::kIdle) return;
    }
  };
  if (phase() != Phase::kIdle) run();
  request_cycle();
  run();
}

Progress Collector::step(size_t objects) {
  GREYHOUND_CHECK(options_.mode == Mode::kStepping);
  BlockingScope blocking(current_mutator_or_null(), "step");
  std::lock_guard lock(driver_mutex_);
  world.answer_blocked();
  return advance(objects);
}

// Lets the mutators have their half before the cycle that is wanted, unless somebody waits for it.
void Collector::rest(std::unique_lock<std::mutex>* lock) {
  const auto wanted_now = [this] { return stop_ || wanted_forced_; };
  resting_.store(true, std::memory_order_relaxed);
  for (uint64_t now = monotonic_ns(); now < limiter.rest_until_ns() && !wanted_now();
       now = monotonic_ns()) {
    request_changed_.wait_for(*lock, std::chrono::nanoseconds(limiter.rest_until_ns() - now),
                              wanted_now);
  }
  resting_.store(false, std::memory_order_relaxed);
}

void Collector::coordinator_loop() {
  const ListedThread listed(&threads, ThreadKind::kCoordinator, "coordinator", this);
  tls_waits = &waits;
  set_fatal_context(describe_collector, this);
  std::unique_lock lock(request_mutex_);
  while (true) {
    request_changed_.wait(lock,
                          [this] { return stop_ || wanted_.load(std::memory_order_acquire); });
    rest(&lock);
    if (stop_) return;
    lock.unlock();
    while (true) {
      const Progress progress = advance(SIZE_MAX);
      if (progress == Progress::kWaiting) world.wait_done();
      if (phase() == Phase::kIdle) break;
    }
    lock.lock();
    cycle_done_.notify_all();
  }
}

// Every marker is active from before the first one starts, so none sees the pool quiet too early.
void Collector::drain_parallel() {
  const size_t helpers = worker_count_ - 1;
  if (helpers > 0 && worker_markers_.empty()) {
    for (size_t i = 0; i < helpers; ++i) {
      worker_markers_.push_back(std::make_unique<Marker>(&heap, &pool, &pacer));
    }
    for (size_t i = 0; i < helpers; ++i) workers_.emplace_back([this, i] { worker_loop(i); });
  }
  pool.become_active();
  if (helpers > 0) {
    if (!marker_->gcDrain(kObjectsAlone)) return pacer.revise();
    std::lock_guard lock(worker_mutex_);
    for (size_t i = 0; i < helpers; ++i) pool.become_active();
    workers_busy_ = helpers;
    ++drain_epoch_;
    worker_wake_.notify_all();
  }
  marker_->gcDrain();
  pacer.revise();
  if (helpers == 0) return;
  std::unique_lock lock(worker_mutex_);
  const TimedWait wait("workers");
  worker_done_.wait(lock, [this] { return workers_busy_ == 0; });
}

void Collector::worker_loop(size_t index) {
  const ListedThread listed(&threads, ThreadKind::kWorker, "worker " + std::to_string(index + 1),
                            this);
  tls_waits = &waits;
  set_fatal_context(describe_collector, this);
  Marker* marker = worker_markers_[index].get();
  uint64_t seen = 0;
  std::unique_lock lock(worker_mutex_);
  while (true) {
    worker_wake_.wait(lock, [&] { return workers_stop_ || drain_epoch_ != seen; });
    if (workers_stop_) return;
    seen = drain_epoch_;
    lock.unlock();
    const uint64_t start = thread_cpu_ns();
    const uint64_t traced_from = tracer.on() ? monotonic_ns() : 0;
    marker->gcDrain();
    if (traced_from != 0) [[unlikely]] {
      tracer.note_worker(index, {.at_ns = traced_from,
                                 .duration_ns = monotonic_ns() - traced_from,
                                 .cycle = started_cycles(),
                                 .kind = EventKind::kDrain,
                                 .shape = EventShape::kWhole});
    }
    worker_cpu_ns_.fetch_add(thread_cpu_ns() - start, std::memory_order_relaxed);
    lock.lock();
    if (--workers_busy_ == 0) worker_done_.notify_all();
  }
}

bool Collector::waits_for_coordinator() const {
  if (options_.mode == Mode::kStepping || resting_.load(std::memory_order_relaxed)) return false;
  switch (phase()) {
    case Phase::kDrain:
      return false;
    case Phase::kIdle:
    case Phase::kSweep:
      return wanted_.load(std::memory_order_relaxed);
    default:
      return true;
  }
}

GREYHOUND_NOINLINE void Collector::wait_for_phase(Mutator* mutator) {
  const uint64_t start = monotonic_ns();
  {
    BlockingScope blocking(mutator, "waiting for a cycle to begin");
    const TimedWait wait("cycle start");
    // Cut short or refused, the next refill waits again.
    static_cast<void>(nanosleep(&kPhaseWait, nullptr));
  }
  record_assist(monotonic_ns() - start);
  if (tracer.on()) mutator->trace_since(start, EventKind::kWaitForCycle);
}

// Rule 7: gcDrainN is an active marker from its first pop to its last donation, with no safepoint
// inside. Between two of them a pending handshake ends the assist: its acknowledgement must not
// wait.
GREYHOUND_NOINLINE void Collector::gcAssistAlloc(Mutator* mutator) {
  if (options_.debug.gcserial != 0 || options_.mode != Mode::kConcurrent || limiter.limiting()) {
    mutator->assist_debt = 0;
    return;
  }
  mutator->assist_debt -= pacer.take_credit(mutator->assist_debt);
  if (mutator->assist_debt <= 0) return;
  const uint64_t start = monotonic_ns();
  const int64_t allowance = mutator->assist_allowance.at(start);
  // Well beyond the goal the markers are not getting the processor: let them have this one.
  const bool late = pacer.overshot();
  if (allowance <= 0 && !late) return;
  if (mutator->assist_marker == nullptr)
    mutator->assist_marker = std::make_unique<Marker>(&heap, &pool, &pacer);
  const int64_t owed = mutator->assist_debt;
  GREYHOUND_PROBE2(mark__assist__start, mutator->name().c_str(), owed);
  const uint64_t may_take = late ? kLatePatienceNs : static_cast<uint64_t>(allowance);
  uint64_t may_wait = std::min<uint64_t>(may_take, AssistAllowance::kMostNs);
  uint64_t taken = 0;
  uint64_t waited = 0;  // for the wait profile
  int64_t budget = std::max(mutator->assist_debt, kAssistLeast);
  while (budget > 0 && marking() &&
         mutator->request.load(std::memory_order_relaxed) == Handshake::kNone) {
    int64_t paid = mutator->assist_marker->gcDrainN(kAssistLeast);
    if (paid < 0) {
      // The others hold all there is: have them share, and let what they do meanwhile count.
      pool.ask_to_share();
      const uint64_t wait_start = waits.rate() != 0 ? monotonic_ns() : 0;
      if (late) {
        std::this_thread::yield();
      } else {
        for (int i = 0; i < 64; ++i) cpu_pause();
      }
      if (wait_start != 0) [[unlikely]]
        waited += monotonic_ns() - wait_start;
      paid = pacer.take_credit(budget);
      may_wait = may_take;
    }
    budget -= paid;
    mutator->assist_debt -= paid;
    taken = monotonic_ns() - start;
    if (taken > may_wait) break;
  }
  mutator->assist_allowance.took(taken);
  assists_.fetch_add(1, std::memory_order_relaxed);
  record_assist(taken);
  if (waited != 0) [[unlikely]]
    waits.record("assist", waited);
  const int64_t work_paid = owed - mutator->assist_debt;
  GREYHOUND_PROBE3(mark__assist__done, mutator->name().c_str(), taken, work_paid);
  if (tracer.on())
    mutator->trace_since(start, EventKind::kAssist, static_cast<uint64_t>(work_paid));
  std::lock_guard lock(assist_counts_mutex_);
  assist_counts_.merge(mutator->assist_marker->take_counts());
}

}  // namespace greyhound::gc
