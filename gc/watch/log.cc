// SPDX-License-Identifier: MIT
#include "gc/watch/log.h"

#include <cstdarg>
#include <cstdio>

namespace greyhound::gc {
namespace {

constexpr size_t kLongest = 1024;  // cut off there

// One write, so that lines of several threads do not mix.
void say(const Options& options, const char* prefix, const char* text) {
  if (options.log != nullptr) return options.log(options.log_context, text);
  std::fprintf(stderr, "%s%s\n", prefix, text);
}

}  // namespace

void log_message(const Options& options, const char* format, ...) {
  char text[kLongest];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  say(options, "greyhound: ", text);
}

void log_trace(const Options& options, const char* format, ...) {
  char text[kLongest];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  say(options, "", text);
}

}  // namespace greyhound::gc
