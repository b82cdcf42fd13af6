// SPDX-License-Identifier: MIT
#include "tools/experiments/progress.h"

#include <unistd.h>

#include <cstdlib>

#include "tools/common/standard_streams.h"

namespace greyhound::lab {
namespace {

constexpr std::string_view kClearLine = "\r\033[K";
constexpr size_t kMostColumns = 78;

}  // namespace

void Progress::show(std::string_view text) {
  if (!enabled_) return;
  shown_ = true;
  say("{}{:.{}}", kClearLine, text, kMostColumns);
}

void Progress::clear() {
  if (!shown_) return;
  shown_ = false;
  say(kClearLine);
}

bool progress_wanted() {
  const char* terminal = std::getenv("TERM");
  const char* debug = std::getenv("GREYHOUND_DEBUG");
  return isatty(STDERR_FILENO) == 1 && terminal != nullptr &&
         std::string_view(terminal) != "dumb" &&
         (debug == nullptr || std::string_view(debug).find("trace") == std::string_view::npos);
}

}  // namespace greyhound::lab
