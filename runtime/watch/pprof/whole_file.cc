// SPDX-License-Identifier: MIT
#include "runtime/watch/pprof/whole_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

namespace greyhound {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCannot = "cannot be written";
// A file system that is full has no room for so much; one that has may become full yet.
constexpr size_t kProbe = 64 << 10;

FileError cannot_write(const std::string& path, int error) {
  return file_error(path, kCannot, error);
}

// Held while a file is written: exit_between_files is about the process, as is this.
std::mutex& writing() {
  static std::mutex mutex;
  return mutex;
}

// The signals that users end programs with wait until the file is there, or is gone again. A
// program with other threads blocks them in those.
class Uninterrupted {
 public:
  Uninterrupted() : lock_(writing()) {
    sigset_t ends;
    sigemptyset(&ends);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&ends, signal);
    pthread_sigmask(SIG_BLOCK, &ends, &before_);
  }
  ~Uninterrupted() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;

 private:
  std::unique_lock<std::mutex> lock_;
  sigset_t before_;
};

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~File() { finish(); }

  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  // False, and errno says why.
  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes.remove_prefix(static_cast<size_t>(written));
    }
    return true;
  }
  bool finish() { return fd_ < 0 || ::close(std::exchange(fd_, -1)) == 0; }

 private:
  int fd_;
};

// The number in /dev/fd/N and the like, one of this process's own descriptors.
std::optional<int> descriptor_of(const std::string& path) {
  if (path == "/dev/stdin") return STDIN_FILENO;
  if (path == "/dev/stdout") return STDOUT_FILENO;
  if (path == "/dev/stderr") return STDERR_FILENO;
  for (const std::string_view folder : {"/dev/fd/", "/proc/self/fd/"}) {
    if (!path.starts_with(folder)) continue;
    int fd = 0;
    const char* const end = path.data() + path.size();
    const auto read = std::from_chars(path.data() + folder.size(), end, fd);
    if (read.ec == std::errc() && read.ptr == end) return fd;
  }
  return std::nullopt;
}

// Where links lead to, be there a file or not.
std::string behind_links(const std::string& path) {
  fs::path at = path;
  std::error_code error;
  for (int links = 0; links < 40; ++links) {
    const fs::path target = fs::read_symlink(at, error);
    if (error) break;
    at = target.is_absolute() ? target : at.parent_path() / target;
  }
  return at.string();
}

bool status_of(const std::string& path, struct stat* status) {
  const std::optional<int> fd = descriptor_of(path);
  return (fd ? fstat(*fd, status) : stat(path.c_str(), status)) == 0;
}

bool is_null_device(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

// Whether it is written to as it is.
bool is_special(const std::string& path) {
  struct stat status;
  return descriptor_of(path) || (status_of(path, &status) && !S_ISREG(status.st_mode));
}

File open_special(const std::string& path, int flags) {
  const std::optional<int> fd = descriptor_of(path);
  return File(fd ? fcntl(*fd, F_DUPFD_CLOEXEC, 3)
                 : ::open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC | flags));
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// A new file beside `target`, whatever the length of that one's name.
File create_beside(const std::string& target, std::string* name) {
  for (int i = 0;; ++i) {
    *name = (folder_of(target) /
             (".greyhound." + std::to_string(getpid()) + "." + std::to_string(i) + ".tmp"))
                .string();
    File file(::open(name->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file.open() || errno != EEXIST) return file;
  }
}

// What could be renamed over all the same, but was not meant to be written.
void check_target(const std::string& path, const std::string& target) {
  if (fs::path(target).filename().empty()) throw cannot_write(path, path.empty() ? ENOENT : EISDIR);
  const long longest = pathconf(folder_of(target).c_str(), _PC_NAME_MAX);
  if (longest > 0 && fs::path(target).filename().string().size() > static_cast<size_t>(longest))
    throw cannot_write(path, ENAMETOOLONG);
  if (access(path.c_str(), F_OK) != 0 && errno == ELOOP) throw cannot_write(path, ELOOP);
  if (access(target.c_str(), F_OK) == 0 && access(target.c_str(), W_OK) != 0)
    throw cannot_write(path, errno);
}

void write_special(const std::string& path, std::string_view bytes) {
  File file = open_special(path, 0);
  if (!file.open() || !file.write(bytes) || !file.finish()) throw cannot_write(path, errno);
}

// Something of whatever is written to devices is refused by a full one, even nothing. A pipe's
// reader would take its opening and closing for the end.
void require_special(const std::string& path) {
  struct stat status;
  if (status_of(path, &status) && S_ISFIFO(status.st_mode) && !descriptor_of(path)) {
    if (access(path.c_str(), W_OK) != 0) throw cannot_write(path, errno);
    return;
  }
  const File file = open_special(path, O_NONBLOCK);
  if (!file.open() || ::write(file.fd(), "", 0) < 0) throw cannot_write(path, errno);
}

}  // namespace

FileError file_error(const std::string& path, const char* what, int error) {
  return FileError(path + ": " + what + ": " + std::strerror(error));
}

void write_whole_file(const std::string& path, std::string_view bytes) {
  if (is_special(path)) return write_special(path, bytes);
  const std::string target = behind_links(path);
  check_target(path, target);
  const Uninterrupted uninterrupted;
  std::string beside;
  File file = create_beside(target, &beside);
  if (!file.open()) throw cannot_write(path, errno);
  struct stat before;
  if (stat(target.c_str(), &before) == 0) fchmod(file.fd(), before.st_mode & 07777);
  if (file.write(bytes) && file.finish() && rename(beside.c_str(), target.c_str()) == 0) return;
  const int error = errno;
  unlink(beside.c_str());
  throw cannot_write(path, error);
}

void require_writable(const std::string& path) {
  if (is_special(path)) return require_special(path);
  const std::string target = behind_links(path);
  check_target(path, target);
  const Uninterrupted uninterrupted;
  std::string beside;
  File file = create_beside(target, &beside);
  if (!file.open()) throw cannot_write(path, errno);
  const bool fits = file.write(std::string(kProbe, '\0')) && file.finish();
  const int error = errno;
  unlink(beside.c_str());
  if (!fits) throw cannot_write(path, error);
}

bool same_file(const std::string& a, const std::string& b) {
  struct stat of_a, of_b;
  const bool have_a = status_of(a, &of_a), have_b = status_of(b, &of_b);
  if (have_a != have_b) return false;
  if (have_a)
    return of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino && !is_null_device(of_a);
  const fs::path at_a = behind_links(a), at_b = behind_links(b);
  std::error_code error;
  return at_a.filename() == at_b.filename() &&
         fs::equivalent(folder_of(at_a), folder_of(at_b), error);
}

void check_outputs(const std::vector<OutputFile>& files) {
  for (const OutputFile& file : files) {
    if (!file.path.empty()) require_writable(file.path);
  }
  for (size_t i = 0; i < files.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (files[i].path.empty() || files[k].path.empty()) continue;
      if (!same_file(files[k].path, files[i].path)) continue;
      throw FileError(files[k].option + " " + files[k].path + " and " + files[i].option + " " +
                      files[i].path + " are one file; give each a file of its own");
    }
  }
}

void exit_between_files(int status) {
  writing().lock();  // for good
  std::_Exit(status);
}

}  // namespace greyhound
