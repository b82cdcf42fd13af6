// SPDX-License-Identifier: MIT
#include <csignal>

#include "tools/command/command_line.h"
#include "tools/common/standard_streams.h"

int main(int argc, char** argv) {
  greyhound::hold_standard_descriptors();
  // A file that grows beyond the shell's limit is an error to be said, not the process's end.
  std::signal(SIGXFSZ, SIG_IGN);
  return greyhound::run_command_line(argc, argv);
}
