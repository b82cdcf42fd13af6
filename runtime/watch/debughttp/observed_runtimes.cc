// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/observed_runtimes.h"

#include <algorithm>
#include <chrono>
#include <tuple>

#include "gc/cycle/collector.h"
#include "runtime/watch/pprof/heap_profile.h"

namespace greyhound::serve {
namespace {

int64_t unix_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// When the last cycle ended, since 1970; 0 when none has, or longer ago than the log reaches.
int64_t cycle_end_ns(const gc::Collector& collector) {
  if (collector.completed_cycles() == 0) return 0;
  gc::PhaseLog::Entry entry;
  for (size_t i = 0; collector.phases.recent(i, &entry); ++i) {
    if (entry.phase == gc::Phase::kIdle)
      return unix_ns() - static_cast<int64_t>(gc::monotonic_ns() - entry.at_ns);
  }
  return 0;
}

void add_sizes(gc::GcStats* to, const gc::GcStats& from) {
  to->heap_live += from.heap_live;
  // No goal at all is the greatest number there is.
  to->heap_goal =
      from.heap_goal > UINT64_MAX - to->heap_goal ? UINT64_MAX : to->heap_goal + from.heap_goal;
  to->heap_pages_bytes += from.heap_pages_bytes;
  to->heap_resident_bytes += from.heap_resident_bytes;
  to->metadata_bytes += from.metadata_bytes;
}

auto key_of(const gc::MemRecord& record) {
  return std::tie(record.stack, record.size, record.labels);
}
auto key_of(const gc::WaitRecord& record) {
  return std::tie(record.stack, record.what, record.labels);
}
void accumulate(gc::MemRecord* to, const gc::MemRecord& from) {
  to->allocs += from.allocs;
  to->frees += from.frees;
  to->mark_ns += from.mark_ns;
  to->assist_ns += from.assist_ns;
}
void accumulate(gc::WaitRecord* to, const gc::WaitRecord& from) {
  to->count += from.count;
  to->delay_ns += from.delay_ns;
}
void accumulate(gc::MarkTimes* to, const gc::MarkTimes& from) {
  to->mark_ns += from.mark_ns;
  to->assist_ns += from.assist_ns;
}

// What lived is freed.
gc::MemRecord outlived(gc::MemRecord record) {
  pprof::name_type(&record);
  record.frees = record.allocs;
  return record;
}

// One record for each site.
template <class Record>
void merge_sites(std::vector<Record>* records) {
  std::ranges::sort(*records,
                    [](const Record& a, const Record& b) { return key_of(a) < key_of(b); });
  size_t kept = 0;
  for (size_t i = 0; i < records->size(); ++i) {
    Record& record = (*records)[i];
    if (kept != 0 && key_of((*records)[kept - 1]) == key_of(record)) {
      accumulate(&(*records)[kept - 1], record);
    } else if (kept++ != i) {
      (*records)[kept - 1] = std::move(record);
    }
  }
  records->resize(kept);
}

}  // namespace

void add_counts(gc::GcStats* to, const gc::GcStats& from) {
  using gc::GcStats;
  for (const auto field :
       {&GcStats::cycles, &GcStats::forced_cycles, &GcStats::rounds, &GcStats::escalations,
        &GcStats::limited_cycles, &GcStats::idle_cycles, &GcStats::mallocs, &GcStats::frees,
        &GcStats::alloc_bytes, &GcStats::barrier_hits, &GcStats::barrier_shades, &GcStats::assists,
        &GcStats::assist_ns, &GcStats::mark_cpu_ns, &GcStats::sweep_ns, &GcStats::sweep_cpu_ns,
        &GcStats::spans_swept, &GcStats::stalled_handshakes}) {
    to->*field += from.*field;
  }
  to->holds.merge(from.holds);
  to->time_to_safepoint.merge(from.time_to_safepoint);
  to->assist_times.merge(from.assist_times);
  for (size_t i = 0; i <= gc::RoundsHistogram::kMost; ++i)
    to->rounds_per_cycle.cycles[i] += from.rounds_per_cycle.cycles[i];
  to->mark.merge(from.mark);
}

class ObservedRuntimes::Held {
 public:
  // `to_collect`: what is leaving is not held.
  explicit Held(ObservedRuntimes* observed, bool to_collect = false) : observed_(observed) {
    std::lock_guard lock(observed->mutex_);
    gone = observed->gone_;
    gone_cycle_end_ns = observed->gone_cycle_end_ns_;
    for (Entry& entry : observed->entries_) {
      if (to_collect && entry.leaving) continue;
      ++entry.users;
      entries.push_back(&entry);
    }
  }
  ~Held() {
    std::lock_guard lock(observed_->mutex_);
    for (Entry* entry : entries) --entry->users;
    observed_->unused_.notify_all();
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  gc::GcStats gone;  // of what was there before
  int64_t gone_cycle_end_ns = 0;
  std::vector<Entry*> entries;  // the one made last is the last

 private:
  ObservedRuntimes* const observed_;
};

void ObservedRuntimes::add(runtime::Runtime& runtime) {
  const gc::BlockingScope blocking(gc::current_mutator_or_null(), "joining the debug server");
  std::lock_guard watching(watch_mutex_);
  {
    std::lock_guard lock(mutex_);
    entries_.push_back({&runtime});
  }
  for (Watcher* watcher : watchers_) watcher->added(runtime);
}

void ObservedRuntimes::remove(runtime::Runtime& runtime) {
  runtime.stats();  // counts what the calling thread's mutator has not counted yet
  const gc::BlockingScope blocking(gc::current_mutator_or_null(), "leaving the debug server");
  std::lock_guard watching(watch_mutex_);
  for (Watcher* watcher : watchers_) watcher->removing(runtime);
  std::unique_lock lock(mutex_);
  const auto leaving = std::ranges::find(entries_, &runtime, &Entry::runtime);
  if (leaving == entries_.end()) return;
  leaving->leaving = true;
  unused_.wait(lock, [&] { return leaving->users == 0; });
  // From being there to having been in one step: no reader sees it neither way, nor both.
  take_leave(*leaving);
  entries_.erase(leaving);
}

void ObservedRuntimes::take_leave(const Entry& entry) {
  const gc::Collector& collector = entry.runtime->collector();
  const gc::GcStats last = entry.runtime->stats();
  add_counts(&gone_, last);
  if (const int64_t end = cycle_end_ns(collector); end > gone_cycle_end_ns_) {
    gone_cycle_end_ns_ = end;
    gone_.last_cycle = last.last_cycle;
  }
  accumulate(&gone_uncharged_, entry.runtime->uncharged_marking());
  std::vector<gc::MemRecord>& sites = gone_samples_[collector.mem_profile.rate()];
  for (gc::MemRecord& record : entry.runtime->heap_profile())
    sites.push_back(outlived(std::move(record)));
  merge_sites(&sites);
  std::vector<gc::WaitRecord>& waits = gone_waits_[collector.waits.rate()];
  for (gc::WaitRecord& record : entry.runtime->wait_profile()) waits.push_back(std::move(record));
  merge_sites(&waits);
  gone_samples_.erase(0);  // of runtimes that do not sample
  gone_waits_.erase(0);
}

Snapshot ObservedRuntimes::snapshot() {
  const Held held(this);
  Snapshot snapshot;
  snapshot.stats = held.gone;
  snapshot.last_cycle_end_ns = held.gone_cycle_end_ns;
  snapshot.runtimes = held.entries.size();
  for (const Entry* entry : held.entries) {
    gc::Collector& collector = entry->runtime->collector();
    const gc::GcStats stats = collector.stats();
    add_counts(&snapshot.stats, stats);
    add_sizes(&snapshot.stats, stats);
    if (const int64_t end = cycle_end_ns(collector); end > snapshot.last_cycle_end_ns) {
      snapshot.last_cycle_end_ns = end;
      snapshot.stats.last_cycle = stats.last_cycle;
    }
    snapshot.mutators += collector.world.count();
    snapshot.memory_limit += collector.pacer.memory_limit();
    snapshot.max_heap += collector.heap.max_heap();
    snapshot.gc_percent = collector.pacer.gc_percent();
    snapshot.limiter_on = snapshot.limiter_on || collector.limiter.limiting();
    snapshot.phase = gc::phase_name(collector.phase());
  }
  return snapshot;
}

std::vector<MutatorLine> ObservedRuntimes::mutators() {
  const Held held(this);
  std::vector<MutatorLine> lines;
  for (const Entry* entry : held.entries) {
    entry->runtime->collector().world.for_each([&](gc::Mutator* mutator) {
      const bool running = mutator->state() == gc::MutatorState::kRunning;
      lines.push_back(
          {mutator->name(), running ? "running" : "blocked", mutator->last_safepoint()});
    });
  }
  return lines;
}

HeapSamples ObservedRuntimes::heap_samples() {
  const Held held(this);
  HeapSamples samples;
  {
    std::lock_guard lock(mutex_);
    samples = gone_samples_;
  }
  for (const Entry* entry : held.entries) {
    const uint64_t rate = entry->runtime->collector().mem_profile.rate();
    if (rate == 0) continue;
    for (gc::MemRecord& record : entry->runtime->heap_profile()) {
      pprof::name_type(&record);
      samples[rate].push_back(std::move(record));
    }
  }
  return samples;
}

WaitSamples ObservedRuntimes::wait_samples() {
  const Held held(this);
  WaitSamples samples;
  {
    std::lock_guard lock(mutex_);
    samples = gone_waits_;
  }
  for (const Entry* entry : held.entries) {
    const uint64_t rate = entry->runtime->collector().waits.rate();
    if (rate == 0) continue;
    for (gc::WaitRecord& record : entry->runtime->wait_profile())
      samples[rate].push_back(std::move(record));
  }
  return samples;
}

gc::MarkTimes ObservedRuntimes::uncharged_marking() {
  const Held held(this);
  gc::MarkTimes times;
  {
    std::lock_guard lock(mutex_);
    times = gone_uncharged_;
  }
  for (const Entry* entry : held.entries) accumulate(&times, entry->runtime->uncharged_marking());
  return times;
}

void ObservedRuntimes::collect() {
  const Held held(this, true);
  for (const Entry* entry : held.entries) entry->runtime->collect();
}

ObservedRuntimes::Watch::Watch(ObservedRuntimes* observed, Watcher* watcher)
    : observed_(observed), watcher_(watcher) {
  std::lock_guard watching(observed->watch_mutex_);
  observed->watchers_.push_back(watcher);
  const Held held(observed);
  for (const Entry* entry : held.entries) watcher->added(*entry->runtime);
}

ObservedRuntimes::Watch::~Watch() {
  std::lock_guard watching(observed_->watch_mutex_);
  std::erase(observed_->watchers_, watcher_);
  const Held held(observed_);
  for (const Entry* entry : held.entries) watcher_->removing(*entry->runtime);
}

}  // namespace greyhound::serve
