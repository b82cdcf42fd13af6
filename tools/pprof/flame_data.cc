// SPDX-License-Identifier: MIT
#include "tools/pprof/flame_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string_view>
#include <unordered_map>

#include "tools/pprof/view.h"

namespace greyhound::pprof {
namespace {

using nlohmann::json;

constexpr size_t kNone = SIZE_MAX;

// Which of a profile's values is shown as which sample type: by name.
std::vector<size_t> columns_of(const Profile& profile, const std::vector<ValueType>& types) {
  std::vector<size_t> columns;
  for (const ValueType& type : types) {
    const auto found = std::ranges::find(profile.sample_types, type);
    columns.push_back(static_cast<size_t>(found - profile.sample_types.begin()));
  }
  return columns;
}

std::vector<ValueType> common_types(const std::vector<NamedProfile>& profiles) {
  std::vector<ValueType> types;
  for (const ValueType& type : profiles.back().profile.sample_types) {
    const bool everywhere = std::ranges::all_of(profiles, [&](const NamedProfile& each) {
      return std::ranges::find(each.profile.sample_types, type) != each.profile.sample_types.end();
    });
    if (everywhere) types.push_back(type);
  }
  if (types.empty())
    throw std::runtime_error(fmt::format(
        "{} and {} count nothing in common: one has {}, the other {}", profiles.front().name,
        profiles.back().name, names_of(profiles.front().profile.sample_types),
        names_of(profiles.back().profile.sample_types)));
  return types;
}

// A file with the folder that it is in: where that is, is the machine's own affair.
std::string short_path(const std::string& path) {
  size_t at = path.size();
  for (int parts = 0; parts < 2 && at != std::string::npos; ++parts)
    at = at == 0 ? std::string::npos : path.rfind('/', at - 1);
  return at == std::string::npos ? path : path.substr(at + 1);
}

// Calls as a tree of nodes in which a parent's index is below its children's, and what was counted
// at them, by labels and profile.
class CallTree {
 public:
  CallTree(size_t profiles, std::vector<ValueType> types)
      : types_(std::move(types)), counted_(profiles), totals_(types_.size()) {}

  void add(size_t profile, const Profile& from, bool number_labels) {
    const std::vector<size_t> columns = columns_of(from, types_);
    for (const Sample& sample : from.samples) {
      std::vector<int64_t> values;
      for (const size_t column : columns) values.push_back(sample.values[column]);
      if (std::ranges::all_of(values, [](int64_t value) { return value == 0; })) continue;
      const size_t node = node_of(from, sample);
      std::vector<int64_t>& sums =
          counted_[profile].try_emplace({node, label_set(sample, number_labels)}).first->second;
      sums.resize(values.size());
      for (size_t i = 0; i < values.size(); ++i) {
        sums[i] += values[i];
        totals_[i] += std::abs(static_cast<double>(values[i]));
      }
    }
  }

  // Ends the stacks at what has less than `share` of all in every sample type.
  json shortened(double share) const {
    const std::vector<bool> shown = worth_showing(share);
    const size_t small_frame = frames_.size();
    std::vector<size_t> frame_to(frames_.size() + 1, kNone);
    std::vector<size_t> to(nodes_.size(), kNone);
    std::unordered_map<size_t, size_t> small;  // the node for what is too small, by its parent
    json frames = json::array();
    json stacks = json::array();
    const auto push = [&](size_t parent, size_t frame, int64_t line) {
      if (frame_to[frame] == kNone) {
        frame_to[frame] = frames.size();
        const bool real = frame != small_frame;
        frames.push_back({real ? frames_[frame].first : "(stacks too small to show)",
                          real ? frames_[frame].second : ""});
      }
      stacks.push_back(parent == kNone ? -1 : static_cast<int64_t>(parent));
      stacks.push_back(frame_to[frame]);
      stacks.push_back(std::max<int64_t>(line, 0));
      return stacks.size() / 3 - 1;
    };
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      const size_t parent = node.parent == kNone ? kNone : to[node.parent];
      if (shown[i]) {
        to[i] = push(parent, node.frame, node.line);
      } else if (node.parent != kNone && !shown[node.parent]) {
        to[i] = parent;
      } else {
        const auto [entry, fresh] = small.try_emplace(parent);
        if (fresh) entry->second = push(parent, small_frame, 0);
        to[i] = entry->second;
      }
    }
    return {{"frames", std::move(frames)},
            {"stacks", std::move(stacks)},
            {"samples", samples_at(to)},
            {"labels", labels_},
            {"label_sets", label_sets_}};
  }

 private:
  struct Node {
    size_t parent;
    size_t frame;
    int64_t line;  // in that function; -1: more than one
  };
  using Place = std::pair<size_t, size_t>;  // node, label set

  size_t frame_index(const std::string& name, const std::string& file) {
    const auto [entry, fresh] = frame_indices_.try_emplace(name, frames_.size());
    if (fresh) frames_.emplace_back(name, short_path(file));
    return entry->second;
  }

  size_t child(size_t parent, const std::string& name, const std::string& file, int64_t line) {
    const size_t frame = frame_index(name, file);
    const auto [entry, fresh] = children_.try_emplace({parent, frame}, nodes_.size());
    if (fresh) nodes_.push_back({parent, frame, line});
    if (Node& node = nodes_[entry->second]; node.line != line) node.line = -1;
    return entry->second;
  }

