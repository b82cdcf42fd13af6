// SPDX-License-Identifier: MIT
// Files are written whole or not at all: under another name first, then renamed, and an interrupt
// waits meanwhile. Devices, pipes and descriptors (/dev/stdout) are written to. Any thread.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace greyhound {

// A file that cannot be read or written, or holds something else than it should: a sentence that
// names it.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "heap.pb.gz: cannot be written: No space left on device".
FileError file_error(const std::string& path, const char* what, int error);

// Replaces what was at `path`, or behind it where that is a link; it stays as it is when this
// fails. Throws FileError.
void write_whole_file(const std::string& path, std::string_view bytes);

// Throws what write_whole_file would, for a folder that is missing, a device that is full and all
// else that can be known before there is anything to write. Leaves nothing behind.
void require_writable(const std::string& path);

// Whether both names lead to one file, be it there or not. Whatever goes to /dev/null is lost
// anyhow: that is never the same.
bool same_file(const std::string& a, const std::string& b);

// A file that a program is to write, and the option that asked for it.
struct OutputFile {
  std::string option;
  std::string path;  // empty: not wanted
};

// require_writable for each, and no two of them one file. Throws FileError.
void check_outputs(const std::vector<OutputFile>& files);

// Ends the process, but not while a file is being written. For a thread that waits for interrupts.
[[noreturn]] void exit_between_files(int status);

}  // namespace greyhound
