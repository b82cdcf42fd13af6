// SPDX-License-Identifier: MIT
#include "tools/experiments/profile_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace greyhound::lab {
namespace {

size_t index_of(const pprof::Profile& profile, std::string_view sample_type) {
  for (size_t i = 0; i < profile.sample_types.size(); ++i) {
    if (profile.sample_types[i].type == sample_type) return i;
  }
  throw std::runtime_error(fmt::format("the profile does not count {}", sample_type));
}

// From the innermost outwards, inlined calls included.
std::vector<std::string_view> names_of(const pprof::Profile& profile, const pprof::Sample& sample) {
  std::vector<std::string_view> names;
  for (const size_t location : sample.locations) {
    for (const pprof::Frame& frame : profile.locations[location].frames)
      names.push_back(frame.name);
  }
  return names;
}

template <class Is>
bool any(const std::vector<std::string_view>& names, Is is) {
  return std::ranges::any_of(names, is);
}

bool is_marking(std::string_view name) {
  return name.starts_with("runtime.gcDrain") || name == "runtime.scanobject" ||
         name == "runtime.greyobject";
}

// A labelled sample says more than what every heap profile says of an object. Labels that Greyhound
// sets itself do not count.
bool is_labelled(const pprof::Sample& sample) {
  return std::ranges::any_of(sample.labels, [](const auto& l) { return l.first == "scenario"; });
}

}  // namespace

ProfileCounts heap_counts(const pprof::Profile& profile, std::string_view sample_type,
                          std::string_view function) {
  const size_t at = index_of(profile, sample_type);
  ProfileCounts counts;
  for (const pprof::Sample& sample : profile.samples) {
    const std::vector<std::string_view> names = names_of(profile, sample);
    if (!any(names, [&](std::string_view n) { return n.ends_with(function); })) continue;
    const auto value = static_cast<double>(sample.values[at]);
    counts.total += value;
    if (names.front().starts_with("runtime.")) counts.runtime_leaf += value;
    if (is_labelled(sample)) counts.labelled += value;
  }
  return counts;
}

ProfileCounts cpu_counts(const pprof::Profile& profile) {
  const size_t at = index_of(profile, "cpu");
  ProfileCounts counts;
  counts.in_mapaccess = 0;
  counts.mark_in_background = counts.mark_in_assist = counts.mark_in_mapaccess = 0;
  for (const pprof::Sample& sample : profile.samples) {
    const std::vector<std::string_view> names = names_of(profile, sample);
    const auto value = static_cast<double>(sample.values[at]);
    const auto has = [&](std::string_view name) {
      return any(names, [name](std::string_view n) { return n == name; });
    };
    const bool reading = any(
        names, [](std::string_view n) { return n.find("mapaccess") != std::string_view::npos; });
    counts.total += value;
    if (reading) *counts.in_mapaccess += value;
    if (is_labelled(sample)) counts.labelled += value;
    if (!any(names, is_marking)) continue;
    if (reading) *counts.mark_in_mapaccess += value;
    if (has("runtime.gcAssistAlloc") && has("runtime.mallocgc")) {
      *counts.mark_in_assist += value;
    } else if (!reading) {
      *counts.mark_in_background += value;
    }
  }
  return counts;
}

}  // namespace greyhound::lab
