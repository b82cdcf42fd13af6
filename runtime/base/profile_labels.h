// SPDX-License-Identifier: MIT
// Labels on profile samples, by scope:
//
//   ProfileLabels label("scenario", "boxed");
//
// Every sample that the calling thread contributes until the end of the scope carries it; an inner
// scope adds to the outer ones, and hides one with the same key. As Go's pprof.Do, for any kind of
// profile: Go's heap profiles have none.
//
// Thread rules: a scope belongs to the thread that opened it, and scopes close in reverse order.
// current() may be called from a signal handler on that thread.
#pragma once

#include <atomic>
#include <string>
#include <utility>
#include <vector>

namespace greyhound {

class ProfileLabels {
 public:
  ProfileLabels(std::string key, std::string value);
  ~ProfileLabels();
  ProfileLabels(const ProfileLabels&) = delete;
  ProfileLabels& operator=(const ProfileLabels&) = delete;

  const std::string& key() const { return key_; }
  const std::string& value() const { return value_; }
  const ProfileLabels* outer() const { return outer_; }

  // The calling thread's innermost scope, or null.
  static const ProfileLabels* current();

 private:
  const std::string key_;
  const std::string value_;
  const ProfileLabels* const outer_;
};

// Key and value, sorted by key, each key once.
using LabelSet = std::vector<std::pair<std::string, std::string>>;
// What the calling thread's scopes say.
LabelSet current_labels();

}  // namespace greyhound
