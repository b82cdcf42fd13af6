// SPDX-License-Identifier: MIT
// --tag KEY=VALUE. A label that is a text matches when it is VALUE. One that is a number matches
// when it lies in VALUE as google/pprof's tagfocus has it: "32kb", ":64kb" (at most), "4mb:" (at
// least), "12kb:64mb" (both included). Without a unit it is the label's own. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/watch/pprof/profile.h"

namespace greyhound::pprof {

class TagFilter {
 public:
  TagFilter(std::string key, std::string value);
  bool matches(const Sample& sample) const;
  // Whether it is a number or a range of numbers, too.
  bool is_range() const { return least_.has_value() || most_.has_value(); }

 private:
  struct Amount {
    int64_t value;
    std::string unit;  // empty: that of what it is compared with
  };
  static std::optional<Amount> amount_of(std::string_view text);
  // Below 0, 0 or above 0; none when the two have nothing in common.
  static std::optional<int> compare(const NumberLabel& label, const Amount& amount);

  const std::string key_;
  const std::string text_;
  std::optional<Amount> least_;
  std::optional<Amount> most_;
};

using Tags = std::vector<std::pair<std::string, std::string>>;

std::vector<TagFilter> filters_of(const Tags& tags);
bool all_match(const std::vector<TagFilter>& filters, const Sample& sample);

// Of a label that is a number: what the profile says, or as google/pprof takes it from keys such as
// "bytes", which Go's heap profiles have without a unit.
std::string unit_of(const NumberLabel& label);

// "4096 bytes"
std::string text_of(const NumberLabel& label);

// What --tag could have named, for messages: each key once.
std::string tag_keys(const Profile& profile);

}  // namespace greyhound::pprof
