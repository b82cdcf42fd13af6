// SPDX-License-Identifier: MIT
#include "runtime/profile/cpu_profiler.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <mutex>
#include <new>
#include <optional>
#include <random>
#include <unordered_map>

#include "gc/cycle/collector.h"
#include "gc/cycle/fork.h"
#include "gc/watch/stats.h"
#include "gc/watch/thread_list.h"
#include "runtime/base/os_thread.h"
#include "runtime/profile/cpu_clock.h"
#include "runtime/profile/thread_sampler.h"
#include "runtime/runtime.h"

namespace greyhound::runtime {
namespace {

// Above this a timer on the kernel's tick falls short.
constexpr unsigned kMostTimerRate = 250;
constexpr auto kReadInterval = std::chrono::milliseconds(100);
// What the ring has room for between two looks of the reader, several times over.
constexpr size_t kRingWordsPerRate = 32;
constexpr size_t kLeastRingWords = 16 << 10;

// There is one SIGPROF in a process.
std::atomic<bool> profiling{false};

struct Sampled {
  Sampled(const gc::ThreadEntry& thread, const CodeMap* code, size_t ring_words)
      : sampler(thread, code, ring_words), clock(thread.handle, thread.tid) {}

  ThreadSampler sampler;
  CpuClock clock;
};

void on_sigprof(int, siginfo_t*, void* context) {
  const int saved_errno = errno;
  gc::ThreadSampling* thread = gc::current_thread_sampling();
  // seq_cst, here and in detach(): either this sees null there, or that sees the handler here.
  thread->in_handler.fetch_add(1, std::memory_order_seq_cst);
  if (auto* sampled = static_cast<Sampled*>(thread->sampler.load(std::memory_order_seq_cst));
      sampled != nullptr) {
    sampled->sampler.take(static_cast<const ucontext_t*>(context));
    sampled->clock.rearm();
  }
  thread->in_handler.fetch_sub(1, std::memory_order_release);
  errno = saved_errno;
}

// Returns when no handler uses the thread's sampler any more.
void detach(gc::ThreadSampling* thread) {
  thread->sampler.store(nullptr, std::memory_order_seq_cst);
  while (thread->in_handler.load(std::memory_order_seq_cst) != 0) sched_yield();
}

class SignalHandler {
 public:
  SignalHandler() {
    struct sigaction action {};
    action.sa_sigaction = on_sigprof;
    action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGPROF, &action, &previous_) != 0)
      throw ProfileError(std::string("SIGPROF cannot be handled: ") + std::strerror(errno));
  }
  // A signal that is still on its way to a thread would kill a process that does not handle it:
  // ignoring it for a moment has the kernel forget it. REQUIRES: nothing sends any more.
  ~SignalHandler() {
    struct sigaction ignore {};
    ignore.sa_handler = SIG_IGN;
    // Refused, the handler stays; it finds no sampler and does nothing.
    sigaction(SIGPROF, &ignore, nullptr);
    sigaction(SIGPROF, &previous_, nullptr);
  }
  SignalHandler(const SignalHandler&) = delete;
  SignalHandler& operator=(const SignalHandler&) = delete;

 private:
  struct sigaction previous_ {};
};

// Samples, added up by stack and labels.
class Records {
 public:
  void add(std::vector<uintptr_t> stack, LabelSet labels, uint64_t samples, uint64_t cpu_ns) {
    Totals& totals = records_[{std::move(stack), std::move(labels)}];
    totals.samples += samples;
    totals.cpu_ns += cpu_ns;
  }
  // Makes the CPU time of all `total_ns` by giving each its share of what is missing, and adds them
  // to `sum`. REQUIRES: not empty.
  void settle(uint64_t total_ns, Records* sum) {
    uint64_t have = 0;
    for (const auto& [key, totals] : records_) have += totals.cpu_ns;
    uint64_t left = total_ns;
    size_t more = records_.size();
    for (auto& [key, totals] : records_) {
      const double share = have == 0
                               ? 1.0 / static_cast<double>(records_.size())
                               : static_cast<double>(totals.cpu_ns) / static_cast<double>(have);
      auto ns = static_cast<uint64_t>(share * static_cast<double>(total_ns));
      if (--more == 0 || ns > left) ns = left;
      left -= ns;
      sum->add(key.stack, key.labels, totals.samples, ns);
    }
    records_.clear();
  }
  bool empty() const { return records_.empty(); }
  void move_to(std::vector<CpuRecord>* out) {
    for (auto& [key, totals] : records_)
      out->push_back({key.stack, key.labels, totals.samples, totals.cpu_ns});
    records_.clear();
  }

