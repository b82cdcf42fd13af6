// SPDX-License-Identifier: MIT
// Calls as a tree of nodes in which a parent's index is below its children's, and what was counted
// at them, by labels and profile: what the flame graph's page is made of. Nothing recurses. Any
// thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/watch/pprof/profile.h"
#include "tools/pprof/sample_types.h"
#include "tools/pprof/tag_filter.h"
#include "tools/pprof/view.h"

namespace greyhound::pprof {

// One of the sample types that are shown: where a profile has it, and in what unit.
struct Column {
  size_t index;
  int64_t factor;
};

// Which labels samples keep.
struct ShownLabels {
  bool numbers;
  std::set<std::string> without;  // keys of texts
};

// A tree of more nodes than are kept; of less depth there may be fewer.
class TooManyCalls : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class CallTree {
 public:
  // Of stacks deeper than `most_depth` the calls in the middle become one.
  CallTree(size_t profiles, size_t types, size_t most_depth, size_t most_calls = kMostCalls)
      : most_depth_(most_depth),
        types_(types),
        most_nodes_(most_calls / std::max<size_t>(1, types / 8)),
        counted_(profiles),
        totals_(types) {}

  // Throws std::runtime_error, with a sentence, for values or stacks beyond bounds; of nodes,
  // TooManyCalls.
  void add(size_t profile, const Profile& from, const std::vector<Column>& columns,
           const std::vector<TagFilter>& filters, const ShownLabels& labels);
  // Of the stacks that were added, as they are in the profile.
  size_t deepest() const { return deepest_; }
  // Of each node the part of all that it has, in the sample type in which that is most.
  std::vector<double> shares() const;
  // The page's frames, stacks, samples, labels and label_sets; stacks end at what has less than
  // `least` of `shares`, or nothing at all.
  nlohmann::json shortened(const std::vector<double>& shares, double least) const;

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
  size_t label_set(const Sample& sample, const ShownLabels& shown);
  size_t label_index(const std::pair<std::string, std::string>& label);
  nlohmann::json samples_at(const std::vector<size_t>& to) const;

  const size_t most_depth_;
  const size_t types_;
  const size_t most_nodes_;  // fewer where each has many sums
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
  std::vector<Amounts> totals_;                                 // by sample type
};

}  // namespace greyhound::pprof
