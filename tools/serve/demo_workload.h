// SPDX-License-Identifier: MIT
// Something to look at: what `greyhound serve` has running. Two mutators, each busy for a part of
// the time, so that the machine stays usable: one churns a map[string]any (boxes, growth,
// evacuation), one builds and drops binary trees beside a list that lives on. Their samples carry
// the label workload.
//
// Thread rules: made and destroyed by one thread that is not attached to the runtime.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "runtime/runtime.h"

namespace greyhound::serve {

class DemoWorkload {
 public:
  explicit DemoWorkload(runtime::Runtime* runtime);
  // Stops them; takes some milliseconds.
  ~DemoWorkload();
  DemoWorkload(const DemoWorkload&) = delete;
  DemoWorkload& operator=(const DemoWorkload&) = delete;

 private:
  void churn_map();
  void build_trees();

  runtime::Runtime* const runtime_;
  std::atomic<bool> stop_{false};  // relaxed: nothing else is passed on
  std::vector<std::thread> threads_;
};

}  // namespace greyhound::serve
