// SPDX-License-Identifier: MIT
#include "tools/pprof/profile_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "tools/pprof/fetch.h"
#include "tools/pprof/legacy_formats.h"
#include "tools/pprof/profile_decode.h"

namespace greyhound::pprof {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ > STDIN_FILENO) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int operator*() const { return number_; }

 private:
  const int number_;
};

[[noreturn]] void refuse_large(const std::string& name) {
  throw FileError(
      fmt::format("{}: is larger than {} MiB: no profile is", name, kMostSourceBytes >> 20));
}

// As some programs give their children for a pipe; in another kind each message is by itself.
bool is_stream_socket(int descriptor) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// What never ends is not begun with.
void expect_readable(int descriptor, const std::string& name) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) throw file_error(name, "cannot be read", errno);
  if (isatty(descriptor) != 0)
    throw FileError(
        fmt::format("{}: cannot be read: it is a terminal; give a file, or pipe one in", name));
  const char* kind = S_ISDIR(status.st_mode)                                     ? "a directory"
                     : S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)        ? "a device"
                     : S_ISSOCK(status.st_mode) && !is_stream_socket(descriptor) ? "a socket"
                                                                                 : nullptr;
  if (kind != nullptr)
    throw FileError(fmt::format("{}: cannot be read: it is {}, not a profile", name, kind));
  if (status.st_size > static_cast<off_t>(kMostSourceBytes)) refuse_large(name);
}

std::string read_all(int descriptor, const std::string& name) {
  expect_readable(descriptor, name);
  std::string bytes;
  std::array<char, 1 << 16> piece;
  while (true) {
    const ssize_t count = read(descriptor, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw file_error(name, "cannot be read", errno);
    if (count == 0) return bytes;
    bytes.append(piece.data(), static_cast<size_t>(count));
    if (bytes.size() > kMostSourceBytes) refuse_large(name);
  }
}

bool is_url(const std::string& source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

Profile decode_named(const std::string& bytes, const std::string& name) try {
  return decode(bytes);
} catch (const OtherFormat& error) {
  throw FileError(
      fmt::format("{}: not a profile that greyhound pprof reads: {}", name, error.what()));
} catch (const FormatError& error) {
  throw FileError(fmt::format(
      "{}: not a profile: {}; greyhound pprof reads what --heapprofile, --cpuprofile or Go wrote",
      name, error.what()));
}

}  // namespace

Profile read_file(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (*file < 0) throw file_error(path, "cannot be read", errno);
  return decode_named(read_all(*file, path), path);
}

Profile read_source(const std::string& source) {
  if (source == "-") return decode_named(read_all(STDIN_FILENO, "stdin"), "stdin");
  if (is_url(source)) return decode_named(fetch(source), source);
  return read_file(source);
}

std::string source_name(const std::string& source) {
  if (source == "-") return "stdin";
  if (!is_url(source)) return std::filesystem::path(source).filename().string();
  const size_t host = source.find("//") + 2;
  return source.substr(host);
}

}  // namespace greyhound::pprof
