// SPDX-License-Identifier: MIT
#include "runtime/base/cgroup.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

namespace greyhound {
namespace {

// v1's memory controller says so, rounded to pages, when there is no limit.
constexpr uint64_t kNoMemoryLimit = uint64_t{1} << 62;

// The first line of a file without its newline; empty when there is none.
std::string first_line(const std::string& path) {
  char line[256] = "";
  if (FILE* file = std::fopen(path.c_str(), "re")) {
    if (std::fgets(line, sizeof line, file) == nullptr) line[0] = '\0';
    std::fclose(file);
  }
  std::string_view text = line;
  return std::string(text.substr(0, text.find('\n')));
}

// 0 for what is no number: "max", "-1", a file that is not there.
uint64_t number_in(std::string_view text) {
  uint64_t number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  return result.ec == std::errc() && result.ptr == text.data() + text.size() ? number : 0;
}

void limit_cpus(uint64_t quota, uint64_t period, CgroupLimits* limits) {
  if (quota == 0 || period == 0) return;
  const double cpus = static_cast<double>(quota) / static_cast<double>(period);
  limits->cpus = limits->cpus == 0 ? cpus : std::min(limits->cpus, cpus);
}

void limit_memory(uint64_t bytes, CgroupLimits* limits) {
  if (bytes == 0 || bytes >= kNoMemoryLimit) return;
  limits->memory = limits->memory == 0 ? bytes : std::min(limits->memory, bytes);
}

void read_v2(const std::string& group, CgroupLimits* limits) {
  const std::string cpu = first_line(group + "/cpu.max");
  const std::string_view text = cpu;
  if (const size_t space = text.find(' '); space != std::string_view::npos)
    limit_cpus(number_in(text.substr(0, space)), number_in(text.substr(space + 1)), limits);
  for (const char* file : {"/memory.max", "/memory.high"})
    limit_memory(number_in(first_line(group + file)), limits);
}

void read_v1_cpu(const std::string& group, CgroupLimits* limits) {
  limit_cpus(number_in(first_line(group + "/cpu.cfs_quota_us")),
             number_in(first_line(group + "/cpu.cfs_period_us")), limits);
}

void read_v1_memory(const std::string& group, CgroupLimits* limits) {
  limit_memory(number_in(first_line(group + "/memory.limit_in_bytes")), limits);
}

// The group and all above it, the mount's top included.
template <class Read>
void for_each_group(const std::string& mount, std::string path, const Read& read,
                    CgroupLimits* limits) {
  while (path.size() > 1) {
    read(mount + path, limits);
    path.resize(path.rfind('/'));
  }
  read(mount, limits);
}

bool has_controller(std::string_view controllers, std::string_view wanted) {
  while (!controllers.empty()) {
    const size_t comma = controllers.find(',');
    if (controllers.substr(0, comma) == wanted) return true;
    if (comma == std::string_view::npos) break;
    controllers.remove_prefix(comma + 1);
  }
  return false;
}

// One line of /proc/self/cgroup: "0::/path", or "4:cpu,cpuacct:/path".
void read_hierarchy(const std::string& mounts, std::string_view line, CgroupLimits* limits) {
  const size_t first = line.find(':');
  const size_t second = line.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return;
  const std::string_view controllers = line.substr(first + 1, second - first - 1);
  const std::string path(line.substr(second + 1));
  if (controllers.empty()) {
    for (const char* mount : {"", "/unified"})
      for_each_group(mounts + mount, path, read_v2, limits);
    return;
  }
  const std::string together = mounts + "/" + std::string(controllers);
  if (has_controller(controllers, "cpu")) {
    for (const std::string& mount : {together, mounts + "/cpu"})
      for_each_group(mount, path, read_v1_cpu, limits);
  }
  if (has_controller(controllers, "memory")) {
    for (const std::string& mount : {together, mounts + "/memory"})
      for_each_group(mount, path, read_v1_memory, limits);
  }
}

}  // namespace

CgroupLimits cgroup_limits(const char* root) {
  CgroupLimits limits;
  FILE* file = std::fopen((std::string(root) + "/proc/self/cgroup").c_str(), "re");
  if (file == nullptr) return limits;
  const std::string mounts = std::string(root) + "/sys/fs/cgroup";
  char line[4096];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const std::string_view text = line;
    read_hierarchy(mounts, text.substr(0, text.find('\n')), &limits);
  }
  std::fclose(file);
  return limits;
}

}  // namespace greyhound
