// SPDX-License-Identifier: MIT
#include "tools/whole_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace greyhound {

FileError file_error(const std::string& path, const char* what, int error) {
  return FileError(fmt::format("{}: {}: {}", path, what, std::strerror(error)));
}

void write_whole_file(const std::string& path, std::string_view bytes) {
  struct stat status;
  const bool special = stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode);
  const std::string written = special ? path : fmt::format("{}.{}.tmp", path, getpid());
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(written.c_str(), "wb"),
                                                       std::fclose);
  if (file == nullptr) throw file_error(path, "cannot be written", errno);
  const bool complete = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size() &&
                        std::fclose(file.release()) == 0;
  const int error = errno;
  if (complete && (special || std::rename(written.c_str(), path.c_str()) == 0)) return;
  if (!special) std::remove(written.c_str());
  throw file_error(path, "cannot be written", complete ? errno : error);
}

}  // namespace greyhound
