// SPDX-License-Identifier: MIT
// Runs the built greyhound command and gives what it wrote, for the tests of this folder. Variables
// of the caller's that would change what the command does are not passed on.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace greyhound::testing {

struct Output {
  int status = -1;
  std::string out;
  std::string err;

  std::vector<std::string> err_lines() const { return lines(err); }
  std::vector<std::string> out_lines() const { return lines(out); }

 private:
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> result;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) result.push_back(line);
    return result;
  }
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline std::string temporary_path(const char* suffix) {
  return ::testing::TempDir() + "greyhound-tools-test-" + std::to_string(getpid()) + suffix;
}

// A line of bash's, in which $G is the command. Its input is empty.
inline Output run_line(const std::string& line) {
  const std::string out = temporary_path(".out"), err = temporary_path(".err");
  const std::string script = temporary_path(".sh");
  std::ofstream(script) << "unset GREYHOUND_DEBUG GREYHOUND_GC GREYHOUND_MEMLIMIT COLUMNS\n"
                        << "G='" GREYHOUND_COMMAND "'\n"
                        << line << "\n";
  const int status =
      std::system(("bash '" + script + "' >'" + out + "' 2>'" + err + "' </dev/null").c_str());
  Output output;
  output.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  output.out = read_file(out);
  output.err = read_file(err);
  for (const std::string& path : {out, err, script}) std::remove(path.c_str());
  return output;
}

// `arguments` and `environment` ("NAME=value ...") as a shell takes them.
inline Output run_greyhound(const std::string& arguments, const std::string& environment = "") {
  return run_line(environment + " \"$G\" " + arguments);
}

}  // namespace greyhound::testing
