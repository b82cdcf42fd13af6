// SPDX-License-Identifier: MIT
// Runs experiments: repetition by repetition, arm by arm in an order that turns each time, so that
// a machine that slows down or is shared slows all arms alike. Each repetition of an arm is one on
// Greyhound, and one of the same work in Go where there is a Go.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/experiments/experiment.h"
#include "tools/experiments/go_peer.h"
#include "tools/experiments/judge.h"
#include "tools/experiments/progress.h"

namespace greyhound::lab {

struct Settings {
  bool quick = false;
  std::optional<size_t> repetitions;  // otherwise by `quick` and the experiment's budget of time
};

struct ExperimentResult {
  const Experiment* experiment = nullptr;
  std::vector<ArmResult> arms;
  std::string go_source;   // "measured go1.26.8" or "recorded go1.19"
  std::string go_failure;  // why Go's figures are recorded ones although there is a Go; else empty
  Judgement judgement;
};

// `go` may be null.
ExperimentResult run_experiment(const Experiment& experiment, const Settings& settings,
                                const GoPeer* go, Progress* progress);

}  // namespace greyhound::lab
