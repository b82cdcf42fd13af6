// SPDX-License-Identifier: MIT
// Text made in a buffer of the caller's, cut off when that is full. It allocates nothing, so it is
// good in a signal handler and where there is no memory.
#pragma once

#include <algorithm>
#include <cstdarg>
#include <cstddef>
#include <cstdio>

namespace greyhound::gc {

class Text {
 public:
  Text(char* buffer, size_t size) : buffer_(buffer), size_(size) { buffer_[0] = '\0'; }
  void add(const char* format, ...) __attribute__((format(printf, 2, 3))) {
    va_list arguments;
    va_start(arguments, format);
    const int wanted = std::vsnprintf(buffer_ + used_, size_ - used_, format, arguments);
    va_end(arguments);
    if (wanted > 0) used_ = std::min(used_ + static_cast<size_t>(wanted), size_ - 1);
  }

 private:
  char* const buffer_;
  const size_t size_;  // with the NUL
  size_t used_ = 0;
};

}  // namespace greyhound::gc
