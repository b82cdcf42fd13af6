// SPDX-License-Identifier: MIT
#include "runtime/watch/debughttp/event_feed.h"

#include <sstream>

namespace greyhound::serve {

std::shared_ptr<const std::string> EventFeed::newer_than(uint64_t* seen) {
  std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  if (number_ == 0 || now - made_ >= kPeriod) {
    auto text = std::make_shared<const std::string>(source_());
    made_ = now;
    if (number_ == 0 || *text != *text_) {
      text_ = std::move(text);
      ++number_;
    }
  }
  if (*seen == number_) return nullptr;
  *seen = number_;
  return text_;
}

std::string format_event(const std::string& text) {
  std::string event;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) event += "data: " + line + "\n";
  return event + "\n";
}

}  // namespace greyhound::serve
