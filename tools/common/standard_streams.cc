// SPDX-License-Identifier: MIT
#include "tools/common/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "runtime/watch/pprof/whole_file.h"

namespace greyhound {
namespace {

constexpr const char* kOutput = "standard output";

[[noreturn]] void output_failed(int error) {
  if (error == EPIPE) throw ReaderGone();
  throw file_error(kOutput, "cannot be written", error);
}

}  // namespace

void hold_standard_descriptors() {
  // Wrong way round on purpose: reading the input and writing the output fail, as on a closed one.
  constexpr int kModes[] = {O_WRONLY, O_RDONLY, O_WRONLY};
  for (int fd = 0; fd < 3; ++fd) {
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) open("/dev/null", kModes[fd]);
  }
}

void print_out(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) output_failed(errno);
}

void flush_out() {
  if (std::fflush(stdout) != 0) output_failed(errno);
}

void require_standard_output() {
  if (write(STDOUT_FILENO, "", 0) < 0) output_failed(errno);
}

void say(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace greyhound
