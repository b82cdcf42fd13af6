// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/metric_families.h"

namespace greyhound::serve {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

constexpr unsigned kLeastBound = 10;  // 2^10 ns
constexpr unsigned kMostBound = 30;

// The least value that was counted, to its bucket.
uint64_t least(const gc::LatencyHistogram& latencies) {
  for (size_t i = 0; i < gc::LatencyHistogram::kBuckets; ++i) {
    if (latencies.buckets[i] != 0) return i == 0 ? 0 : gc::LatencyHistogram::upper_bound(i - 1) + 1;
  }
  return 0;
}

}  // namespace

ClientMetric& Families::add(const char* name, const char* help, MetricType type,
                            std::vector<Label> labels) {
  prometheus::MetricFamily& family = to_->emplace_back();
  family.name = name;
  family.help = help;
  family.type = type;
  family.metric.emplace_back().label = std::move(labels);
  return family.metric.back();
}

void Families::gauge(const char* name, const char* help, double value, std::vector<Label> labels) {
  add(name, help, MetricType::Gauge, std::move(labels)).gauge.value = value;
}

void Families::counter(const char* name, const char* help, double value,
                       std::vector<Label> labels) {
  add(name, help, MetricType::Counter, std::move(labels)).counter.value = value;
}

void Families::another(double value, std::vector<Label> labels) {
  ClientMetric& metric = to_->back().metric.emplace_back();
  metric.label = std::move(labels);
  metric.gauge.value = value;
  metric.counter.value = value;
}

void Families::histogram(const char* name, const char* help,
                         const gc::LatencyHistogram& latencies) {
  ClientMetric::Histogram& histogram = add(name, help, MetricType::Histogram, {}).histogram;
  histogram.sample_count = latencies.count;
  histogram.sample_sum = seconds(latencies.sum_ns);
  size_t bucket = 0;
  uint64_t below = 0;
  for (unsigned bound = kLeastBound; bound <= kMostBound; ++bound) {
    const uint64_t ns = uint64_t{1} << bound;
    while (gc::LatencyHistogram::upper_bound(bucket) < ns) below += latencies.buckets[bucket++];
    histogram.bucket.push_back({below, seconds(ns)});
  }
}

void Families::summary(const char* name, const char* help, const gc::LatencyHistogram& latencies) {
  ClientMetric::Summary& summary = add(name, help, MetricType::Summary, {}).summary;
  summary.sample_count = latencies.count;
  summary.sample_sum = seconds(latencies.sum_ns);
  for (const double p : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const uint64_t ns = p == 0 ? least(latencies) : latencies.quantile(p);
    summary.quantile.push_back({p, seconds(ns)});
  }
}

}  // namespace greyhound::serve
