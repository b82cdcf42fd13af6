// SPDX-License-Identifier: MIT
// Files are written whole or not at all: under another name first, then renamed. Any thread.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace greyhound {

// A file that cannot be read or written, or holds something else than it should: a sentence that
// names it.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "heap.pb.gz: cannot be written: No space left on device".
FileError file_error(const std::string& path, const char* what, int error);

// Replaces what was at `path`, which stays as it is when this fails. A pipe or /dev/stdout is
// written to. Throws FileError.
void write_whole_file(const std::string& path, std::string_view bytes);

}  // namespace greyhound
