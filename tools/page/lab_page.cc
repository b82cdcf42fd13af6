// SPDX-License-Identifier: MIT
#include "tools/page/lab_page.h"

#include "tools/experiments/subprocess.h"
#include "tools/web/html.h"

namespace greyhound::page {
namespace {

using Json = nlohmann::ordered_json;

Json spread_json(const lab::Spread& spread) {
  Json out = {{"median", spread.median}};
  if (spread.low) out["low"] = *spread.low;
  if (spread.high) out["high"] = *spread.high;
  return out;
}

Json column_json(const lab::LedgerColumn& column) {
  Json lines = Json::array();
  for (const lab::LedgerLine& line : column.lines)
    lines.push_back({{"name", line.name}, {"ns", line.ns ? spread_json(*line.ns) : Json(nullptr)}});
  return {{"name", column.name},
          {"who", column.who},
          {"lines", std::move(lines)},
          {"total", spread_json(column.total)},
          {"allocs_per_op", column.allocs},
          {"cycles", column.cycles},
          {"barrier_hits_per_op", column.barrier_hits},
          {"marking_ns", column.marking ? Json(*column.marking) : Json(nullptr)}};
}

}  // namespace

Json ledger_json(const lab::Ledger& ledger) {
  Json columns = Json::array();
  for (const lab::LedgerColumn& column : ledger.columns) columns.push_back(column_json(column));
  return {{"ops", ledger.ops},
          {"repetitions", ledger.repetitions},
          {"columns", std::move(columns)},
          {"go_note", ledger.go_note}};
}

std::string lab_page_html(const LabPage& page, bool live) {
  web::Page html;
  html.title = "Greyhound: the lab";
  html.name = "lab";
  html.live = live;
  html.data = {{"report-data", page.report},
               {"ledger-data", ledger_json(page.ledger)},
               {"recordings-data", page.recordings},
               {"timeline-data", page.timeline},
               {"profiles-data", page.profiles},
               {"about-data",
                {{"live", live},
                 {"program", lab::program_as_called()},
                 {"command", page.command},
                 {"experiments", page.experiments}}}};
  return web::html_of(html);
}

}  // namespace greyhound::page
