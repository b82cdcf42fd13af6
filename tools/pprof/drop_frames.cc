// SPDX-License-Identifier: MIT
#include "tools/pprof/drop_frames.h"

#include <fmt/format.h>

#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "tools/pprof/name_pattern.h"

namespace greyhound::pprof {
namespace {

// Of all names together, in NamePattern's units: a second or two.
constexpr size_t kMostWork = 200'000'000;

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
  Dropper(const std::string& drop, const std::string& keep) : drop_(drop) {
    if (!keep.empty()) keep_.emplace(keep);
  }

  bool drops(const std::string& name) {
    const auto [entry, fresh] = known_.try_emplace(name, false);
    if (fresh) {
      const std::string_view simple = simple_name(name);
      entry->second = drop_.matches(simple, &work_) && !(keep_ && keep_->matches(simple, &work_));
    }
    return entry->second;
  }

  // How many of the location's frames go: the outermost that matches, and what is inlined into it.
  size_t dropped(const Location& location) {
    for (size_t i = location.frames.size(); i-- > 0;) {
      const std::string& name = location.frames[i].name;
      if (!name.empty() && drops(name)) return i + 1;
    }
    return 0;
  }

 private:
  NamePattern drop_;
  std::optional<NamePattern> keep_;
  std::unordered_map<std::string, bool> known_;
  size_t work_ = kMostWork;
};

void drop(Profile* profile, Dropper* dropper) {
  enum class Goes : unsigned char { kNot, kPartly, kWhole };
  std::vector<Goes> goes;
  // All are known before the first goes: an expression may turn out to cost too much.
  std::vector<size_t> counts;
  for (const Location& location : profile->locations) counts.push_back(dropper->dropped(location));
  for (size_t at = 0; at < counts.size(); ++at) {
    Location& location = profile->locations[at];
    const size_t count = counts[at];
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
} catch (const PatternError& error) {
  profile->all_frames =
      fmt::format("its drop_frames or keep_frames {}; all frames are shown: {:.200}", error.what(),
                  drop_pattern);
  profile->comments.push_back(profile->all_frames);
}

}  // namespace greyhound::pprof
