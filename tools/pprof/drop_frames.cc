// SPDX-License-Identifier: MIT
#include "tools/pprof/drop_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <regex>
#include <string_view>
#include <unordered_map>

namespace greyhound::pprof {
namespace {

// <regex> compiles by recursion: what nests in a pattern is bounded, too.
constexpr size_t kMostPattern = 8 << 10;
constexpr ptrdiff_t kMostGroups = 500, kMostAlternatives = 2000;
constexpr size_t kMostName = 4 << 10;

// The whole name is to match. Breadth first: neither a name's length nor a pattern such as (a*)*b
// costs stack or time beyond their product.
std::regex regex_of(std::string pattern) {
  auto flags = std::regex::ECMAScript | std::regex_constants::__polynomial;
  if (pattern.starts_with("(?i)")) {
    pattern.erase(0, 4);
    flags |= std::regex::icase;
  }
  if (pattern.size() > kMostPattern || std::ranges::count(pattern, '(') > kMostGroups ||
      std::ranges::count(pattern, '|') > kMostAlternatives)
    throw std::regex_error(std::regex_constants::error_space);
  return std::regex("(?:" + pattern + ")", flags);
}

// Without parameters, as the expressions are written; but "(anonymous namespace)" and "operator()"
// belong to a name.
std::string_view simple_name(std::string_view name) {
  if (name.starts_with('.')) name.remove_prefix(1);
  constexpr std::string_view kAnonymous = "(anonymous namespace)", kCall = "operator()";
  for (size_t at = 0; at < name.size(); ++at) {
    const std::string_view rest = name.substr(at);
    if (rest.starts_with(kAnonymous)) {
      at += kAnonymous.size() - 1;
    } else if (rest.starts_with(kCall)) {
      at += kCall.size() - 1;
    } else if (rest.front() == '(') {
      return name.substr(0, at);
    }
  }
  return name;
}

class Dropper {
 public:
  Dropper(const std::string& drop, const std::string& keep) : drop_(regex_of(drop)) {
    if (!keep.empty()) keep_ = regex_of(keep);
  }

  bool drops(const std::string& name) {
    const auto [entry, fresh] = known_.try_emplace(name, false);
    if (fresh) {
      const std::string simple(simple_name(name).substr(0, kMostName));
      entry->second =
          std::regex_match(simple, drop_) && !(keep_ && std::regex_match(simple, *keep_));
    }
    return entry->second;
  }

  // How many of the location's frames go: the outermost that matches, and what is inlined into it.
  size_t dropped(const Location& location) {
    for (size_t i = location.frames.size(); i-- > 0;) {
      if (drops(location.frames[i].name)) return i + 1;
    }
    return 0;
  }

 private:
  const std::regex drop_;
  std::optional<std::regex> keep_;
  std::unordered_map<std::string, bool> known_;
};

void drop(Profile* profile, Dropper* dropper) {
  enum class Goes : unsigned char { kNot, kPartly, kWhole };
  std::vector<Goes> goes;
  for (Location& location : profile->locations) {
    const size_t count = dropper->dropped(location);
    const bool whole = count == location.frames.size();
    goes.push_back(count == 0 ? Goes::kNot : whole ? Goes::kWhole : Goes::kPartly);
    if (!whole)
      location.frames.erase(location.frames.begin(),
                            location.frames.begin() + static_cast<ptrdiff_t>(count));
  }
  for (Sample& sample : profile->samples) {
    bool others = false;
    for (size_t i = sample.locations.size(); i-- > 0;) {
      const Goes here = goes[sample.locations[i]];
      if (here == Goes::kNot) {
        others = true;
      } else if (others) {
        const size_t first = here == Goes::kWhole ? i + 1 : i;
        sample.locations.erase(sample.locations.begin(),
                               sample.locations.begin() + static_cast<ptrdiff_t>(first));
        break;
      }
    }
  }
}

}  // namespace

void drop_frames(Profile* profile, const std::string& drop_pattern, const std::string& keep) try {
  if (drop_pattern.empty()) return;
  Dropper dropper(drop_pattern, keep);
  drop(profile, &dropper);
} catch (const std::regex_error&) {
  profile->comments.push_back(fmt::format(
      "its drop_frames or keep_frames is no regular expression that greyhound reads; all "
      "frames are shown: {:.200}",
      drop_pattern));
}

}  // namespace greyhound::pprof
