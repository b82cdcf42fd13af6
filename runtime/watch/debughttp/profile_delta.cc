// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/profile_delta.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace greyhound::serve {
namespace {

using pprof::Location;
using pprof::Profile;
using pprof::Sample;

// Profiles number their locations each in its own order; an address is the same in all (with fewer
// frames where the runtime's are hidden), and what has none is known by its name.
using PlaceKey = std::tuple<uint64_t, size_t, std::string>;
using NumberKey = std::tuple<std::string, int64_t, std::string>;
using SampleKey = std::tuple<std::vector<size_t>, std::vector<std::pair<std::string, std::string>>,
                             std::vector<NumberKey>>;

PlaceKey key_of(const Location& location) {
  return {location.address, location.frames.size(),
          location.address == 0 ? location.frames.front().name : std::string()};
}

class Sum {
 public:
  explicit Sum(const Profile& head) {
    result_.sample_types = head.sample_types;
    result_.default_sample_type = head.default_sample_type;
    result_.period_type = head.period_type;
    result_.period = head.period;
    result_.time_ns = head.time_ns;
    result_.duration_ns = head.duration_ns;
    result_.comments = head.comments;
  }

  void add(const Profile& part, int64_t sign) {
    std::vector<size_t> places;
    for (const Location& location : part.locations) places.push_back(place(location));
    for (const Sample& sample : part.samples) {
      Sample& to = same(sample, places);
      for (size_t i = 0; i < sample.values.size(); ++i) to.values[i] += sign * sample.values[i];
    }
  }

  Profile take() {
    for (auto& [key, sample] : samples_) {
      if (std::ranges::any_of(sample.values, [](int64_t value) { return value != 0; }))
        result_.samples.push_back(std::move(sample));
    }
    return std::move(result_);
  }

 private:
  size_t place(const Location& location) {
    const auto [entry, fresh] = places_.try_emplace(key_of(location), result_.locations.size());
    if (fresh) result_.locations.push_back(location);
    return entry->second;
  }

  Sample& same(const Sample& sample, const std::vector<size_t>& places) {
    SampleKey key;
    for (const size_t at : sample.locations) std::get<0>(key).push_back(places[at]);
    std::get<1>(key) = sample.labels;
    for (const pprof::NumberLabel& number : sample.numbers)
      std::get<2>(key).emplace_back(number.key, number.value, number.unit);
    const auto [entry, fresh] = samples_.try_emplace(std::move(key));
    if (fresh) {
      entry->second = {std::get<0>(entry->first), std::vector<int64_t>(sample.values.size()),
                       sample.labels, sample.numbers};
    }
    return entry->second;
  }

  Profile result_;
  std::map<PlaceKey, size_t> places_;
  std::map<SampleKey, Sample> samples_;
};

}  // namespace

Profile profile_delta(const Profile& before, const Profile& after) {
  Sum sum(after);
  sum.add(after, 1);
  sum.add(before, -1);
  Profile delta = sum.take();
  delta.duration_ns = after.time_ns - before.time_ns;
  delta.time_ns = before.time_ns;
  return delta;
}

Profile profile_sum(const std::vector<Profile>& parts) {
  Sum sum(parts.front());
  for (const Profile& part : parts) sum.add(part, 1);
  return sum.take();
}

}  // namespace greyhound::serve
