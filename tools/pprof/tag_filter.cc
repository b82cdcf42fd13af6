// SPDX-License-Identifier: MIT
#include "tools/pprof/tag_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "tools/pprof/units.h"

namespace greyhound::pprof {

TagFilter::TagFilter(std::string key, std::string value)
    : key_(std::move(key)), text_(std::move(value)) {
  const size_t colon = text_.find(':');
  const std::string_view text = text_;
  if (colon == std::string::npos) {
    least_ = most_ = amount_of(text);
    return;
  }
  const std::string_view first = text.substr(0, colon), second = text.substr(colon + 1);
  const std::optional<Amount> least = amount_of(first), most = amount_of(second);
  if ((!first.empty() && !least) || (!second.empty() && !most)) return;  // a text with a colon
  least_ = least;
  most_ = most;
  if (!least_ || !most_) return;
  // "1MB:2" ends at 2 MB.
  if (least_->unit.empty()) least_->unit = most_->unit;
  if (most_->unit.empty()) most_->unit = least_->unit;
}

std::optional<TagFilter::Amount> TagFilter::amount_of(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Amount amount{0, ""};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), amount.value);
  if (parsed.ec != std::errc()) return std::nullopt;
  amount.unit = text.substr(static_cast<size_t>(parsed.ptr - text.data()));
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
  };
  if (!std::ranges::all_of(amount.unit, is_letter)) return std::nullopt;
  return amount;
}

std::optional<int> TagFilter::compare(const NumberLabel& label, const Amount& amount) {
  using Wide = __int128;  // a petabyte as bytes, and years as nanoseconds, have room
  Wide left = label.value, right = amount.value;
  const std::string unit = unit_of(label);
  if (!amount.unit.empty() && amount.unit != unit) {
    const std::optional<Unit> own = unit_named(unit), asked = unit_named(amount.unit);
    if (!own || !asked || own->kind != asked->kind) return std::nullopt;
    left *= own->factor;
    right *= asked->factor;
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

bool TagFilter::matches(const Sample& sample) const {
  for (const auto& [key, value] : sample.labels) {
    if (key == key_ && value == text_) return true;
  }
  if (!is_range()) return false;
  return std::ranges::any_of(sample.numbers, [&](const NumberLabel& label) {
    if (label.key != key_) return false;
    if (least_ && compare(label, *least_).value_or(-1) < 0) return false;
    return !most_ || compare(label, *most_).value_or(1) <= 0;
  });
}

std::vector<TagFilter> filters_of(const Tags& tags) {
  std::vector<TagFilter> filters;
  for (const auto& [key, value] : tags) filters.emplace_back(key, value);
  return filters;
}

bool all_match(const std::vector<TagFilter>& filters, const Sample& sample) {
  return std::ranges::all_of(filters,
                             [&](const TagFilter& filter) { return filter.matches(sample); });
}

std::string unit_of(const NumberLabel& label) {
  if (!label.unit.empty()) return label.unit;
  if (label.key == "alignment" || label.key == "request") return "bytes";
  return unit_named(label.key) ? label.key : "";
}

std::string text_of(const NumberLabel& label) {
  const std::string unit = unit_of(label);
  return fmt::format("{}{}{}", label.value, unit.empty() ? "" : " ", unit);
}

std::string tag_keys(const Profile& profile) {
  std::set<std::string> keys;
  for (const Sample& sample : profile.samples) {
    for (const auto& label : sample.labels) keys.insert(label.first);
    for (const NumberLabel& label : sample.numbers) keys.insert(label.key);
  }
  return fmt::format("{}", fmt::join(keys, ", "));
}

}  // namespace greyhound::pprof
