// SPDX-License-Identifier: MIT
// How the runtimes of a program that makes many (the lab) come to its debug server: one ObserveAll
// where the server is, and an ObservedScope beside each runtime, which does nothing without it.
//
// Thread rules: one ObserveAll at a time; runtimes are made on the thread that made it.
#pragma once

#include "gc/cycle/collector.h"
#include "gc/options.h"
#include "runtime/watch/debughttp/observed_runtimes.h"

namespace greyhound::serve {

class ObserveAll {
 public:
  explicit ObserveAll(ObservedRuntimes* observed) : observed_(observed) { current_ = this; }
  ~ObserveAll() { current_ = nullptr; }
  ObserveAll(const ObserveAll&) = delete;
  ObserveAll& operator=(const ObserveAll&) = delete;

  // The one there is, or null.
  static ObserveAll* current() { return current_; }
  ObservedRuntimes* observed() const { return observed_; }

 private:
  static inline ObserveAll* current_ = nullptr;
  ObservedRuntimes* const observed_;
};

// Nanoseconds from wait sample to wait sample: so few that the waits cost nothing to record.
inline constexpr uint64_t kUsualWaitRate = 10'000;

// What a runtime that is to be observed is made with: sampled for the heap profile every 512 KiB,
// unless its options say otherwise.
inline runtime::Options observed_options(runtime::Options options) {
  if (ObserveAll::current() != nullptr && options.mem_profile_rate == 0)
    options.mem_profile_rate = kUsualProfileRate;
  return options;
}

// From construction to destruction, within the runtime's life.
class ObservedScope {
 public:
  explicit ObservedScope(runtime::Runtime& runtime) : runtime_(runtime) {
    if (ObserveAll* all = ObserveAll::current(); all != nullptr) observed_ = all->observed();
    if (observed_ == nullptr) return;
    if (runtime.collector().waits.rate() == 0) runtime.set_wait_profile_rate(kUsualWaitRate);
    observed_->add(runtime);
  }
  ~ObservedScope() {
    if (observed_ != nullptr) observed_->remove(runtime_);
  }
  ObservedScope(const ObservedScope&) = delete;
  ObservedScope& operator=(const ObservedScope&) = delete;

 private:
  runtime::Runtime& runtime_;
  ObservedRuntimes* observed_ = nullptr;
};

}  // namespace greyhound::serve
