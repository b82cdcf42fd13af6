// SPDX-License-Identifier: MIT
// What the lab prints: a table for people, experiment by experiment as they end, or one JSON
// document (docs/lab.schema.json describes it). Both write to standard output.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tools/experiments/machine.h"
#include "tools/experiments/runner.h"

namespace greyhound::lab {

inline constexpr int kSchemaVersion = 1;

// What is the same for all experiments of a run.
struct RunInfo {
  Machine machine;
  Settings settings;
  // Variables that change what the runtime does, as they are set.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string go_note;  // where Go's figures come from, as a sentence
};

// `color`: highlight with control codes.
void print_header(const RunInfo& info, bool color);
void print_experiment(const ExperimentResult& result, bool color);
void print_summary(const std::vector<ExperimentResult>& results, bool color);

// The document that print_json prints.
nlohmann::ordered_json report_document(const RunInfo& info,
                                       const std::vector<ExperimentResult>& results);
void print_json(const RunInfo& info, const std::vector<ExperimentResult>& results);

}  // namespace greyhound::lab
