// SPDX-License-Identifier: MIT
// Calls as a tree of nodes in which a parent's index is below its children's, and what was counted
// at them, by labels and profile: what the flame graph's page is made of. Nothing recurses. Any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tools/pprof/profile.h"
#include "tools/pprof/tag_filter.h"

namespace greyhound::pprof {

// One of the sample types that are shown: where a profile has it, and in what unit.
struct Column {
  size_t index;
  int64_t factor;
};

class CallTree {
 public:
  // Of stacks deeper than `most_depth` the calls in the middle become one.
  CallTree(size_t profiles, size_t types, size_t most_depth)
      : most_depth_(most_depth), types_(types), counted_(profiles), totals_(types) {}

  // Throws std::runtime_error, with a sentence, for values or stacks beyond bounds.
  void add(size_t profile, const Profile& from, const std::vector<Column>& columns,
           const std::vector<TagFilter>& filters, bool number_labels);
  // Of the stacks that were added, as they are in the profile.
  size_t deepest() const { return deepest_; }
  size_t nodes() const { return nodes_.size(); }
  // The page's frames, stacks, samples, labels and label_sets; stacks end at what has less than
  // `share` of all in every sample type.
  nlohmann::json shortened(double share) const;

 private:
  struct Node {
    size_t parent;
    size_t frame;
    int64_t line;  // in that function; -1: more than one
  };
  using Place = std::pair<size_t, size_t>;  // node, label set
  struct HashOfPair {
    size_t operator()(const std::pair<size_t, size_t>& pair) const {
      return (pair.first * 0x9e3779b97f4a7c15u) ^ (pair.second * 0xff51afd7ed558ccdu);
    }
  };

  size_t frame_index(const std::string& name, const std::string& file);
  size_t child(size_t parent, const std::string& name, const std::string& file, int64_t line);
  size_t node_of(const Profile& from, const Sample& sample);
  size_t label_set(const Sample& sample, bool number_labels);
  size_t label_index(const std::pair<std::string, std::string>& label);
  std::vector<bool> worth_showing(double share) const;
  nlohmann::json samples_at(const std::vector<size_t>& to) const;

  const size_t most_depth_;
  const size_t types_;
  size_t deepest_ = 0;
  size_t frames_walked_ = 0;
  std::vector<Node> nodes_;
  std::unordered_map<std::pair<size_t, size_t>, size_t, HashOfPair> children_;  // parent, frame
  std::vector<std::pair<std::string, std::string>> frames_;                     // name, file
  std::unordered_map<std::string, size_t> frame_indices_;
  nlohmann::json labels_ = nlohmann::json::array();
  std::map<std::pair<std::string, std::string>, size_t> label_indices_;
  nlohmann::json label_sets_ = nlohmann::json::array();
  std::map<std::vector<size_t>, size_t> label_set_indices_;
  std::vector<std::map<Place, std::vector<int64_t>>> counted_;  // by profile
  std::vector<double> totals_;
};

}  // namespace greyhound::pprof
