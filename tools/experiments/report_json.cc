// SPDX-License-Identifier: MIT
// The lab's figures for programs. The form is docs/lab.schema.json's: every key is always there,
// null where there is no figure, so that a reader needs no case distinction. A change here is a
// change there, and of kSchemaVersion when it could break a reader.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/common/standard_streams.h"
#include "tools/experiments/report.h"

namespace greyhound::lab {
namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

// Counts are whole.
Json count(const std::optional<double>& value) {
  return value ? Json(static_cast<uint64_t>(std::llround(*value))) : Json(nullptr);
}

Json spread(const std::optional<Spread>& value) {
  if (!value) return nullptr;
  return {{"median", value->median}, {"low", number(value->low)}, {"high", number(value->high)}};
}

Json profile_json(const std::optional<ProfileFigures>& profile) {
  if (!profile) return nullptr;
  return {{"objects_per_op", profile->objects_per_op},
          {"runtime_leaf", number(profile->runtime_leaf)},
          {"labelled", number(profile->labelled)},
          {"in_mapaccess", number(profile->in_mapaccess)},
          {"mark_in_background", number(profile->mark_in_background)},
          {"mark_in_assist", number(profile->mark_in_assist)},
          {"mark_in_mapaccess", number(profile->mark_in_mapaccess)}};
}

void add_counts(const Figures& figures, Json* out) {
  (*out)["allocs_per_op"] = number(figures.allocs_per_op);
  (*out)["bytes_per_op"] = number(figures.bytes_per_op);
  (*out)["barrier_hits_per_op"] = number(figures.barrier_hits_per_op);
  (*out)["barrier_shades_per_op"] = number(figures.barrier_shades_per_op);
  (*out)["found_per_op"] = number(figures.found_per_op);
  (*out)["ns_per_op"] = spread(figures.ns_per_op);
  (*out)["gc_cycles"] = count(figures.gc_cycles);
  (*out)["objects_greyed"] = count(figures.objects_greyed);
  (*out)["noscan_greyed"] = count(figures.noscan_greyed);
  (*out)["words_scanned"] = count(figures.words_scanned);
  (*out)["pointers_resolved"] = count(figures.pointers_resolved);
  (*out)["mark_ms"] = spread(figures.mark_ms);
  (*out)["mark_cpu_ms"] = number(figures.mark_cpu_ms);
  (*out)["gc_cpu_share"] = number(figures.gc_cpu_share);
  (*out)["alloc_calls"] = count(figures.alloc_calls);
  (*out)["pointer_calls"] = count(figures.pointer_calls);
  (*out)["profile"] = profile_json(figures.profile);
}

Json go_json(const ArmResult& result, const std::string& source) {
  Json out = {{"source", source}};
  add_counts(result.go, &out);
  out["objects_live"] = count(result.go.objects_live);
  out["longest_pause_us"] = number(result.go.longest_hold_us);
  return out;
}

Json arm_json(const Experiment& experiment, const ArmResult& result, const std::string& go_source) {
  const Arm& arm = *result.arm;
  const bool control = arm.role == Role::kControl;
  Json out = {{"name", arm.name},
              {"role", control ? "control" : "treatment"},
              {"versus", control ? Json(nullptr) : Json(experiment.arms[arm.versus].name)},
              {"ops", result.ops},
              {"repetitions", result.repetitions}};
  add_counts(result.ours, &out);
  out["longest_hold_us"] = number(result.ours.longest_hold_us);
  out["go"] = go_json(result, go_source);
  return out;
}

Json signs_json(const std::vector<Sign>& signs) {
  Json out = Json::array();
  for (const Sign& sign : signs) {
    out.push_back({{"count", count_name(sign.count)},
                   {"arm", sign.arm->name},
                   {"versus", sign.versus->name},
                   {"expected", std::string(1, sign.expected)},
                   {"observed", std::string(1, sign.observed)},
                   {"expected_amount", number(sign.expected_amount)},
                   {"observed_amount", sign.observed_amount},
                   {"holds", sign.holds}});
  }
  return out;
}

const char* order_name(TimeOrder order) {
  switch (order) {
    case TimeOrder::kFaster:
      return "faster";
    case TimeOrder::kSlower:
      return "slower";
    case TimeOrder::kUndecided:
      return "undecided";
  }
  return "undecided";
}

Json times_json(const std::vector<TimeComparison>& times) {
  Json out = Json::array();
  for (const TimeComparison& time : times) {
    out.push_back({{"arm", time.arm->name},
                   {"versus", time.versus->name},
                   {"observed", order_name(time.order)},
                   {"ratio", time.ratio}});
  }
  return out;
}

Json experiment_json(const ExperimentResult& result) {
  const Experiment& experiment = *result.experiment;
  const Judgement& judgement = result.judgement;
  Json arms = Json::array();
  for (const ArmResult& arm : result.arms)
    arms.push_back(arm_json(experiment, arm, result.go_source));
  return {{"id", experiment.id},
          {"title", experiment.title},
          {"claim", experiment.claim},
          {"work", experiment.work},
          {"op", experiment.op},
          {"arms", std::move(arms)},
          {"signs", signs_json(judgement.signs)},
          {"times", times_json(judgement.times)},
          {"expected", judgement.expected},
          {"observed", judgement.observed},
          {"holds", judgement.holds},
          {"verdict", judgement.verdict},
          {"note", experiment.note}};
}

}  // namespace

Json report_document(const RunInfo& info, const std::vector<ExperimentResult>& results) {
  Json environment = Json::object();
  for (const auto& [name, value] : info.environment) environment[name] = value;
  Json experiments = Json::array();
  bool holds = true;
  for (const ExperimentResult& result : results) {
    experiments.push_back(experiment_json(result));
    holds = holds && result.judgement.holds;
  }
  return {
      {"schema_version", kSchemaVersion},
      {"greyhound", {{"version", GREYHOUND_VERSION}, {"build_type", GREYHOUND_BUILD_TYPE}}},
      {"machine",
       {{"cpu_model", info.machine.cpu_model},
        {"cores", info.machine.cores},
        {"kernel", info.machine.kernel},
        {"compiler", info.machine.compiler}}},
      {"settings", {{"quick", info.settings.quick}, {"environment", std::move(environment)}}},
      {"go_note", info.go_note},
      {"experiments", std::move(experiments)},
      {"holds", holds},
  };
}

void print_json(const RunInfo& info, const std::vector<ExperimentResult>& results) {
  print_out(report_document(info, results).dump(2, ' ', false, Json::error_handler_t::replace) +
            "\n");
  flush_out();
}

}  // namespace greyhound::lab
