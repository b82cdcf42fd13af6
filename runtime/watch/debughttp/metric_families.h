// SPDX-License-Identifier: MIT
// Makes prometheus-cpp's families of plain values.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

#include "gc/watch/stats.h"

namespace greyhound::serve {

// Adds families to a list. `name` and `help` as Prometheus shows them.
class Families {
 public:
  using Label = prometheus::ClientMetric::Label;

  explicit Families(std::vector<prometheus::MetricFamily>* to) : to_(to) {}

  void gauge(const char* name, const char* help, double value, std::vector<Label> labels = {});
  void counter(const char* name, const char* help, double value, std::vector<Label> labels = {});
  // One more row of the family added last.
  void another(double value, std::vector<Label> labels);
  // In seconds, with bounds at powers of two nanoseconds from 2^10 (1.024 us) to 2^30 (1.07 s),
  // where buckets of a LatencyHistogram end; so each count is exact.
  void histogram(const char* name, const char* help, const gc::LatencyHistogram& latencies);
  // In seconds, at the quantiles 0, 0.25, 0.5, 0.75 and 1 since the start, as client_golang has it.
  void summary(const char* name, const char* help, const gc::LatencyHistogram& latencies);

 private:
  prometheus::ClientMetric& add(const char* name, const char* help, prometheus::MetricType type,
                                std::vector<Label> labels);

  std::vector<prometheus::MetricFamily>* const to_;
};

inline double number(uint64_t value) { return static_cast<double>(value); }
inline double seconds(uint64_t ns) { return static_cast<double>(ns) * 1e-9; }

}  // namespace greyhound::serve
