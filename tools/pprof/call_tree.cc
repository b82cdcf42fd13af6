// SPDX-License-Identifier: MIT
#include "tools/pprof/call_tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

namespace greyhound::pprof {
namespace {

using nlohmann::json;

constexpr size_t kNone = SIZE_MAX;
constexpr const char* kDeeper = "(calls between, too deep to show)";

// A file with the folder that it is in: where that is, is the machine's own affair.
std::string short_path(const std::string& path) {
  size_t at = path.size();
  for (int parts = 0; parts < 2 && at != std::string::npos; ++parts)
    at = at == 0 ? std::string::npos : path.rfind('/', at - 1);
  return at == std::string::npos ? path : path.substr(at + 1);
}

}  // namespace

void CallTree::add(size_t profile, const Profile& from, const std::vector<Column>& columns,
                   const std::vector<TagFilter>& filters, const ShownLabels& labels) {
  for (const Sample& sample : from.samples) {
    if (!all_match(filters, sample)) continue;
    std::vector<int64_t> values;
    for (const Column& column : columns)
      values.push_back(scaled(sample.values[column.index], column.factor));
    if (std::ranges::all_of(values, [](int64_t value) { return value == 0; })) continue;
    const size_t node = node_of(from, sample);
    std::vector<int64_t>& sums =
        counted_[profile].try_emplace({node, label_set(sample, labels)}).first->second;
    sums.resize(values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      totals_[i].add(values[i]);
      sums[i] += values[i];
    }
  }
}

json CallTree::shortened(const std::vector<double>& shares, double least) const {
  const auto shown = [&](size_t node) { return shares[node] > 0 && shares[node] >= least; };
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
    if (shown(i)) {
      to[i] = push(parent, node.frame, node.line);
    } else if (node.parent != kNone && !shown(node.parent)) {
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

size_t CallTree::frame_index(const std::string& name, const std::string& file) {
  const auto [entry, fresh] = frame_indices_.try_emplace(name, frames_.size());
  if (fresh) frames_.emplace_back(name, short_path(file));
  return entry->second;
}

size_t CallTree::child(size_t parent, const std::string& name, const std::string& file,
                       int64_t line) {
  const size_t frame = frame_index(name, file);
  const auto [entry, fresh] = children_.try_emplace({parent, frame}, nodes_.size());
  if (fresh) {
    if (nodes_.size() == most_nodes_)
      throw TooManyCalls(fmt::format("its calls make a tree of more than {} nodes", most_nodes_));
    nodes_.push_back({parent, frame, line});
  }
  if (Node& node = nodes_[entry->second]; node.line != line) node.line = -1;
  return entry->second;
}

size_t CallTree::node_of(const Profile& from, const Sample& sample) {
  size_t depth = 0;
  for (const size_t index : sample.locations) depth += from.locations[index].frames.size();
  if ((frames_walked_ += depth) > kMostFrames)
    throw std::runtime_error(fmt::format("its stacks have more than {} frames", kMostFrames));
  deepest_ = std::max(deepest_, depth);
  // Of more than fits, as much of the one end as of the other.
  const bool folded = depth > most_depth_;
  const size_t first = folded ? most_depth_ / 2 : depth;
  const size_t second = folded ? depth - (most_depth_ - first - 1) : depth;
  size_t node = kNone, at = 0;
  for (auto index = sample.locations.rbegin(); index != sample.locations.rend(); ++index) {
    const Location& location = from.locations[*index];
    for (auto frame = location.frames.rbegin(); frame != location.frames.rend(); ++frame, ++at) {
      if (at == first) node = child(node, kDeeper, "", 0);
      if (at < first || at >= second) node = child(node, frame->name, frame->file, frame->line);
    }
  }
  return node == kNone ? child(kNone, kNoStack, "", 0) : node;
}

size_t CallTree::label_set(const Sample& sample, const ShownLabels& shown) {
  std::vector<size_t> set;
  for (const auto& label : sample.labels) {
    if (!shown.without.contains(label.first)) set.push_back(label_index(label));
  }
  if (shown.numbers) {
    for (const NumberLabel& number : sample.numbers)
      set.push_back(label_index({number.key, text_of(number)}));
  }
  std::ranges::sort(set);
  const auto [entry, fresh] = label_set_indices_.try_emplace(set, label_sets_.size());
  if (fresh) label_sets_.push_back(set);
  return entry->second;
}

size_t CallTree::label_index(const std::pair<std::string, std::string>& label) {
  const auto [entry, fresh] = label_indices_.try_emplace(label, labels_.size());
  if (fresh) labels_.push_back({label.first, label.second});
  return entry->second;
}

std::vector<double> CallTree::shares() const {
  const size_t width = types_;
  std::vector<double> amounts(nodes_.size() * width);
  for (const auto& samples : counted_) {
    for (const auto& [place, values] : samples) {
      for (size_t i = 0; i < width; ++i)
        amounts[place.first * width + i] += std::abs(static_cast<double>(values[i]));
    }
  }
  std::vector<double> shares(nodes_.size());
  for (size_t node = nodes_.size(); node-- > 0;) {
    for (size_t i = 0; i < width; ++i) {
      const double amount = amounts[node * width + i];
      if (amount > 0)
        shares[node] = std::max(shares[node], amount / static_cast<double>(totals_[i].sum()));
      if (nodes_[node].parent != kNone) amounts[nodes_[node].parent * width + i] += amount;
    }
  }
  return shares;
}

json CallTree::samples_at(const std::vector<size_t>& to) const {
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

}  // namespace greyhound::pprof
