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

inline constexpr int kSchemaVersion = 2;

// What is the same for all experiments of a run.
struct RunInfo {
  Machine machine;
  Settings settings;
  // Variables that change what the runtime does, as they are set.
  std::vector<std::pair<std::string, std::string>> environment;
  std::string go_note;  // where Go's figures come from, as a sentence
};

// What the tables are printed on.
struct Paper {
  bool color = false;  // highlight with control codes
  size_t columns = 80;
};

// Each is out when its function returns. They throw as print_out does
// (tools/common/standard_streams.h).
void print_header(const RunInfo& info, const Paper& paper);
void print_experiment(const ExperimentResult& result, const Paper& paper);
void print_summary(const std::vector<ExperimentResult>& results, const Paper& paper);

// The document that print_json prints.
nlohmann::ordered_json report_document(const RunInfo& info,
                                       const std::vector<ExperimentResult>& results);
void print_json(const RunInfo& info, const std::vector<ExperimentResult>& results);

}  // namespace greyhound::lab
