// SPDX-License-Identifier: MIT
#include "tools/pprof/flame_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <string_view>

#include "tools/pprof/call_tree.h"
#include "tools/pprof/sample_types.h"
#include "tools/pprof/tag_filter.h"

namespace greyhound::pprof {
namespace {

using nlohmann::json;

struct Types {
  std::vector<ValueType> shown;
  std::vector<std::vector<Column>> columns;  // by profile
};

// What both count, in the order of the one after; of one profile all that it counts.
Types common_types(const std::vector<NamedProfile>& profiles) {
  const std::vector<ValueType>& before = profiles.front().profile.sample_types;
  const std::vector<ValueType>& after = profiles.back().profile.sample_types;
  Types types{{}, std::vector<std::vector<Column>>(profiles.size())};
  for (size_t i = 0; i < after.size(); ++i) {
    if (profiles.size() == 1) {
      types.shown.push_back(after[i]);
      types.columns[0].push_back({i, 1});
      continue;
    }
    // The same unit, where there is one of the name in several.
    auto found = std::ranges::find(before, after[i]);
    if (found == before.end())
      found = std::ranges::find_if(
          before, [&](const ValueType& type) { return common_type(type, after[i]).has_value(); });
    if (found == before.end()) continue;
    const CommonType common = *common_type(*found, after[i]);
    types.shown.push_back(common.type);
    types.columns[0].push_back({static_cast<size_t>(found - before.begin()), common.before_factor});
    types.columns[1].push_back({i, common.after_factor});
  }
  if (types.shown.empty())
    throw std::runtime_error(fmt::format(
        "{} and {} count nothing in common: one has {}, the other {}", profiles.front().name,
        profiles.back().name, names_of(before), names_of(after)));
  return types;
}

bool has_negatives(const Profile& profile) {
  return std::ranges::any_of(profile.samples, [](const Sample& sample) {
    return std::ranges::any_of(sample.values, [](int64_t value) { return value < 0; });
  });
}

// Leaves of `profile` what is above 0, and gives what is below, as amounts.
Profile take_negatives(Profile* profile) {
  Profile less = *profile;
  for (size_t at = 0; at < less.samples.size(); ++at) {
    std::vector<int64_t>& kept = profile->samples[at].values;
    for (size_t i = 0; i < kept.size(); ++i) {
      less.samples[at].values[i] = kept[i] < 0 ? scaled(kept[i], -1) : 0;
      kept[i] = std::max<int64_t>(kept[i], 0);
    }
  }
  return less;
}

void append(const Profile& from, Profile* to) {
  const size_t offset = to->locations.size();
  to->locations.insert(to->locations.end(), from.locations.begin(), from.locations.end());
  for (Sample sample : from.samples) {
    for (size_t& location : sample.locations) location += offset;
    to->samples.push_back(std::move(sample));
  }
}

// Nothing is drawn less than nothing wide. A profile with negative values is what two differ in:
// what it has less of was there before.
std::vector<NamedProfile> without_negatives(std::vector<NamedProfile> profiles) {
  if (std::ranges::none_of(profiles, has_negatives, &NamedProfile::profile)) return profiles;
  if (profiles.size() == 1) {
    profiles.push_back({profiles[0].name + ", above 0", std::move(profiles[0].profile)});
    profiles[0] = {profiles[0].name + ", below 0", take_negatives(&profiles[1].profile)};
    return profiles;
  }
  if (profiles[0].profile.sample_types != profiles[1].profile.sample_types)
    throw std::runtime_error(fmt::format(
        "{} and {}: with values below 0 they are compared only when both count the same",
        profiles[0].name, profiles[1].name));
  const Profile less_before = take_negatives(&profiles[0].profile);
  const Profile less_after = take_negatives(&profiles[1].profile);
  append(less_after, &profiles[0].profile);
  append(less_before, &profiles[1].profile);
  return profiles;
}

// Tags that the page's choices do not have: ranges of numbers. Its samples are chosen here.
struct Chosen {
  std::vector<TagFilter> ranges;
  Tags on_page;
};

Chosen chosen_tags(const std::vector<NamedProfile>& profiles, const Tags& tags) {
  Chosen chosen;
  for (const auto& tag : tags) {
    const TagFilter filter(tag.first, tag.second);
    const bool text = std::ranges::any_of(profiles, [&](const NamedProfile& named) {
      return std::ranges::any_of(named.profile.samples, [&](const Sample& sample) {
        return std::ranges::find(sample.labels, tag) != sample.labels.end();
      });
    });
    if (filter.is_range() && !text) {
      chosen.ranges.push_back(filter);
    } else {
      chosen.on_page.push_back(tag);
    }
  }
  return chosen;
}

// `left_out`: labels that the page says it is without, as if the profiles said so.
json about(const std::vector<NamedProfile>& profiles, const std::set<std::string>& left_out) {
  json all = json::array();
  for (const auto& [name, profile] : profiles) {
    std::vector<std::string> comments = profile.comments;
    if (!left_out.empty())
      comments.push_back(
          fmt::format("To keep the page small, labels of very many values are left out: {}.",
                      fmt::join(left_out, ", ")));
    const ValueType& period = profile.period_type;
    all.push_back({{"name", name},
                   {"time_ns", profile.time_ns},
                   {"duration_ns", profile.duration_ns},
                   {"period", profile.period},
                   {"period_type", {{"type", period.type}, {"unit", period.unit}}},
                   {"comments", comments}});
  }
  return all;
}

size_t first_type(const std::vector<ValueType>& types, const NamedProfile& named,
                  const std::string& wanted) try {
  return sample_type_index(types, named.profile.default_sample_type, wanted);
} catch (const std::runtime_error& error) {
  throw std::runtime_error(fmt::format("{}: {}", named.name, error.what()));
}

// Keys of texts with more values than anybody chooses from, as of what differs with each request;
// less those that are asked for.
std::set<std::string> crowded_keys(const std::vector<NamedProfile>& profiles, const Tags& asked) {
  constexpr size_t kMostValues = 500;
  std::map<std::string, std::set<std::string_view>> values;
  for (const NamedProfile& named : profiles) {
    for (const Sample& sample : named.profile.samples) {
      for (const auto& [key, value] : sample.labels) {
        std::set<std::string_view>& known = values[key];
        if (known.size() <= kMostValues) known.insert(value);
      }
    }
  }
  std::set<std::string> crowded;
  for (const auto& entry : values) {
    const auto is_asked = [&](const auto& tag) { return tag.first == entry.first; };
    if (entry.second.size() > kMostValues && std::ranges::none_of(asked, is_asked))
      crowded.insert(entry.first);
  }
  return crowded;
}

// What a page has. When it grows too large, labels go first.
struct Detail {
  ShownLabels labels;
  size_t most_depth;
  bool every_stack;  // labels are to go before small stacks do
};

std::vector<Detail> details_of(const std::set<std::string>& crowded) {
  std::vector<Detail> details = {{{true, {}}, SIZE_MAX, true}};
  if (!crowded.empty()) details.push_back({{false, {}}, SIZE_MAX, true});
  for (const size_t depth : {SIZE_MAX, size_t{2000}, size_t{200}})
    details.push_back({{false, crowded}, depth, false});
  return details;
}

// What is too small to see goes next: by the share of all that comes to less than a pixel.
constexpr double kShares[] = {0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2};

bool fits(const json& data, const FlameOptions& options) {
  return data.dump(-1, ' ', false, json::error_handler_t::replace).size() <= options.most_bytes;
}

size_t deepest_of(const std::vector<NamedProfile>& profiles) {
  size_t deepest = 0;
  for (const auto& [name, profile] : profiles) {
    for (const Sample& sample : profile.samples) {
      size_t depth = 0;
      for (const size_t location : sample.locations)
        depth += profile.locations[location].frames.size();
      deepest = std::max(deepest, depth);
    }
  }
  return deepest;
}

void fill(CallTree* tree, const std::vector<NamedProfile>& profiles, const Types& types,
          const Chosen& chosen, const Detail& detail) {
  for (size_t i = 0; i < profiles.size(); ++i) {
    try {
      tree->add(i, profiles[i].profile, types.columns[i], chosen.ranges, detail.labels);
    } catch (const TooManyCalls& error) {
      throw TooManyCalls(fmt::format("{}: {}", profiles[i].name, error.what()));
    } catch (const std::runtime_error& error) {
      throw std::runtime_error(fmt::format("{}: {}", profiles[i].name, error.what()));
    }
  }
}

}  // namespace

json flame_data(const std::vector<NamedProfile>& given, const FlameOptions& options) {
  const std::vector<NamedProfile> profiles = without_negatives(given);
  const Types types = common_types(profiles);
  const Chosen chosen = chosen_tags(profiles, options.tags);
  json data = {{"title", options.title},
               {"sample_types", json::array()},
               {"sample_type", first_type(types.shown, profiles.back(), options.sample_type)},
               {"profiles", json::array()},
               {"highlight", options.highlight},
               {"tags", chosen.on_page},
               {"only", json::array()}};
  for (const ValueType& type : types.shown)
    data["sample_types"].push_back({{"type", type.type}, {"unit", type.unit}});
  for (const auto& tag : options.tags) {
    if (std::ranges::find(chosen.on_page, tag) == chosen.on_page.end())
      data["only"].push_back(tag.first + "=" + tag.second);
  }
  const size_t deepest = deepest_of(profiles);
  size_t too_deep = SIZE_MAX;  // from here on there are more calls than a tree has room for
  const std::vector<Detail> details = details_of(crowded_keys(profiles, chosen.on_page));
  for (const Detail& detail : details) {
    if (too_deep != SIZE_MAX && detail.most_depth >= too_deep) continue;
    CallTree tree(profiles.size(), types.shown.size(), detail.most_depth, options.most_calls);
    try {
      fill(&tree, profiles, types, chosen, detail);
    } catch (const TooManyCalls&) {
      too_deep = std::min(detail.most_depth, deepest);
      if (details.back().most_depth >= too_deep) throw;
      continue;
    }
    const bool folded = tree.deepest() > detail.most_depth;
    // As it was: less depth helps only where there is much.
    if (detail.most_depth != SIZE_MAX && !folded) continue;
    data["number_labels"] = detail.labels.numbers;
    data["profiles"] = about(profiles, detail.labels.without);
    data["most_depth"] = folded ? detail.most_depth : 0;
    const std::vector<double> shares = tree.shares();
    for (const double least : kShares) {
      // Of the largest not even the text is made: a node takes six bytes of it, at the least.
      const auto shown = std::ranges::count_if(
          shares, [least](double share) { return share > 0 && share >= least; });
      const bool hopeless =
          static_cast<size_t>(shown) > options.most_bytes / 6 && least < std::end(kShares)[-1];
      if (!hopeless) data.update(tree.shortened(shares, least));
      data["least_share"] = least;
      if (!hopeless && fits(data, options)) return data;
      if (detail.every_stack) break;
    }
  }
  return data;
}

}  // namespace greyhound::pprof