  size_t node_of(const Profile& from, const Sample& sample) {
    size_t node = kNone;
    for (auto index = sample.locations.rbegin(); index != sample.locations.rend(); ++index) {
      const Location& location = from.locations[*index];
      for (auto frame = location.frames.rbegin(); frame != location.frames.rend(); ++frame)
        node = child(node, frame->name, frame->file, frame->line);
      if (location.frames.empty())
        node = child(node, fmt::format("{:#x}", location.address), "", 0);
    }
    return node == kNone ? child(kNone, "(no stack)", "", 0) : node;
  }

  size_t label_set(const Sample& sample, bool number_labels) {
    std::vector<size_t> set;
    for (const auto& label : sample.labels) set.push_back(label_index(label));
    if (number_labels) {
      for (const NumberLabel& number : sample.numbers)
        set.push_back(label_index({number.key, fmt::format("{}", number.value)}));
    }
    std::ranges::sort(set);
    const auto [entry, fresh] = label_set_indices_.try_emplace(set, label_sets_.size());
    if (fresh) label_sets_.push_back(set);
    return entry->second;
  }

  size_t label_index(const std::pair<std::string, std::string>& label) {
    const auto [entry, fresh] = label_indices_.try_emplace(label, labels_.size());
    if (fresh) labels_.push_back({label.first, label.second});
    return entry->second;
  }

  std::vector<bool> worth_showing(double share) const {
    const size_t width = types_.size();
    std::vector<double> amounts(nodes_.size() * width);
    for (const auto& samples : counted_) {
      for (const auto& [place, values] : samples) {
        for (size_t i = 0; i < width; ++i)
          amounts[place.first * width + i] += std::abs(static_cast<double>(values[i]));
      }
    }
    std::vector<bool> shown(nodes_.size());
    for (size_t node = nodes_.size(); node-- > 0;) {
      for (size_t i = 0; i < width; ++i) {
        const double amount = amounts[node * width + i];
        if (amount > 0 && amount >= share * totals_[i]) shown[node] = true;
        if (nodes_[node].parent != kNone) amounts[nodes_[node].parent * width + i] += amount;
      }
    }
    return shown;
  }

  json samples_at(const std::vector<size_t>& to) const {
    json profiles = json::array();
    for (const auto& samples : counted_) {
      std::map<Place, std::vector<int64_t>> merged;
      for (const auto& [place, values] : samples) {
        std::vector<int64_t>& sums = merged[{to[place.first], place.second}];
        sums.resize(values.size());
        for (size_t i = 0; i < values.size(); ++i) sums[i] += values[i];
      }
      json flat = json::array();
      for (const auto& [place, values] : merged) {
        flat.push_back(place.first);
        flat.push_back(place.second);
        for (const int64_t value : values) flat.push_back(value);
      }
      profiles.push_back(std::move(flat));
    }
    return profiles;
  }

  const std::vector<ValueType> types_;
  std::vector<Node> nodes_;
  std::map<std::pair<size_t, size_t>, size_t> children_;
  std::vector<std::pair<std::string, std::string>> frames_;  // name, file
  std::unordered_map<std::string, size_t> frame_indices_;
  json labels_ = json::array();
  std::map<std::pair<std::string, std::string>, size_t> label_indices_;
  json label_sets_ = json::array();
  std::map<std::vector<size_t>, size_t> label_set_indices_;
  std::vector<std::map<Place, std::vector<int64_t>>> counted_;  // by profile
  std::vector<double> totals_;
};

json about(const NamedProfile& named) {
  const Profile& profile = named.profile;
  return {{"name", named.name},
          {"time_ns", profile.time_ns},
          {"duration_ns", profile.duration_ns},
          {"period", profile.period},
          {"period_type", {{"type", profile.period_type.type}, {"unit", profile.period_type.unit}}},
          {"comments", profile.comments}};
}

size_t first_type(const std::vector<ValueType>& types, const NamedProfile& named,
                  const std::string& wanted) {
  const std::string& name = wanted.empty() ? named.profile.default_sample_type : wanted;
  const auto found =
      std::ranges::find_if(types, [&](const ValueType& type) { return type.type == name; });
  if (found != types.end()) return static_cast<size_t>(found - types.begin());
  if (wanted.empty()) return types.size() - 1;
  throw std::runtime_error(fmt::format("{}: it has no sample type '{}'; it has {}", named.name,
                                       wanted, names_of(types)));
}

}  // namespace

json flame_data(const std::vector<NamedProfile>& profiles, const FlameOptions& options) {
  const std::vector<ValueType> types = common_types(profiles);
  json data = {{"title", options.title},
               {"sample_types", json::array()},
               {"sample_type", first_type(types, profiles.back(), options.sample_type)},
               {"profiles", json::array()},
               {"highlight", options.highlight},
               {"tags", options.tags}};
  for (const ValueType& type : types)
    data["sample_types"].push_back({{"type", type.type}, {"unit", type.unit}});
  for (const NamedProfile& named : profiles) data["profiles"].push_back(about(named));

  // Shares that come to less than a pixel go first; what a label's number is goes before stacks do.
  for (const double share : {0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2}) {
    CallTree tree(profiles.size(), types);
    for (size_t i = 0; i < profiles.size(); ++i) tree.add(i, profiles[i].profile, share == 0);
    data.update(tree.shortened(share));
    data["least_share"] = share;
    if (data.dump(-1, ' ', false, json::error_handler_t::replace).size() <= options.most_bytes)
      break;
  }
  return data;
}

}  // namespace greyhound::pprof
