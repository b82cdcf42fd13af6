// SPDX-License-Identifier: MIT
#include "gc/watch/watchdog.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

namespace greyhound::gc {
namespace {

// The kernel's number for a thread's CPU clock. pthread_getcpuclockid needs a thread that is there
// for sure; this one is refused when the thread has gone.
clockid_t cpu_clock_of(pid_t tid) {
  constexpr clockid_t kPerThread = 4, kScheduled = 2;
  return static_cast<clockid_t>(~static_cast<unsigned>(tid) << 3) | kPerThread | kScheduled;
}

// "1234 (name) R ...": the name may hold anything, so the last parenthesis counts.
char state_of(pid_t tid) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return '?';
  char text[256];
  const ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  if (length <= 0) return '?';
  text[length] = '\0';
  const char* name_end = std::strrchr(text, ')');
  return name_end != nullptr && name_end[1] == ' ' && name_end[2] != '\0' ? name_end[2] : '?';
}

}  // namespace

ThreadSight look_at_thread(pid_t tid) {
  ThreadSight sight;
  timespec used{};
  if (clock_gettime(cpu_clock_of(tid), &used) == 0) {
    sight.cpu_ns =
        static_cast<uint64_t>(used.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(used.tv_nsec);
  }
  sight.state = state_of(tid);
  return sight;
}

Stall judge_stall(const ThreadSight& first, const ThreadSight& now, Inside inside) {
  const bool ran = now.cpu_ns > first.cpu_ns && now.cpu_ns - first.cpu_ns >= kRanNs;
  if (ran) return inside == Inside::kAnswer ? Stall::kAnswering : Stall::kRunning;
  if (inside != Inside::kProgram) return Stall::kStarved;
  // Asleep, stopped or under a debugger, at both looks: one that runs by turns is neither.
  const auto waits = [](const ThreadSight& sight) {
    return sight.state == 'S' || sight.state == 'T' || sight.state == 't';
  };
  return waits(now) && (waits(first) || first.state == '?') ? Stall::kWaiting : Stall::kStarved;
}

}  // namespace greyhound::gc