 private:
  struct Key {
    std::vector<uintptr_t> stack;
    LabelSet labels;
    bool operator==(const Key&) const = default;
  };
  struct Hash {
    size_t operator()(const Key& key) const {
      uint64_t hash = key.stack.size();
      const auto mix = [&hash](uint64_t word) { hash = (hash ^ word) * 0x9e3779b97f4a7c15u; };
      for (const uintptr_t address : key.stack) mix(address);
      for (const auto& [name, value] : key.labels) mix(std::hash<std::string>()(value));
      return hash ^ (hash >> 32);
    }
  };
  struct Totals {
    uint64_t samples = 0;
    uint64_t cpu_ns = 0;
  };
  std::unordered_map<Key, Totals, Hash> records_;
};

}  // namespace

// Lock order: lists_mutex_, then a list's own lock, then mutex_. A forked child is not profiled: no
// timer comes along, and the perf events are the parent's.
class CpuProfiler::Session : public gc::ThreadObserver, public gc::ForkParticipant {
 public:
  explicit Session(const CpuProfileOptions& options) : options_(options) {
    profile_.rate = options.rate;
    profile_.start_time_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                                 std::chrono::system_clock::now().time_since_epoch())
                                 .count();
    started_ns_ = gc::monotonic_ns();
    random_.seed(started_ns_);
    if (const int error = reader_.start<&Session::read_until_stopped>("gh-profile", this);
        error != 0) {
      throw ProfileError(std::string("a CPU profile's reader thread cannot be started: ") +
                         std::strerror(error));
    }
    if (!gc::add_fork_participant(this, gc::ForkOrder::kInnermost)) {
      end_reader();
      throw ProfileError("there is no memory for a CPU profile's fork handlers");
    }
  }
  ~Session() override { gc::remove_fork_participant(this); }

  void observe(gc::ThreadList* list, const std::shared_ptr<Session>& self) {
    std::lock_guard lock(lists_mutex_);
    if (forked_ || std::ranges::find(lists_, list) != lists_.end()) return;
    list->observe(self);
    lists_.push_back(list);
  }

  CpuProfile stop() {
    {
      std::lock_guard lock(lists_mutex_);
      for (gc::ThreadList* list : lists_) list->observe(nullptr);
      lists_.clear();
    }
    end_reader();
    handler_.reset();
    profile_.duration_ns = gc::monotonic_ns() - started_ns_;
    profile_.source = used_timers_ && used_perf_ ? "thread CPU timers and perf task clock"
                      : used_perf_               ? "perf task clock"
                                                 : "thread CPU timers";
    Records records;
    for (auto& [name, group] : groups_) {
      profile_.cpu_ns += group.used_ns;
      if (!group.records.empty()) {
        group.records.settle(group.used_ns, &records);
      } else if (group.used_ns != 0) {
        records.add({}, {{"thread", name}}, 0, group.used_ns);
      }
    }
    records.move_to(&profile_.records);
    return std::move(profile_);
  }

  void thread_started(const gc::ThreadEntry& thread) override {
    std::lock_guard lock(mutex_);
    Thread& entry = threads_[thread.sampling];
    if (entry.lists++ != 0) return;
    const size_t words = std::max(kLeastRingWords, options_.rate * kRingWordsPerRate);
    entry.sampled = std::make_unique<Sampled>(thread, &code_, words);
    entry.start_ns = entry.last_ns = entry.sampled->clock.now();
    entry.group = &groups_[thread.name];
    ++profile_.threads;
    thread.sampling->sampler.store(entry.sampled.get(), std::memory_order_seq_cst);
    Turn turn;
    if (!entry.group->turns.empty()) {
      turn = entry.group->turns.back();
      entry.group->turns.pop_back();
    }
    entry.carried_ns = turn.carried_ns;
    start_clock(&entry.sampled->clock, turn.left_ns);
  }

  void thread_ending(const gc::ThreadEntry& thread) override {
    std::lock_guard lock(mutex_);
    const auto found = threads_.find(thread.sampling);
    if (found == threads_.end() || --found->second.lists != 0) return;
    Thread& entry = found->second;
    detach(thread.sampling);
    const uint64_t left = entry.sampled->clock.stop();
    read_samples(&entry);
    profile_.dropped += entry.sampled->sampler.dropped();
    const uint64_t now = std::max(entry.sampled->clock.now(), entry.last_ns);
    entry.group->used_ns += now - entry.start_ns;
    entry.group->turns.push_back({left, entry.carried_ns + now - entry.last_ns});
    threads_.erase(found);
  }

  void list_ending(gc::ThreadList* list) override {
    std::lock_guard lock(lists_mutex_);
    std::erase(lists_, list);
  }

  void quiesce(uint64_t) override { lists_mutex_.lock(); }
  void lock() override { mutex_.lock(); }
  void in_parent() override {
    mutex_.unlock();
    lists_mutex_.unlock();
  }
  void in_child() override {
    for (auto& [sampling, thread] : threads_) {
      sampling->sampler.store(nullptr, std::memory_order_seq_cst);
      thread.sampled->clock.forget();
    }
    threads_.clear();
    groups_.clear();
    lists_.clear();
    handler_.reset();
    reader_.forget();
    new (&wake_) std::condition_variable();
    forked_ = true;
    profiling.store(false, std::memory_order_relaxed);
    in_parent();
  }
  // Since the profile began; this is the child.
  bool forked() const { return forked_; }

 private:
  // What a thread hands to the next one of its name: a program whose threads are all shorter than a
  // period is sampled as if they were one.
  struct Turn {
    uint64_t left_ns = 0;     // until the next sample is due; 0: not known
    uint64_t carried_ns = 0;  // CPU time since the last one
  };
  // The threads of one name.
  struct Group {
    Records records;
    uint64_t used_ns = 0;  // by those that have ended
    std::vector<Turn> turns;
  };
  struct Thread {
    std::unique_ptr<Sampled> sampled;
    Group* group = nullptr;
    unsigned lists = 0;  // of how many runtimes it is a thread
    uint64_t start_ns = 0;
    uint64_t last_ns = 0;  // its clock at the last sample
    uint64_t carried_ns = 0;
  };

  // The first signal of all comes anywhere in the first period.
  void start_clock(CpuClock* clock, uint64_t left) {
    const uint64_t period = 1'000'000'000u / options_.rate;
    const bool perf =
        options_.perf == CpuProfileOptions::Perf::kAlways ||
        (options_.perf == CpuProfileOptions::Perf::kAuto && options_.rate > kMostTimerRate);
    if (perf && clock->start_perf(period)) {
      used_perf_ = true;
    } else if (clock->start_timer(left != 0 ? left : 1 + random_() % period, period)) {
      used_timers_ = true;
    } else {
      ++profile_.without_clock;
    }
  }

  // A timer in place of a perf event that sends no more.
  void replace_clock(CpuClock* clock) {
    clock->stop();
    const uint64_t period = 1'000'000'000u / options_.rate;
    if (clock->start_timer(period, period)) {
      used_timers_ = true;
    } else {
      ++profile_.without_clock;
    }
  }

  void read_samples(Thread* thread) {
    StackSample sample;
    while (thread->sampled->sampler.read(&sample)) {
      const uint64_t at = std::max(sample.thread_cpu_ns, thread->last_ns);
      thread->group->records.add(std::move(sample.stack), std::move(sample.labels), 1,
                                 at - thread->last_ns + thread->carried_ns);
      thread->last_ns = at;
      thread->carried_ns = 0;
      ++profile_.samples;
      profile_.broken_stacks += sample.broken ? 1 : 0;
    }
  }

  void end_reader() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_all();
    reader_.join();
  }

  void read_until_stopped() {
    std::unique_lock lock(mutex_);
    while (!stopped_) {
      wake_.wait_for(lock, kReadInterval);
      for (auto& [sampling, thread] : threads_) {
        read_samples(&thread);
        if (thread.sampled->clock.lost()) replace_clock(&thread.sampled->clock);
      }
    }
  }

  const CpuProfileOptions options_;
  const CodeMap code_;
  std::optional<SignalHandler> handler_{std::in_place};  // until stop()
  std::mutex lists_mutex_;
  std::vector<gc::ThreadList*> lists_;  // protected by lists_mutex_
  std::mutex mutex_;                    // of everything below
  std::condition_variable wake_;
  bool stopped_ = false;
  bool forked_ = false;  // written in a child only, before it has a second thread
  uint64_t started_ns_ = 0;
  bool used_perf_ = false;
  bool used_timers_ = false;
  std::minstd_rand random_;
  std::unordered_map<gc::ThreadSampling*, Thread> threads_;
  std::unordered_map<std::string, Group> groups_;
  CpuProfile profile_;
  OsThread reader_;
};

CpuProfiler::CpuProfiler(const CpuProfileOptions& options) {
  if (options.rate == 0 || options.rate > kMostCpuProfileRate) {
    throw ProfileError("a CPU profile takes from 1 to " + std::to_string(kMostCpuProfileRate) +
                       " samples a second, not " + std::to_string(options.rate));
  }
  if (profiling.exchange(true, std::memory_order_acq_rel))
    throw ProfileError("a CPU profile is running in this process already; stop it first");
  try {
    session_ = std::make_shared<Session>(options);
  } catch (...) {
    profiling.store(false, std::memory_order_release);
    throw;
  }
}

CpuProfiler::~CpuProfiler() {
  if (session_ != nullptr) stop();
}

void CpuProfiler::add(Runtime& runtime) {
  session_->observe(&runtime.collector().threads, session_);
}

CpuProfile CpuProfiler::stop() {
  if (session_->forked()) {
    session_.reset();
    return {};
  }
  CpuProfile profile = session_->stop();
  session_.reset();
  profiling.store(false, std::memory_order_release);
  return profile;
}

}  // namespace greyhound::runtime
