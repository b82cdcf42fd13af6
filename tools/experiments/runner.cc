// SPDX-License-Identifier: MIT
#include "tools/experiments/runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "gc/watch/stats.h"
#include "runtime/base/profile_labels.h"

namespace greyhound::lab {
namespace {

constexpr const char* kRecorded = "recorded go1.19";

double now_s() { return static_cast<double>(gc::monotonic_ns()) * 1e-9; }

bool has_go(const Arm& arm) { return !arm.go_arm.empty() || arm.run_go != nullptr; }

bool has_go_side(const Experiment& experiment) {
  return std::ranges::any_of(experiment.arms, has_go);
}

class Run {
 public:
  Run(const Experiment& experiment, const Settings& settings, const GoPeer* go, Progress* progress)
      : experiment_(experiment),
        settings_(settings),
        go_(has_go_side(experiment) ? go : nullptr),
        progress_(progress),
        ops_(settings.quick ? experiment.quick_ops : experiment.ops),
        wanted_(settings.repetitions.value_or(settings.quick ? experiment.quick_repetitions
                                                             : experiment.repetitions)),
        ours_(experiment.arms.size()),
        theirs_(experiment.arms.size()) {}

  ExperimentResult operator()() {
    const double start = now_s();
    for (size_t done = 0; done < wanted_ && !out_of_time(done, now_s() - start); ++done)
      repeat(done);
    return result();
  }

 private:
  bool out_of_time(size_t done, double elapsed) const {
    if (done == 0 || !settings_.quick || settings_.repetitions) return false;
    return elapsed + elapsed / static_cast<double>(done) > experiment_.quick_seconds;
  }

  void repeat(size_t repetition) {
    const size_t count = experiment_.arms.size();
    for (size_t i = 0; i < count; ++i) {
      const size_t at = (i + repetition) % count;
      const Arm& arm = experiment_.arms[at];
      progress_->show(fmt::format("lab: {} repetition {}/{}: {}", experiment_.id, repetition + 1,
                                  wanted_, arm.name));
      ours_[at].push_back(run_ours(arm));
      if (go_ != nullptr && go_failure_.empty() && has_go(arm)) run_go(arm, at);
    }
  }

  Measurement run_ours(const Arm& arm) const {
    const ProfileLabels experiment("experiment", experiment_.id);
    const ProfileLabels labelled("arm", arm.name);
    return arm.run(ops_);
  }

  void run_go(const Arm& arm, size_t at) {
    if (auto measured = arm.run_go ? arm.run_go(*go_, ops_, &go_failure_)
                                   : go_->run(arm.go_arm, ops_, &go_failure_))
      theirs_[at].push_back(std::move(*measured));
  }

  // Measured, if any of the experiment's is.
  Figures go_figures(size_t arm, bool measured) const {
    if (!measured) return experiment_.arms[arm].recorded;
    return theirs_[arm].empty() ? Figures{} : summarise(theirs_[arm]);
  }

  ExperimentResult result() {
    ExperimentResult result;
    result.experiment = &experiment_;
    const bool measured = go_ != nullptr && go_failure_.empty();
    result.go_source = measured ? "measured " + go_->version() : kRecorded;
    result.go_failure = go_failure_;
    for (size_t i = 0; i < experiment_.arms.size(); ++i) {
      const Arm& arm = experiment_.arms[i];
      result.arms.push_back({&arm, ours_[i].front().ops, ours_[i].size(), summarise(ours_[i]),
                             go_figures(i, measured)});
    }
    result.judgement = judge(experiment_, result.arms);
    return result;
  }

  const Experiment& experiment_;
  const Settings& settings_;
  const GoPeer* go_;
  Progress* progress_;
  const uint64_t ops_;
  const size_t wanted_;
  std::vector<std::vector<Measurement>> ours_, theirs_;
  std::string go_failure_;
};

}  // namespace

ExperimentResult run_experiment(const Experiment& experiment, const Settings& settings,
                                const GoPeer* go, Progress* progress) {
  return Run(experiment, settings, go, progress)();
}

}  // namespace greyhound::lab
