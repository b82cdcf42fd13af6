// SPDX-License-Identifier: MIT
#include "gc/watch/mprof.h"

#include <algorithm>
#include <cmath>

#include "gc/watch/stats.h"
#include "runtime/base/backtrace.h"

namespace greyhound::gc {

double unsampled(uint64_t sampled, uint64_t size, uint64_t rate) {
  if (rate <= 1) return static_cast<double>(sampled);
  const double ratio = static_cast<double>(size) / static_cast<double>(rate);
  return static_cast<double>(sampled) / -std::expm1(-ratio);
}

uint64_t MemProfile::next_gap(SplitMix64* random) const {
  if (rate_ <= 1) return 0;
  // In (0, 1].
  const double uniform = static_cast<double>((random->next() >> 11) + 1) * 0x1p-53;
  return static_cast<uint64_t>(-static_cast<double>(rate_) * std::log(uniform));
}

uint32_t MemProfile::cut_run(Sampler* sampler, uint64_t size, uint32_t count,
                             bool* first_due) const {
  uint32_t slots = 0;  // that may be handed out before the next one to be recorded
  const auto draw = [&] {
    return static_cast<uint32_t>(std::min<uint64_t>(next_gap(sampler->random) / size, count));
  };
  if (!*first_due) slots = draw();
  if (slots == 0) {
    sampler->due = true;
    slots = 1 + draw();
  }
  *first_due = slots < count;
  return std::min(count, slots);
}

void MemProfile::sample_large(Sampler* sampler, uint64_t bytes) const {
  if (rate_ != 0 && next_gap(sampler->random) < bytes) sampler->due = true;
}

bool MemProfile::wants_room() {
  constexpr size_t kLarge = 1 << 16;
  std::lock_guard lock(mutex_);
  const size_t next = live_.size() + 1;
  return next >= kLarge &&
         static_cast<double>(next) > static_cast<double>(live_.max_load_factor()) *
                                         static_cast<double>(live_.bucket_count());
}

void MemProfile::make_room() {
  std::lock_guard lock(mutex_);
  live_.reserve(2 * live_.size());
}

void MemProfile::record(const MemSample& sample) {
  uintptr_t stack[kMaxDepth];
  const size_t depth = walk_frames(sample.frame, sample.stack_end, stack, kMaxDepth);
  MemRecord site;
  site.stack.assign(stack, stack + depth);
  site.size = sample.size;
  site.type = sample.type;
  site.labels = current_labels();
  std::lock_guard lock(mutex_);
  const auto [entry, fresh] = sites_.try_emplace(std::move(site));
  Counts& counts = entry->second;
  if (fresh) counts.work = work_of(entry->first);
  counts.allocs.fetch_add(1, std::memory_order_relaxed);
  live_[sample.object] = {&counts, sample.black_in};
}

double MemProfile::work_of(const MemRecord& site) const {
  MarkCounts counts;
  counts.objects_greyed = 1;
  if (site.type != nullptr && !site.type->noscan()) {
    for (size_t word = 0; word < site.type->ptrdata / kWordBytes; ++word)
      counts.words_scanned += site.type->is_pointer_word(word) ? 1 : 0;
    // Elements repeat to the slot's end.
    counts.words_scanned *= std::max<uint64_t>(1, site.size / site.type->size);
  }
  return static_cast<double>(counts.work()) * unsampled(1, site.size, rate_);
}

// The table is taken out, so that no allocation waits for the whole of it.
void MemProfile::free_dead(const std::function<bool(uintptr_t)>& is_marked) {
  if (rate_ == 0) return;
  Live before;
  {
    std::lock_guard lock(mutex_);
    before.swap(live_);
  }
  const uint64_t cycle = cycle_.load(std::memory_order_relaxed);
  // What is recorded from here on is black.
  std::erase_if(before, [&, this](const auto& entry) {
    Counts& counts = *entry.second.counts;
    if (!is_marked(entry.first)) {
      counts.frees.fetch_add(1, std::memory_order_relaxed);
      return true;
    }
    if (entry.second.black_in != cycle) {
      if (counts.work_in_cycle == 0) survivors_.push_back(&counts);
      counts.work_in_cycle += counts.work;
    }
    return false;
  });
  std::lock_guard lock(mutex_);
  before.merge(live_);
  live_.swap(before);
}

void MemProfile::charge(MarkTimes times) {
  if (rate_ == 0) return;
  double work = 0;
  for (const Counts* site : survivors_) work += site->work_in_cycle;
  if (work == 0) {
    uncharged_mark_ns_.fetch_add(times.mark_ns, std::memory_order_relaxed);
    uncharged_assist_ns_.fetch_add(times.assist_ns, std::memory_order_relaxed);
  }
  for (Counts* site : survivors_) {
    const double share = site->work_in_cycle / work;
    const auto add = [share](std::atomic<double>* sum, uint64_t ns) {
      const double part = static_cast<double>(ns) * share;
      sum->store(sum->load(std::memory_order_relaxed) + part, std::memory_order_relaxed);
    };
    add(&site->mark_ns, times.mark_ns);
    add(&site->assist_ns, times.assist_ns);
    site->work_in_cycle = 0;
  }
  survivors_.clear();
}

MarkTimes MemProfile::uncharged() const {
  return {uncharged_mark_ns_.load(std::memory_order_relaxed),
          uncharged_assist_ns_.load(std::memory_order_relaxed)};
}

std::vector<MemRecord> MemProfile::records() {
  // Sites stay where they are and are never taken out, so that only their list is made under the
  // lock, which allocating threads wait for, not blocked.
  std::vector<const Sites::value_type*> sites;
  {
    std::lock_guard lock(mutex_);
    sites.reserve(sites_.size());
    for (const auto& entry : sites_) sites.push_back(&entry);
  }
  std::vector<MemRecord> result;
  result.reserve(sites.size());
  for (const Sites::value_type* entry : sites) {
    MemRecord record = entry->first;
    const Counts& counts = entry->second;
    record.frees = counts.frees.load(std::memory_order_relaxed);
    record.allocs = counts.allocs.load(std::memory_order_relaxed);
    const auto rounded = [](const std::atomic<double>& ns) {
      return static_cast<uint64_t>(std::llround(ns.load(std::memory_order_relaxed)));
    };
    record.mark_ns = rounded(counts.mark_ns);
    record.assist_ns = rounded(counts.assist_ns);
    result.push_back(std::move(record));
  }
  return result;
}

size_t MemProfile::Hash::operator()(const MemRecord& record) const {
  uint64_t hash = record.size ^ reinterpret_cast<uintptr_t>(record.type);
  const auto mix = [&hash](uint64_t word) { hash = (hash ^ word) * 0x9e3779b97f4a7c15u; };
  for (const uintptr_t address : record.stack) mix(address);
  for (const auto& [key, value] : record.labels) {
    mix(std::hash<std::string>()(key));
    mix(std::hash<std::string>()(value));
  }
  return hash ^ (hash >> 32);
}

bool MemProfile::SameSite::operator()(const MemRecord& a, const MemRecord& b) const {
  return a.size == b.size && a.type == b.type && a.stack == b.stack && a.labels == b.labels;
}

}  // namespace greyhound::gc
