// SPDX-License-Identifier: MIT
// One line on stderr that says what is running, rewritten in place; only on a terminal, and not
// while the runtime prints traces there. Cleared on destruction. One thread.
#pragma once

#include <string_view>

namespace greyhound::lab {

class Progress {
 public:
  explicit Progress(bool enabled) : enabled_(enabled) {}
  ~Progress() { clear(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(std::string_view text);
  void clear();

 private:
  bool enabled_;
  bool shown_ = false;
};

// stderr is a terminal that understands the few control codes used, and nothing else writes there.
bool progress_wanted();

}  // namespace greyhound::lab
