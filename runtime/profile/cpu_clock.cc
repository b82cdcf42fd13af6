// SPDX-License-Identifier: MIT
#include "runtime/profile/cpu_clock.h"

#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#include "runtime/base/system.h"

namespace greyhound::runtime {
namespace {

timespec to_timespec(uint64_t ns) {
  return {static_cast<time_t>(ns / 1'000'000'000u), static_cast<long>(ns % 1'000'000'000u)};
}

uint64_t to_ns(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

CpuClock::CpuClock(pthread_t thread, pid_t tid) : tid_(tid) {
  has_clock_ = pthread_getcpuclockid(thread, &clock_) == 0;
}

bool CpuClock::start_timer(uint64_t first_ns, uint64_t period_ns) {
  if (!has_clock_) return false;
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = SIGPROF;
#ifdef sigev_notify_thread_id
  event.sigev_notify_thread_id = tid_;
#else
  event._sigev_un._tid = tid_;
#endif
  timer_t timer;
  if (timer_create(clock_, &event, &timer) != 0) return false;
  timer_ = timer;
  const itimerspec times{to_timespec(period_ns), to_timespec(first_ns)};
  if (timer_settime(timer, 0, &times, nullptr) == 0) return true;
  stop();
  return false;
}

bool CpuClock::start_perf(uint64_t period_ns) {
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = PERF_TYPE_SOFTWARE;
  attributes.config = PERF_COUNT_SW_TASK_CLOCK;
  attributes.sample_period = period_ns;
  attributes.disabled = 1;
  attributes.exclude_kernel = 1;  // what perf_event_paranoid 2 asks of everybody
  attributes.exclude_hv = 1;
  attributes.wakeup_events = 1;
  const auto event = static_cast<int>(
      syscall(SYS_perf_event_open, &attributes, tid_, -1, -1, PERF_FLAG_FD_CLOEXEC));
  if (event < 0) return false;
  perf_.store(event, std::memory_order_relaxed);
  const f_owner_ex owner{F_OWNER_TID, tid_};
  const bool sends =
      fcntl(event, F_SETFL, O_ASYNC | O_NONBLOCK) == 0 && fcntl(event, F_SETSIG, SIGPROF) == 0 &&
      fcntl(event, F_SETOWN_EX, &owner) == 0 && ioctl(event, PERF_EVENT_IOC_REFRESH, 1) == 0;
  if (!sends) stop();
  return sends;
}

uint64_t CpuClock::stop() {
  uint64_t left = 0;
  if (timer_) {
    itimerspec times{};
    if (timer_gettime(*timer_, &times) == 0) left = to_ns(times.it_value);
    timer_delete(*timer_);  // fails for what is no timer only
  }
  timer_.reset();
  if (const int event = perf_.exchange(-1, std::memory_order_relaxed); event >= 0) {
    // Closing ends it in any case.
    ioctl(event, PERF_EVENT_IOC_DISABLE, 0);
    close(event);
  }
  lost_.store(false, std::memory_order_relaxed);
  return left;
}

void CpuClock::forget() {
  timer_.reset();
  if (const int event = perf_.exchange(-1, std::memory_order_relaxed); event >= 0) close(event);
}

uint64_t CpuClock::now() const {
  uint64_t ns = 0;
  return has_clock_ && read_clock(clock_, &ns) ? ns : 0;
}

void CpuClock::rearm() {
  const int event = perf_.load(std::memory_order_relaxed);
  if (event >= 0 && ioctl(event, PERF_EVENT_IOC_REFRESH, 1) != 0)
    lost_.store(true, std::memory_order_relaxed);
}

}  // namespace greyhound::runtime
