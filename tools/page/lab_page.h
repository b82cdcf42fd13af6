// SPDX-License-Identifier: MIT
// The lab page: what a run of the lab found, the ledger, recordings of the stage, the timeline of a
// cycle and flame graphs, as one HTML file that asks nobody for anything; or the same page, served
// (live.h), whose controls drive a stage. docs/lab-page.md says what is on it.
//
// Thread rules: none; plain functions, each on one thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tools/experiments/ledger.h"
#include "tools/experiments/report.h"

namespace greyhound::page {

// All that the page shows.
struct LabPage {
  nlohmann::ordered_json report;  // lab::report_document()
  std::string command;            // what makes this page again
  std::string experiments;        // what runs experiments as this page's were run
  lab::Ledger ledger;
  nlohmann::ordered_json recordings;  // stage::recordings()
  nlohmann::ordered_json timeline;    // cycle_timeline(): trace events; null without
  nlohmann::ordered_json profiles;    // an array of what mountFlameGraph takes
};

nlohmann::ordered_json ledger_json(const lab::Ledger& ledger);

// `live`: the page that a server gives.
std::string lab_page_html(const LabPage& page, bool live);

}  // namespace greyhound::page
