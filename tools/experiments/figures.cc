// SPDX-License-Identifier: MIT
#include "tools/experiments/figures.h"

#include <algorithm>
#include <utility>

namespace greyhound::lab {
namespace {

constexpr size_t kFewestForQuartiles = 5;

// The value below which a share `p` of the sorted values lies, between neighbours by proportion.
double quantile(const std::vector<double>& sorted, double p) {
  const double at = p * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (at - static_cast<double>(below));
}

// A count stays one that was counted: of an even number of repetitions, the lower middle one.
double middle_count(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

template <class Get>
std::optional<double> median_count(const std::vector<Measurement>& repetitions, Get get) {
  std::vector<double> values;
  for (const Measurement& repetition : repetitions) {
    const std::optional<double> value = get(repetition);
    if (!value) return std::nullopt;
    values.push_back(*value);
  }
  return middle_count(std::move(values));
}

using OptionalCount = std::optional<uint64_t> Measurement::*;

std::optional<double> median_count(const std::vector<Measurement>& repetitions,
                                   OptionalCount field) {
  return median_count(repetitions, [field](const Measurement& m) -> std::optional<double> {
    if (!(m.*field)) return std::nullopt;
    return static_cast<double>(*(m.*field));
  });
}

std::optional<double> median_per_op(const std::vector<Measurement>& repetitions,
                                    OptionalCount field) {
  return median_count(repetitions, [field](const Measurement& m) -> std::optional<double> {
    if (!(m.*field)) return std::nullopt;
    return static_cast<double>(*(m.*field)) / static_cast<double>(m.ops);
  });
}

std::optional<Spread> spread(const std::vector<Measurement>& repetitions,
                             std::vector<double> Measurement::*field, double scale) {
  std::vector<double> samples;
  for (const Measurement& repetition : repetitions) {
    for (const double sample : repetition.*field) samples.push_back(sample * scale);
  }
  if (samples.empty()) return std::nullopt;
  return spread_of(std::move(samples));
}

std::optional<double> scaled(std::optional<double> value, double scale) {
  if (value) *value *= scale;
  return value;
}

std::optional<double> longest_hold_us(const std::vector<Measurement>& repetitions) {
  std::optional<double> longest;
  for (const Measurement& repetition : repetitions) {
    if (!repetition.longest_hold_ns) continue;
    longest =
        std::max(longest.value_or(0), static_cast<double>(*repetition.longest_hold_ns) * 1e-3);
  }
  return longest;
}

std::optional<double> gc_cpu_share(const Measurement& m) {
  if (!m.mark_cpu_ns || m.ns_per_op.size() != 1 || m.ns_per_op[0] <= 0) return std::nullopt;
  return static_cast<double>(*m.mark_cpu_ns) / (m.ns_per_op[0] * static_cast<double>(m.ops));
}

std::optional<ProfileFigures> profile_figures(const std::vector<Measurement>& repetitions) {
  const auto median = [&](auto get) {
    return median_count(repetitions, [&](const Measurement& m) -> std::optional<double> {
      return m.profile ? get(*m.profile, static_cast<double>(m.ops)) : std::nullopt;
    });
  };
  const auto share = [&](auto part) {
    return median([part](const ProfileCounts& counts, double) -> std::optional<double> {
      const std::optional<double> value = counts.*part;
      if (counts.total == 0 || !value) return std::nullopt;
      return *value / counts.total;
    });
  };
  const std::optional<double> objects = median(
      [](const ProfileCounts& counts, double ops) { return std::optional(counts.total / ops); });
  if (!objects) return std::nullopt;
  ProfileFigures figures;
  figures.objects_per_op = *objects;
  figures.runtime_leaf = share(&ProfileCounts::runtime_leaf);
  figures.labelled = share(&ProfileCounts::labelled);
  figures.in_mapaccess = share(&ProfileCounts::in_mapaccess);
  figures.mark_in_background = share(&ProfileCounts::mark_in_background);
  figures.mark_in_assist = share(&ProfileCounts::mark_in_assist);
  figures.mark_in_mapaccess = share(&ProfileCounts::mark_in_mapaccess);
  return figures;
}

}  // namespace

Spread spread_of(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const double tail = samples.size() < kFewestForQuartiles ? 0 : 0.25;
  return Spread{quantile(samples, 0.5), quantile(samples, tail), quantile(samples, 1 - tail),
                samples.size()};
}

Figures summarise(const std::vector<Measurement>& repetitions) {
  Figures figures;
  figures.allocs_per_op = median_per_op(repetitions, &Measurement::allocs);
  figures.bytes_per_op = median_per_op(repetitions, &Measurement::bytes);
  figures.barrier_hits_per_op = median_per_op(repetitions, &Measurement::barrier_hits);
  figures.barrier_shades_per_op = median_per_op(repetitions, &Measurement::barrier_shades);
  figures.found_per_op = median_per_op(repetitions, &Measurement::found);
  figures.ns_per_op = spread(repetitions, &Measurement::ns_per_op, 1);
  figures.gc_cycles = median_count(repetitions, &Measurement::cycles);
  figures.alloc_calls = median_count(repetitions, &Measurement::alloc_calls);
  figures.profile = profile_figures(repetitions);
  figures.pointer_calls = median_count(repetitions, &Measurement::pointer_calls);
  figures.objects_greyed = median_count(repetitions, &Measurement::objects_greyed);
  figures.noscan_greyed = median_count(repetitions, &Measurement::noscan_greyed);
  figures.words_scanned = median_count(repetitions, &Measurement::words_scanned);
  figures.pointers_resolved = median_count(repetitions, &Measurement::pointers_resolved);
  figures.objects_live = median_count(repetitions, &Measurement::objects_live);
  figures.mark_ms = spread(repetitions, &Measurement::mark_ns, 1e-6);
  figures.mark_cpu_ms = scaled(median_count(repetitions, &Measurement::mark_cpu_ns), 1e-6);
  figures.longest_hold_us = longest_hold_us(repetitions);
  figures.gc_cpu_share = median_count(repetitions, gc_cpu_share);
  return figures;
}

}  // namespace greyhound::lab
