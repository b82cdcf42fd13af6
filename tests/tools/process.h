// SPDX-License-Identifier: MIT
// A program in the background, whose words are read as they come.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

namespace greyhound::testing {

class Process {
 public:
  // The greyhound command, or `program` as the shell would find it. stdout and stderr are one.
  explicit Process(std::vector<std::string> arguments,
                   const std::string& program = GREYHOUND_COMMAND) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    output_ = ends[0];
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
    // A group of its own: the go command is only the parent of the tool.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    arguments.insert(arguments.begin(), program);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    EXPECT_EQ(posix_spawnp(&pid_, program.c_str(), &actions, &attributes, argv.data(), environ), 0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }
  ~Process() {
    if (pid_ > 0) {
      kill(-pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    close(output_);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Reads on until `text` has come; false when the process closed its output before.
  bool await(const std::string& text) {
    while (said_.find(text) == said_.npos) {
      if (!read_some()) return false;
    }
    return true;
  }
  const std::string& said() const { return said_; }
  // Of the first address that it says.
  int port() {
    constexpr std::string_view kBefore = "http://127.0.0.1:";
    EXPECT_TRUE(await(std::string(kBefore))) << said_;
    const size_t at = said_.find(kBefore) + kBefore.size();
    while (said_.find_first_of("/\n", at) == said_.npos && read_some()) {
    }
    return std::stoi(said_.substr(at));
  }
  void signal(int number) const { kill(pid_, number); }
  // The exit status; 128 + the signal's number when it died of one.
  int status() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  bool read_some() {
    char buffer[4096];
    const ssize_t got = read(output_, buffer, sizeof buffer);
    if (got > 0) said_.append(buffer, static_cast<size_t>(got));
    return got > 0;
  }

  pid_t pid_ = -1;
  int output_ = -1;
  std::string said_;
};

}  // namespace greyhound::testing
