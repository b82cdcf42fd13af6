// SPDX-License-Identifier: MIT
// Something to look at: what `greyhound serve` has running. Two mutators, each busy for a part of
// the time, so that the machine stays usable: one churns a map[string]any (boxes, growth,
// evacuation), one builds and drops binary trees beside a list that lives on. Their samples carry
// the label workload.
//
// Thread rules: made and destroyed by one thread that is not attached to the runtime.
#pragma once

#include <atomic>

#include "runtime/base/os_thread.h"
#include "runtime/runtime.h"

namespace greyhound::serve {

class DemoWorkload {
 public:
  // Throws std::system_error when there is no thread to be had.
  explicit DemoWorkload(runtime::Runtime* runtime);
  // Stops them; takes some milliseconds.
  ~DemoWorkload();
  DemoWorkload(const DemoWorkload&) = delete;
  DemoWorkload& operator=(const DemoWorkload&) = delete;

 private:
  void stop();
  void churn_map();
  void build_trees();

  runtime::Runtime* const runtime_;
  std::atomic<bool> stop_{false};  // relaxed: nothing else is passed on
  OsThread map_;
  OsThread trees_;
};

}  // namespace greyhound::serve
