// SPDX-License-Identifier: MIT
// The present state of something as one text for any number of listeners: made at most ten times a
// second, by whichever of them asks first, and numbered by how often it changed. Listeners so cost
// what they read, not what is observed.
//
// Thread rules: any thread. The source is called under the feed's lock, one call at a time.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "runtime/watch/debughttp/debug_server.h"

namespace greyhound::serve {

class EventFeed {
 public:
  static constexpr std::chrono::milliseconds kPeriod{100};

  explicit EventFeed(EventSource source) : source_(std::move(source)) {}

  // The state, when it is another than the one numbered *seen, which is then set to its number;
  // null otherwise. Numbers begin at 1.
  std::shared_ptr<const std::string> newer_than(uint64_t* seen);

 private:
  const EventSource source_;
  std::mutex mutex_;  // of what follows
  std::chrono::steady_clock::time_point made_{};
  uint64_t number_ = 0;
  std::shared_ptr<const std::string> text_;
};

// As the event-stream format has it: one event with this text, however many lines it has.
std::string format_event(const std::string& text);

}  // namespace greyhound::serve
