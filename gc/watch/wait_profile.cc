// SPDX-License-Identifier: MIT
#include "gc/watch/wait_profile.h"

#include <cstring>

#include "gc/watch/stats.h"
#include "runtime/base/backtrace.h"

namespace greyhound::gc {
namespace {

// In [0, 1). Waits are no steady beat, so the clock's low bits, well mixed, will do.
double uniform() {
  uint64_t z = monotonic_ns() * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

}  // namespace

constinit thread_local WaitProfile* tls_waits __attribute__((tls_model("initial-exec"))) = nullptr;
static constinit thread_local StackEnd tls_stack_end = nullptr;

void set_thread_waits(WaitProfile* profile, StackEnd stack_end) {
  tls_waits = profile;
  tls_stack_end = stack_end;
}

GREYHOUND_NOINLINE void WaitProfile::record(const char* what, uint64_t ns) {
  const uint64_t every = rate();
  if (every == 0) return;
  double weight = 1;
  if (ns < every) {
    if (uniform() * static_cast<double>(every) >= static_cast<double>(ns)) return;
    weight = static_cast<double>(every) / static_cast<double>(ns);
  }
  uintptr_t stack[kMaxDepth];
  const uintptr_t own_end = tls_stack_end != nullptr ? tls_stack_end() : 0;
  const size_t depth = walk_frames(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)),
                                   own_end != 0 ? own_end : thread_stack_end(), stack, kMaxDepth);
  WaitRecord site;
  site.what = what;
  site.stack.assign(stack, stack + depth);
  site.labels = current_labels();
  std::lock_guard lock(mutex_);
  Totals& totals = sites_[std::move(site)];
  totals.count += weight;
  totals.delay_ns += weight * static_cast<double>(ns);
}

std::vector<WaitRecord> WaitProfile::records() {
  std::vector<WaitRecord> result;
  std::lock_guard lock(mutex_);
  result.reserve(sites_.size());
  for (const auto& [site, totals] : sites_) {
    WaitRecord record = site;
    record.count = totals.count;
    record.delay_ns = totals.delay_ns;
    result.push_back(std::move(record));
  }
  return result;
}

size_t WaitProfile::Hash::operator()(const WaitRecord& record) const {
  uint64_t hash = std::hash<std::string_view>()(record.what);
  const auto mix = [&hash](uint64_t word) { hash = (hash ^ word) * 0x9e3779b97f4a7c15u; };
  for (const uintptr_t address : record.stack) mix(address);
  for (const auto& [key, value] : record.labels) {
    mix(std::hash<std::string>()(key));
    mix(std::hash<std::string>()(value));
  }
  return hash ^ (hash >> 32);
}

bool WaitProfile::SameSite::operator()(const WaitRecord& a, const WaitRecord& b) const {
  return std::strcmp(a.what, b.what) == 0 && a.stack == b.stack && a.labels == b.labels;
}

uint64_t TimedWait::now() { return monotonic_ns(); }

}  // namespace greyhound::gc
