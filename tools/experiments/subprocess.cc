// SPDX-License-Identifier: MIT
#include "tools/experiments/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "tools/common/plain_text.h"

namespace greyhound::lab {
namespace {

using Clock = std::chrono::steady_clock;

// No program that the lab runs says so much.
constexpr size_t kMostOutput = 64 << 20;

// Both ends close on exec and on destruction.
class Pipe {
 public:
  Pipe() { open_ = pipe2(ends_, O_CLOEXEC) == 0; }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  bool open() const { return open_; }
  int end(int which) const { return ends_[which]; }
  void close_end(int which) {
    if (ends_[which] >= 0) close(std::exchange(ends_[which], -1));
  }

 private:
  int ends_[2] = {-1, -1};
  bool open_ = false;
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> result;
  for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
  result.push_back(nullptr);
  return result;
}

// Gives 0 or an error number.
int start(const std::vector<std::string>& command, const std::vector<std::string>& environment,
          const std::string& folder, const Pipe& out, const Pipe& err, pid_t* child) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.end(1), 1);
  posix_spawn_file_actions_adddup2(&actions, err.end(1), 2);
  posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  // Ctrl-C ends the child as well, though `lab --serve` blocks the signal in its own threads.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  // What the command ignores (tools/command/main.cc) is nothing for others to inherit.
  sigset_t ignored;
  sigemptyset(&ignored);
  sigaddset(&ignored, SIGXFSZ);
  posix_spawnattr_setsigdefault(&attributes, &ignored);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = posix_spawnp(child, command[0].c_str(), &actions, &attributes,
                                 pointers(command).data(), pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// Reads both pipes until both are closed at the other end; empty, or else why it stopped before.
std::string read_all(const Pipe& out, const Pipe& err, std::chrono::seconds limit,
                     Finished* finished) {
  const Clock::time_point deadline = Clock::now() + limit;
  pollfd files[] = {{out.end(0), POLLIN, 0}, {err.end(0), POLLIN, 0}};
  std::string* texts[] = {&finished->out, &finished->err};
  for (int open = 2; open > 0;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return "took longer than " + std::to_string(limit.count()) + " s";
    if (poll(files, 2, static_cast<int>(left)) < 0 && errno != EINTR)
      return std::string("could not be read: ") + std::strerror(errno);
    if (finished->out.size() + finished->err.size() > kMostOutput)
      return "wrote more than " + std::to_string(kMostOutput >> 20) + " MiB";
    for (int i = 0; i < 2; ++i) {
      if (files[i].fd < 0 || files[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t got = read(files[i].fd, buffer, sizeof buffer);
      if (got > 0) {
        texts[i]->append(buffer, static_cast<size_t>(got));
      } else if (got == 0 || errno != EINTR) {
        files[i].fd = -1;
        --open;
      }
    }
  }
  return {};
}

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of('\n');
  if (end == std::string::npos) return {};
  const size_t before = text.find_last_of('\n', end);
  const size_t begin = before == std::string::npos ? 0 : before + 1;
  return text.substr(begin, end + 1 - begin);
}

std::string describe(int status, const std::string& err) {
  std::string text = WIFSIGNALED(status)
                         ? "was ended by signal " + std::to_string(WTERMSIG(status))
                         : "ended with status " + std::to_string(WEXITSTATUS(status));
  // Whatever it says, it is text to show.
  if (const std::string line = last_line(err); !line.empty())
    text += ": " + pprof::plain_text(line);
  return text;
}

}  // namespace

Finished run_program(const std::vector<std::string>& command,
                     const std::vector<std::string>& environment, const std::string& folder,
                     std::chrono::seconds limit) {
  Finished finished;
  Pipe out, err;
  if (!out.open() || !err.open()) {
    finished.failure = "has no pipe to write to";
    return finished;
  }
  pid_t child = 0;
  if (const int error = start(command, environment, folder, out, err, &child); error != 0) {
    finished.failure = std::string("did not start: ") + std::strerror(error);
    return finished;
  }
  out.close_end(1);
  err.close_end(1);
  finished.failure = read_all(out, err, limit, &finished);
  const bool stopped = !finished.failure.empty();
  if (stopped) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  finished.ok = !stopped && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!stopped && !finished.ok) finished.failure = describe(status, finished.err);
  return finished;
}

std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string program_as_called() {
  std::ifstream arguments("/proc/self/cmdline", std::ios::binary);
  std::string first;
  std::getline(arguments, first, '\0');
  return first.empty() ? "greyhound" : shell_word(first);
}

}  // namespace greyhound::lab
