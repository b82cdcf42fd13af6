// SPDX-License-Identifier: MIT
// What /metrics says: a snapshot in Prometheus's text format 0.0.4. Names are greyhound_* in base
// units (seconds, bytes), process_* as Prometheus's own clients have them, and with go_names
// client_golang's go_* beside them, for dashboards that know those. docs/monitoring.md says what
// each means.
//
// Thread rules: plain functions of values, but for what they read in /proc.
#pragma once

#include <string>
#include <vector>

#include "runtime/watch/debughttp/observed_runtimes.h"

namespace prometheus {
struct MetricFamily;
}

namespace greyhound::serve {

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

std::string format_metrics(const Snapshot& snapshot, bool go_names);

// The parts of it.
void add_greyhound_metrics(const Snapshot& snapshot, std::vector<prometheus::MetricFamily>* to);
void add_process_metrics(std::vector<prometheus::MetricFamily>* to);
void add_go_metrics(const Snapshot& snapshot, std::vector<prometheus::MetricFamily>* to);

}  // namespace greyhound::serve
