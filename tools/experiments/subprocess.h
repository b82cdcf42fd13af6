// SPDX-License-Identifier: MIT
// Runs another program to its end and gives what it wrote (the Go side; nothing of it touches the
// runtimes under measurement, which do not exist while a program runs), and writes commands for
// people to run.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace greyhound::lab {

struct Finished {
  bool ok = false;      // it started, ended in time, and with status 0
  std::string failure;  // when not ok: why, as the end of a sentence
  std::string out;
  std::string err;
};

// `command[0]` is a path or looked up in PATH. `environment` is the whole of it, "NAME=value" each.
// `folder` is where it runs. A program that is still running after `limit`, or writes without end,
// is killed.
Finished run_program(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment, const std::string& folder,
                     std::chrono::seconds limit);

// A word of a command as a shell takes it.
std::string shell_word(const std::string& word);

// This program as the user called it, which works there again: greyhound, tools/greyhound.
std::string program_as_called();

}  // namespace greyhound::lab
