// SPDX-License-Identifier: MIT
// How the runtimes of a program that makes many (the lab) come to its debug server: one ShowAll
// where the server is, and a ShownScope beside each runtime, which does nothing without it.
//
// Thread rules: one ShowAll at a time; runtimes are made on the thread that made it.
#pragma once

#include "gc/options.h"
#include "runtime/watch/debughttp/observed_runtimes.h"

namespace greyhound::serve {

class ShowAll {
 public:
  explicit ShowAll(Observed* observed) : observed_(observed) { current_ = this; }
  ~ShowAll() { current_ = nullptr; }
  ShowAll(const ShowAll&) = delete;
  ShowAll& operator=(const ShowAll&) = delete;

  // The one there is, or null.
  static ShowAll* current() { return current_; }
  Observed* observed() const { return observed_; }

 private:
  static inline ShowAll* current_ = nullptr;
  Observed* const observed_;
};

// Nanoseconds from wait sample to wait sample: so few that the waits cost nothing to record.
inline constexpr uint64_t kUsualWaitRate = 10'000;

// What a runtime that is to be shown is made with: sampled for the heap profile every 512 KiB,
// unless its options say otherwise.
inline runtime::Options shown(runtime::Options options) {
  if (ShowAll::current() != nullptr && options.mem_profile_rate == 0)
    options.mem_profile_rate = kUsualProfileRate;
  return options;
}

// From construction to destruction, within the runtime's life.
class ShownScope {
 public:
  explicit ShownScope(runtime::Runtime& runtime) : runtime_(runtime) {
    if (ShowAll* all = ShowAll::current(); all != nullptr) observed_ = all->observed();
    if (observed_ == nullptr) return;
    if (runtime.collector().waits.rate() == 0) runtime.set_wait_profile_rate(kUsualWaitRate);
    observed_->add(runtime);
  }
  ~ShownScope() {
    if (observed_ != nullptr) observed_->remove(runtime_);
  }
  ShownScope(const ShownScope&) = delete;
  ShownScope& operator=(const ShownScope&) = delete;

 private:
  runtime::Runtime& runtime_;
  Observed* observed_ = nullptr;
};

}  // namespace greyhound::serve
